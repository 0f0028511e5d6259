/**
 * Emits kernels as a JavaScript or TypeScript module: the WGSL, the manifest and the types of each. The module includes the text
 * of the launcher in `src/launch`, and then has no imports, or it imports the launcher.
 */

import { leastDemanding } from "../../codegen/variants.ts";
import {
  aBoolean,
  anObject,
  aString,
  checkArgument,
  checkOptions,
  eitherOf,
  isRecord,
  type Kind,
  listOf,
  oneOf,
} from "../diagnostics/arguments.ts";
import { oneLine } from "../diagnostics/lines.ts";
import { FreshNames } from "../ir/fresh-names.ts";
import { isInteger, isNarrow, printType } from "../ir/types.ts";
import type { CompactManifest } from "../launch/compact.ts";
import type { LaunchManifest } from "../launch/manifest.ts";
import type { LaunchPlan } from "../launch/plan-manifest.ts";
import { arrays } from "../launch/tensors.ts";
import { launcherText, planText } from "../launch/text-js.ts";
import { planManifest } from "../plan/manifest.ts";
import { isOneKernel, type Plan, withKernels } from "../plan/plan.ts";
import { type Binding, type Kernel, type Parameter, parametersOf } from "../target/manifest.ts";
import { inPlaceParts } from "../target/reads.ts";
import { checkCarried, compact } from "./compact-manifest.ts";
import { signatureOf } from "./plan-signature.ts";

/** Options of `emitModule`. */
export interface EmitModuleOptions {
  /** `ts` with types; `js` without: `emitDeclarations` emits them. */
  readonly language: "ts" | "js";
  /** The name of the program, for the first line. */
  readonly source: string;
  /**
   * The module from which to import the launcher, or the launcher's text. By default, a `js` module includes the text
   * and has no imports, and a `ts` module imports `tirc/launch`.
   */
  readonly launcher?: string | { readonly text: string; readonly planText?: string };
  /** Whether errors are sentences, or codes with the names concerned, which take less space. `true` by default. */
  readonly explains?: boolean;
}

/**
 * The names of exports, which are unique: `bert_output` is exported as `bertOutput`, unless that is ambiguous or cannot be
 * imported.
 */
export function exportNames(kernels: readonly Kernel[]): string[] {
  checkArgument("the first argument", "exportNames", kernels, listOf("kernels", { ...anObject, what: "a kernel" }));
  const camel = kernels.map(({ name }) =>
    name.replace(/(?<=[a-zA-Z0-9])_+([a-zA-Z0-9])/g, (_, letter: string) => letter.toUpperCase()),
  );
  const wanted = kernels.map(({ name }, i) => {
    const isTaken = camel.filter((other) => other === camel[i]).length > 1;
    return isTaken ? name : (camel[i] as string);
  });
  const fresh = new FreshNames(wanted.filter((name) => !notImported.has(name)));
  return wanted.map((name) => (notImported.has(name) ? fresh.next(`${name}Kernel`) : name));
}

/**
 * Reserved words of JavaScript, and names with a meaning in a module namespace: one with
 * `then` is a thenable for `await import()`, and `default`, `__esModule` and `__proto__` have a meaning for bundlers. `prepare`
 * is exported by every module.
 */
const notImported: ReadonlySet<string> = new Set(
  (
    "then default __esModule __proto__ prepare arguments await break case catch class const continue debugger " +
    "delete do else enum eval export extends false finally for function if implements import in instanceof " +
    "interface let new null package private protected public return static super switch this throw true try typeof " +
    "undefined var void while with yield"
  ).split(" "),
);

/** The names of a kernel in its module. */
export interface Names {
  readonly exported: string;
  /** Contains a `$`, which neither names of programs nor those of the launcher have, so that it shadows nothing. */
  readonly local: string;
  /** The prefix of the names of its types. */
  readonly type: string;
}

/** The names of kernels, in order. */
export function namesOf(kernels: readonly Kernel[]): Names[] {
  const exported = exportNames(kernels);
  const capitals = exported.map((name) => `${name.slice(0, 1).toUpperCase()}${name.slice(1)}`);
  return exported.map((name, i) => {
    const isTaken = capitals.filter((other) => other === capitals[i]).length > 1;
    return { exported: name, local: `${name}$`, type: isTaken ? name : (capitals[i] as string) };
  });
}

/** A function that consists of several kernels, each compiled for one target or several. */
export interface EmittedPlan {
  readonly plan: LaunchPlan;
  /** The kernels of each launch, in order. */
  readonly kernels: readonly (readonly Kernel[])[];
}

/** A function for `emitModule`: its kernel, or its plan. */
export type EmittedFunction = readonly Kernel[] | EmittedPlan;

/** The compiled functions. @param kernels of the launches of all plans, in order. */
export function emittedFunctions(
  plans: readonly Plan[],
  kernels: readonly (readonly Kernel[])[],
): readonly EmittedFunction[] {
  return withKernels(plans, kernels).map(({ plan, kernels: own }) =>
    isOneKernel(plan) ? (own[0] as readonly Kernel[]) : { plan: planManifest(plan), kernels: own },
  );
}

/** A kernel with the signature of a function. */
function signatureKernel(one: EmittedFunction): Kernel {
  return "plan" in one ? signatureOf(one.plan) : leastDemanding(one);
}

function checkFunctions(name: string, functions: readonly (Kernel | EmittedFunction)[]): void {
  const aFunction: Kind = {
    what: "a kernel, a list of its forms, or a plan with its kernels",
    holds: (value) => Array.isArray(value) || (isRecord(value) && ("wgsl" in value || "plan" in value)),
  };
  checkArgument("the first argument", name, functions, {
    ...listOf("kernels", aFunction),
    help: (value) => (isRecord(value) && Array.isArray(value.kernels) ? ["pass its `kernels`"] : []),
  });
}

/**
 * The text of a module that exports each function. A list is a function compiled for several targets, as
 * `compileVariants` returns it: the module uses the first form that the device can run.
 */
export function emitModule(kernels: readonly (Kernel | EmittedFunction)[], given: EmitModuleOptions): string {
  checkFunctions("emitModule", kernels);
  checkOptions("emitModule", given, {
    language: { ...oneOf("ts", "js"), isRequired: true },
    source: { ...aString, isRequired: true },
    launcher: eitherOf({ ...aString, what: "the name of a module" }, { ...anObject, what: "a text, `{ text }`" }),
    explains: aBoolean,
  });
  const { language, source, ...options } = given;
  const forms = kernels.map((one) => ("name" in one ? [one] : one));
  const names = namesOf(forms.map(signatureKernel));
  const hasPlans = forms.some((one) => "plan" in one);
  const isTyped = language === "ts";
  const launcher = options.launcher ?? (isTyped ? "tirc/launch" : { text: launcherText });
  const partsOf = (list: readonly Kernel[]) => [
    ...(options.explains === false ? [] : ["explain"]),
    ...(list.some(hasScalars) ? ["writeScalar"] : []),
    ...(list.some(hasIntegers) ? ["integersOf"] : []),
    ...(list.some(({ manifest }) => manifest.variants) ? ["entryFor"] : []),
    ...(list.some(({ manifest }) => manifest.overrides.length > 0) ? ["constantsOf"] : []),
  ];
  const parts = forms.map((one, i) => {
    const own = names[i] as Names;
    return "plan" in one ? planOf(one, own, isTyped, partsOf) : kernelText(one, own, isTyped, partsOf(one));
  });
  const lists = forms.flatMap((one) => ("plan" in one ? one.kernels : [one]));
  const types = isTyped ? ["type CallableKernel"] : [];
  const plans = hasPlans ? (isTyped ? ["plan", "type AnyTypes", "type CallablePlan"] : ["plan"]) : [];
  const imported = [...new Set(["kernel", "prepare", ...lists.flatMap(partsOf), ...types, ...plans])];
  const first =
    typeof launcher === "string"
      ? `import { ${imported.join(", ")} } from ${JSON.stringify(launcher)};\n`
      : launcher.text + (hasPlans ? (launcher.planText ?? planText) : "");
  return [header(source), first, ...parts, exportsText(names)].join("\n");
}

/** The kernels of a plan, which are not exported, and the function that launches them. */
function planOf(
  { plan, kernels }: EmittedPlan,
  { local, type }: Names,
  isTyped: boolean,
  partsOf: (list: readonly Kernel[]) => string[],
): string {
  const own = kernels.map((list) => `${(list.at(-1) as Kernel).name}$`);
  const parts = kernels.map((list, i) => {
    return `const ${own[i]}${isTyped ? ": CallableKernel<AnyTypes>" : ""} = /* @__PURE__ */ ${madeText(list, partsOf(list))};\n`;
  });
  const whole = signatureOf(plan);
  const interfaces = isTyped ? `${signature(whole, type)}\n` : "";
  const types = isTyped ? `: CallablePlan<${type}Signature>` : "";
  const made = `plan(${JSON.stringify(plan)}, [${own.join(", ")}])`;
  return `${parts.join("")}${interfaces}${docs(whole)}\nconst ${local}${types} = /* @__PURE__ */ ${made};\n`;
}

/** The types of `emitModule(functions, { language: "js", launcher })`, as a `.d.ts`. */
export function emitDeclarations(
  functions: readonly (Kernel | EmittedFunction)[],
  source: string,
  launcher = "tirc/launch",
): string {
  checkFunctions("emitDeclarations", functions);
  checkArgument("the second argument", "emitDeclarations", source, {
    ...aString,
    what: "the name of the program's file",
  });
  const forms = functions.map((one) => ("name" in one ? [one] : one));
  const kernels = forms.map(signatureKernel);
  const names = namesOf(kernels);
  const typeOf = (i: number) => ("plan" in (forms[i] as EmittedFunction) ? "CallablePlan" : "CallableKernel");
  const parts = kernels.map((kernel, i) => {
    const { local, type } = names[i] as Names;
    return `${signature(kernel, type)}\n${docs(kernel)}\ndeclare const ${local}: ${typeOf(i)}<${type}Signature>;\n`;
  });
  const types = [...new Set(kernels.map((_, i) => `type ${typeOf(i)}`))].sort();
  const imported = `import { ${[...types, "prepare"].join(", ")} } from ${JSON.stringify(launcher)};\n`;
  return [header(source), imported, ...parts, exportsText(names)].join("\n");
}

const exportsText = (names: readonly Names[]) =>
  `export { ${[...names.map(({ local, exported }) => `${local} as ${exported}`), "prepare"].join(", ")} };\n`;

/** The first line. `oneLine` removes line breaks from the name, which would end the comment. */
const header = (source: string) => `// Made by tirc from ${oneLine(source)}. Changes to this file are lost.\n`;

const hasScalars = ({ manifest }: Kernel) => manifest.uniforms?.fields.some(({ kind }) => kind === "scalar") === true;

const hasIntegers = ({ manifest }: Kernel) =>
  manifest.bindings.some(({ access, element }) => access === "read" && isInteger(element));

const resultsOf = ({ manifest }: Kernel) => manifest.bindings.filter(({ access }) => access === "read_write");

/** A member of an interface. Names of parameters are valid names of members. */
function member({ name, element, shape, constant }: Parameter | Binding, isInput: boolean): string {
  const what = constant ? "the constant, " : "";
  const isScalar = isInput && shape.length === 0;
  const stored = isScalar ? "" : isNarrow(element) ? ", as bits" : element === "bool" ? ", a u32 each" : "";
  const scalar = element === "bool" ? "boolean | number" : "number";
  const type = isScalar ? scalar : arrays[element].name;
  return `    /** ${what}${printType({ element, shape })}${stored} */\n    readonly ${name}: ${type};\n`;
}

/** The signature of a kernel as a type. */
function signature(kernel: Kernel, type: string): string {
  const part = (name: string, members: readonly string[]) =>
    members.length === 0
      ? `  readonly ${name}: Record<never, never>;\n`
      : `  readonly ${name}: {\n${members.join("")}  };\n`;
  const inputs = part(
    "inputs",
    parametersOf(kernel.manifest).map((one) => member(one, true)),
  );
  const outputs = part(
    "outputs",
    resultsOf(kernel).map((one) => member(one, false)),
  );
  const dims = part(
    "dims",
    kernel.manifest.dims.map(({ name }) => `    readonly ${name}: number;\n`),
  );
  return `export interface ${type}Signature {\n${inputs}${outputs}${dims}}\n`;
}

function docs(kernel: Kernel): string {
  const results = resultsOf(kernel).map(({ name, element, shape }) => `${name}: ${printType({ element, shape })}`);
  return `/** Gives ${results.join(", ")}. @throws TypeError for what is passed. */`;
}

/** The default values of members that a manifest may omit. */
const empty = {
  ...{ overrides: {}, columns: [], variants: [], entryPoint: "main" },
  ...{ atLeastOne: false, needs: {}, cpu: 0, unread: 0 },
} satisfies Partial<CompactManifest>;

/** The forms, each with the members that differ from the last, which is complete. */
function formsText(forms: readonly Kernel[]): string {
  const manifests = forms.map(({ manifest }) => compact(manifest));
  const whole = manifests.at(-1) as CompactManifest;
  const texts = forms.map(({ wgsl, manifest }, i) => {
    const missing = Object.entries(empty).filter(([key]) => key in whole);
    const all = { ...Object.fromEntries(missing), ...manifests[i] };
    const own = Object.entries(all).filter(([key, value]) => {
      return i === forms.length - 1 || JSON.stringify(value) !== JSON.stringify(whole[key as keyof CompactManifest]);
    });
    const written = Object.fromEntries(own);
    checkCarried({ ...whole, ...written }, manifest);
    return `[${wgslText(wgsl, manifest)}, ${JSON.stringify(written)}]`;
  });
  return `[${texts.join(", ")}]`;
}

function kernelText(forms: readonly Kernel[], { local, type }: Names, isTyped: boolean, parts: string[]): string {
  const kernel = forms.at(-1) as Kernel;
  const interfaces = isTyped ? `${signature(kernel, type)}\n` : "";
  const types = isTyped ? `: CallableKernel<${type}Signature>` : "";
  return `${interfaces}${docs(kernel)}\nconst ${local}${types} = /* @__PURE__ */ ${madeText(forms, parts)};\n`;
}

/** The call that makes a kernel. */
function madeText(forms: readonly Kernel[], parts: readonly string[]): string {
  const given = parts.length > 0 ? `, { ${parts.join(", ")} }` : "";
  return `kernel(${JSON.stringify(forms.at(-1)?.name)}, ${formsText(forms)}${given})`;
}

/**
 * The text of a kernel as a template literal. If results may overwrite inputs, it is a function of the variables by which these
 * are read.
 */
function wgslText(wgsl: string, manifest: LaunchManifest): string {
  const parts = inPlaceParts(wgsl, manifest);
  const variables = [...new Set(parts.filter((_, i) => i % 2 === 1))];
  const text = parts.map((part, i) => (i % 2 === 1 ? `\${${part}}` : escaped(part))).join("");
  const readBy = variables.map((name) => `${name} = ${JSON.stringify(name)}`);
  return `${variables.length > 0 ? `({ ${readBy.join(", ")} }) => ` : ""}\`${text}\``;
}

/** Escapes text for a template literal. */
const escaped = (text: string) => text.replace(/[\\`]|\$\{/g, (found) => `\\${found}`);

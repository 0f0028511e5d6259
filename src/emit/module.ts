/**
 * Kernels as a module: the WGSL, the manifest and the types of each, for the launcher of `src/launch`. Its text goes into
 * the module, which then imports nothing, or the module imports it.
 */

import { leastDemanding } from "../../codegen/variants.ts";
import { oneLine } from "../diagnostics/short.ts";
import { FreshNames } from "../ir/fresh-names.ts";
import { isHalf, isInteger, printType } from "../ir/types.ts";
import type { CompactManifest } from "../launch/compact.ts";
import type { LaunchManifest } from "../launch/manifest.ts";
import type { LaunchPlan } from "../launch/plan-manifest.ts";
import { launcherText, planText } from "../launch/text-js.ts";
import { planManifest } from "../plan/manifest.ts";
import { isOneKernel, launchesOf, type Plan } from "../plan/plan.ts";
import { type Binding, type Kernel, type Parameter, parametersOf } from "../target/manifest.ts";
import { inPlaceParts } from "../target/reads.ts";
import { checkCarried, compact } from "./compact-manifest.ts";
import { signatureOf } from "./plan-signature.ts";

/** What `emitModule` writes. */
export interface EmitModuleOptions {
  /** `ts`: with types; `js`: without, `emitDeclarations` has them. */
  readonly language: "ts" | "js";
  /** What it was made from, for the first line. */
  readonly source: string;
  /**
   * Where the module imports the launcher from, or the launcher's text. Unless said otherwise, a `js` module has the text
   * and imports nothing, and a `ts` module imports `tirc/launch`.
   */
  readonly launcher?: string | { readonly text: string; readonly planText?: string };
  /** Whether errors are sentences, or codes with what is wrong with which name, in less space. On unless said otherwise. */
  readonly explains?: boolean;
}

/**
 * `bert_output` is imported as `bertOutput`, unless two would be one or that is no name to import. All are different.
 */
export function exportNames(kernels: readonly Kernel[]): string[] {
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
 * Words that JavaScript does not take in an import, and members that mean something in a module's namespace: one with
 * `then` is a promise to `await import()`, and `default`, `__esModule` and `__proto__` tell bundlers something else. `prepare` is the module's own.
 */
const notImported: ReadonlySet<string> = new Set([
  ...["then", "default", "__esModule", "__proto__", "prepare"],
  ...["arguments", "await", "break", "case", "catch", "class", "const", "continue", "debugger", "delete", "do", "else"],
  ...["enum", "eval", "export", "extends", "false", "finally", "for", "function", "if", "implements", "import", "in"],
  ...["instanceof", "interface", "let", "new", "null", "package", "private", "protected", "public", "return", "static"],
  ...[
    "super",
    "switch",
    "this",
    "throw",
    "true",
    "try",
    "typeof",
    "undefined",
    "var",
    "void",
    "while",
    "with",
    "yield",
  ],
]);

/** What a kernel is called in its module. */
export interface Names {
  readonly exported: string;
  /** No name of a program has a `$`, nor has what the module uses itself: a kernel hides nothing. */
  readonly local: string;
  /** What the name of its type begins with. */
  readonly type: string;
}

/** Those of functions, or of kernels, in their order. */
export function namesOf(kernels: readonly Kernel[]): Names[] {
  const exported = exportNames(kernels);
  const capitals = exported.map((name) => `${name.slice(0, 1).toUpperCase()}${name.slice(1)}`);
  return exported.map((name, i) => {
    const isTaken = capitals.filter((other) => other === capitals[i]).length > 1;
    return { exported: name, local: `${name}$`, type: isTaken ? name : (capitals[i] as string) };
  });
}

/** A function that is several kernels, each compiled for one target or several. */
export interface EmittedPlan {
  readonly plan: LaunchPlan;
  /** By launch, in order. */
  readonly kernels: readonly (readonly Kernel[])[];
}

/** A function as `emitModule` takes it: its kernel, or its plan. */
export type EmittedFunction = readonly Kernel[] | EmittedPlan;

/** What was compiled, function by function. @param kernels those of the launches of all plans, in order. */
export function emittedFunctions(
  plans: readonly Plan[],
  kernels: readonly (readonly Kernel[])[],
): readonly EmittedFunction[] {
  let at = 0;
  return plans.map((plan) => {
    const own = kernels.slice(at, at + launchesOf(plan).length);
    at += own.length;
    return isOneKernel(plan) ? (own[0] as readonly Kernel[]) : { plan: planManifest(plan), kernels: own };
  });
}

/** What a function takes and gives. */
function signatureKernel(one: EmittedFunction): Kernel {
  return "plan" in one ? signatureOf(one.plan) : leastDemanding(one);
}

/**
 * The text of a module that exports each function. A list stands for one function compiled for several targets, as
 * `compileVariants` gives it: the module takes the first that the device runs.
 */
export function emitModule(
  kernels: readonly (Kernel | EmittedFunction)[],
  { language, source, ...options }: EmitModuleOptions,
): string {
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

/** A file may be called as it likes: a line break would end the comment. */
const header = (source: string) => `// Made by tirc from ${oneLine(source)}. Changes to this file are lost.\n`;

const hasScalars = ({ manifest }: Kernel) => manifest.uniforms?.fields.some(({ kind }) => kind === "scalar") === true;

const hasIntegers = ({ manifest }: Kernel) =>
  manifest.bindings.some(({ access, element }) => access === "read" && isInteger(element));

const resultsOf = ({ manifest }: Kernel) => manifest.bindings.filter(({ access }) => access === "read_write");

const arrayOf = {
  f32: "Float32Array",
  f16: "Uint16Array",
  i32: "Int32Array",
  u32: "Uint32Array",
  bool: "Uint32Array",
  bf16: "Uint16Array",
  i8: "Int8Array",
  u8: "Uint8Array",
};

/** A member of an interface; names of parameters are names of members. */
function member({ name, element, shape, constant }: Parameter | Binding, isInput: boolean): string {
  const what = constant ? "the constant, " : "";
  const isScalar = isInput && shape.length === 0;
  const stored = isScalar ? "" : isHalf(element) ? ", as bits" : element === "bool" ? ", a u32 each" : "";
  const scalar = element === "bool" ? "boolean | number" : "number";
  const type = isScalar ? scalar : arrayOf[element];
  return `    /** ${what}${printType({ element, shape })}${stored} */\n    readonly ${name}: ${type};\n`;
}

/** What the kernel takes and gives, as a type. */
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

/** What a manifest leaves out. */
const empty = {
  ...{ overrides: {}, columns: [], variants: [], entryPoint: "main" },
  ...{ atLeastOne: false, needs: {}, cpu: 0, unread: 0 },
} satisfies Partial<CompactManifest>;

/** Each form with what differs from the last, of which all is written. */
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

/** The text of a kernel as a template literal; of one that may write results over inputs, of what these are read by. */
function wgslText(wgsl: string, manifest: LaunchManifest): string {
  const parts = inPlaceParts(wgsl, manifest);
  const variables = [...new Set(parts.filter((_, i) => i % 2 === 1))];
  const text = parts.map((part, i) => (i % 2 === 1 ? `\${${part}}` : escaped(part))).join("");
  const readBy = variables.map((name) => `${name} = ${JSON.stringify(name)}`);
  return `${variables.length > 0 ? `({ ${readBy.join(", ")} }) => ` : ""}\`${text}\``;
}

/** A text in a template literal. */
const escaped = (text: string) => text.replace(/[\\`]|\$\{/g, (found) => `\\${found}`);

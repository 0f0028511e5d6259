/** The compilation of a program, step by step from top to bottom. */

import { generateKernel } from "../../codegen/generate.ts";
import { withPlainKernels } from "../../codegen/plain-products.ts";
import { generateProduct } from "../../codegen/product.ts";
import { distinctKernels } from "../../codegen/variants.ts";
import { fusedWithin } from "../../passes/fuse-elementwise.ts";
import { builtins } from "../../passes/index.ts";
import * as passMessages from "../diagnostics/areas/pipelines.ts";
import * as shapeErrors from "../diagnostics/areas/shapes.ts";
import {
  aBoolean,
  anObject,
  aString,
  checkOptions,
  eitherOf,
  isRecord,
  type Kind,
  listOf,
  oneOf,
} from "../diagnostics/arguments.ts";
import { type Diagnostic, fail, TircError } from "../diagnostics/diagnostic.ts";
import { checkModule } from "../ir/arguments.ts";
import { dimensionNames, type Fn, type Module, makeModule } from "../ir/ir.ts";
import { isOpaque, Memory } from "../ir/opaque.ts";
import { type Extents, specialize } from "../ir/specialize.ts";
import type { Verification } from "../pass-manager/exact-check.ts";
import type { Instrument } from "../pass-manager/instrument.ts";
import { type PassList, PassManager, type PassResult, passList } from "../pass-manager/pass-manager.ts";
import { outline, planOfOne } from "../plan/outline.ts";
import { type Launch, launchesOf, type Plan } from "../plan/plan.ts";
import type { Kernel } from "../target/manifest.ts";
import {
  accuracies,
  type KernelOptions,
  reductions,
  roundings,
  type SplitReductions,
  scheduleOptions,
  splitReductions as splitKinds,
} from "../target/options.ts";
import { moduleTargets, portableTarget, profileOf, type TargetProfile } from "../target/target.ts";
import { instrumentsOf, type Plugin, passesOf, targetsOf } from "./plugin.ts";
import { inLongParts, splitFunction, splitOptions, unsplit } from "./split-reductions.ts";

/** Options of the passes, and the functions that they run on. */
export interface OptimizeOptions {
  /** A pipeline as text, or a list of texts and passes. `default` by default. */
  readonly passes?: PassList;
  /** Extents of symbolic dimensions, which are then known when compiling. */
  readonly dims?: Extents;
  /** The only function to compile; by default all of the module. */
  readonly fn?: string;
  readonly instruments?: readonly Instrument[];
  /** Names of passes to skip. */
  readonly disabled?: readonly string[];
  /** What to check after every pass: see `PassManagerOptions`. */
  readonly verify?: Verification;
  /** Plugins, whose passes and targets can be named, and whose instruments are active. */
  readonly plugins?: readonly Plugin[];
}

/**
 * What computes matrix products and convolutions: the caller (`opaque`), or plain kernels, which are correct but not tuned
 * (`plain`).
 */
export type ProductOption = "opaque" | "plain";

/** Options of `compile`: passes, a target, the arithmetic. */
export interface CompileOptions extends OptimizeOptions, KernelOptions {
  /** The name of a builtin target profile, or a profile. `portable` by default. */
  readonly target?: string | TargetProfile;
  /** `plans` by default. */
  readonly splitReductions?: SplitReductions;
  /** Whether a function that is not a single kernel is rejected (E0502 to E0505) rather than compiled to a plan of several kernels. */
  readonly singleKernel?: boolean;
  /** `opaque` by default: products are opaque steps of plans. */
  readonly products?: ProductOption;
}

/** Options of `compileVariants`. */
export interface CompileVariantsOptions extends Omit<CompileOptions, "target"> {
  /** Names of builtin target profiles, or profiles. `moduleTargets` by default. */
  readonly targets?: readonly (string | TargetProfile)[];
}

/** The kernels of each function, and the result of the passes. */
export interface CompileVariantsResult extends PassResult {
  /** For each function, in order, its kernels and how they are launched. */
  readonly plans: readonly Plan[];
  /** For each launch of each plan, in order, the distinct kernels, the most demanding first. */
  readonly kernels: readonly (readonly Kernel[])[];
  readonly remarks: readonly Diagnostic[];
}

/** The kernels, and the result of the passes. */
export interface CompileResult extends PassResult {
  /** For each function, in order, its kernels and how they are launched. Most functions are a single kernel. */
  readonly plans: readonly Plan[];
  /** The kernel of each launch of each plan, in order. */
  readonly kernels: readonly Kernel[];
  readonly remarks: readonly Diagnostic[];
}

const names = (what: string) => listOf(`names of ${what}`, aString);
const aProfile: Kind = {
  what: "a target profile",
  holds: (value) => isRecord(value) && !("device" in value) && !("adapterInfo" in value),
  help: (value) => {
    if (!isRecord(value)) return [];
    return "device" in value ? ["pass its `target`"] : ["`targetFromDevice(device)` is the profile of a device"];
  },
};
const aTarget = eitherOf({ ...aString, what: "the name of a target" }, aProfile);

const optimizeOptions = {
  passes: passList,
  dims: { ...anObject, what: "an object with a number per dimension" },
  fn: { ...aString, what: "the name of a function" },
  instruments: listOf("instruments", anObject),
  disabled: names("passes"),
  verify: oneOf(true, false, "exact"),
  plugins: listOf("plugins", anObject),
} satisfies Record<keyof OptimizeOptions, Kind>;

const variantsOptions = {
  ...optimizeOptions,
  specialize: names("dimensions"),
  accuracy: oneOf(...accuracies),
  reduction: oneOf(...reductions),
  rounding: oneOf(...roundings),
  schedule: oneOf(...scheduleOptions),
  targets: listOf("targets", aTarget),
  splitReductions: oneOf(...splitKinds),
  singleKernel: aBoolean,
  products: oneOf("opaque", "plain"),
} satisfies Record<keyof CompileVariantsOptions, Kind>;

const { targets: _, ...others } = variantsOptions;
const compileOptions = { ...others, target: aTarget } satisfies Record<keyof CompileOptions, Kind>;
/** `optimize` ignores the options that concern kernels, so that it takes the options of a compilation. */
const anyOptions = { ...variantsOptions, ...compileOptions };

/** Runs the passes alone. @throws TircError, and PassFailure if a pass is at fault. */
export function optimize(module: Module, options: OptimizeOptions = {}): PassResult {
  checkModule("optimize", module);
  checkOptions("optimize", options, anyOptions);
  return optimized(module, options);
}

function optimized(module: Module, options: OptimizeOptions): PassResult {
  const { passes = "default", dims = {}, fn, instruments = [], disabled = [], plugins = [], verify } = options;
  const all = [...instruments, ...instrumentsOf(plugins)];
  const checks = verify === undefined ? {} : { verify };
  const manager = new PassManager(passes, {
    builtins,
    registry: passesOf(plugins),
    instruments: all,
    disabled,
    ...checks,
  });
  return manager.run(specialize(select(module, fn), dims));
}

/**
 * Compiles every function of a module: to a single kernel, or to a plan of several.
 * @throws TircError E03xx about the pipeline, E05xx about the target and about functions that no
 *   kernels can compute (for all functions together).
 */
export function compile(module: Module, options: CompileOptions = {}): CompileResult {
  checkModule("compile", module);
  checkOptions("compile", options, compileOptions);
  const { target = portableTarget } = options;
  const { kernels, ...result } = compiledFor([target], module, options);
  return { ...result, kernels: kernels.flat() };
}

/**
 * Compiles every function for each of several targets. A generated module with these kernels chooses among them by the device.
 * @throws TircError as `compile` does; if a function cannot be compiled for several targets, the errors of the first of them are thrown.
 */
export function compileVariants(module: Module, options: CompileVariantsOptions = {}): CompileVariantsResult {
  checkModule("compileVariants", module);
  checkOptions("compileVariants", options, variantsOptions);
  return compiledFor(options.targets ?? moduleTargets, module, options);
}

function compiledFor(
  targets: readonly (string | TargetProfile)[],
  module: Module,
  options: CompileOptions,
): CompileVariantsResult {
  const { plugins = [], specialize: specialized = [] } = options;
  const known = module.fns.flatMap(dimensionNames);
  const unknown = specialized.filter((name) => !known.includes(name));
  if (unknown.length > 0) fail(...unknown.map((name) => shapeErrors.unknownDimension(undefined, name, () => known)));
  const own = targetsOf(plugins);
  const profiles = targets.map((target) => profileOf(target, own));
  const result = optimized(module, options);
  const { fns } = result.module;
  const names = fns.map(({ name }) => name);
  const refused: Diagnostic[] = [];
  const compiled = fns.map((fn) => {
    try {
      return compileFunction(fn, names, profiles, options);
    } catch (caught) {
      if (!(caught instanceof TircError)) throw caught;
      refused.push(...caught.diagnostics);
      return undefined;
    }
  });
  if (refused.length > 0) throw new TircError(refused);
  const done = compiled.filter((one) => one !== undefined);
  return {
    ...result,
    plans: done.map(({ plan }) => plan),
    kernels: done.flatMap(({ kernels }) => kernels),
    remarks: [...result.remarks, ...done.flatMap(({ remarks }) => remarks)],
  };
}

/**
 * The plan of a function after the passes, and for each of its launches the kernels of the targets.
 * @param names of all functions of the module, which its kernels must not reuse.
 * @throws TircError as `compile` does.
 */
export function compileFunction(
  fn: Fn,
  names: readonly string[],
  profiles: readonly TargetProfile[],
  options: CompileOptions,
): { readonly plan: Plan; readonly kernels: (readonly Kernel[])[]; readonly remarks: readonly Diagnostic[] } {
  const {
    accuracy,
    reduction,
    rounding,
    schedule,
    specialize: specialized,
    singleKernel = false,
    splitReductions = "plans",
  } = options;
  const kernelOptions = { accuracy, reduction, rounding, schedule, specialize: specialized };
  const how = splitOptions(splitReductions, profiles, options);
  const kernelsOf = (plan: Plan) =>
    launchesOf(plan).map((one) => distinctKernels(profiles.map((profile) => kernelOf(one, profile, kernelOptions))));
  const mayBePlan = !singleKernel && isFused(fn);
  try {
    const split = mayBePlan ? splitFunction(fn, names, how, kernelOptions) : undefined;
    const plan = split ?? planOfOne(fn);
    const kernels = kernelsOf(plan);
    const isOffered = splitReductions === "plans" && mayBePlan;
    return { plan, kernels, remarks: isOffered ? unsplit(fn, names, profiles, kernelOptions) : [] };
  } catch (caught) {
    if (!(caught instanceof TircError)) throw caught;
    const has = (code: string) => caught.diagnostics.some((one) => one.code === code);
    const isPlan = caught.diagnostics.every(({ code }) => inPlan.has(code ?? ""));
    if (!mayBePlan || !isPlan) throw caught;
    const fewest = Math.min(...profiles.map(({ limits }) => limits.maxStorageBuffersPerShaderStage));
    const within = has("E0504") ? fusedWithin(fn, fewest) : fn;
    // Columns are split where they are reductions: softmax over columns stays one kernel.
    const parts = inLongParts(within, { ...how, longColumn: Infinity }, kernelOptions);
    const split = splitReductions !== "none" && rounding !== "strict";
    const cut = { ...outline(parts, names, { ...how, split, longColumn: 0 }), fn: within };
    const plan = options.products === "plain" ? withPlainKernels(cut) : cut;
    try {
      return { plan, kernels: kernelsOf(plan), remarks: [] };
    } catch (again) {
      // The target has fewer buffers than WebGPU guarantees, for which kernels are not split.
      if (!(again instanceof TircError) || !has("E0504")) throw again;
      throw caught;
    }
  }
}

/** The errors for functions that are not a single kernel, but may become a plan of several. */
const inPlan: ReadonlySet<string> = new Set(["E0502", "E0503", "E0504", "E0505"]);

function kernelOf({ fn, tile, product }: Launch, target: TargetProfile, options: KernelOptions): Kernel {
  return product === undefined
    ? generateKernel(fn, target, options, tile)
    : generateProduct(fn, target, product).kernel;
}

/** Whether all ops of a function are in kernels, or opaque, and all values are tensors. */
function isFused(fn: Fn): boolean {
  const isTensor = ({ type }: { readonly type: { readonly opaque?: true } }) => type.opaque === undefined;
  return (
    fn.params.every(isTensor) &&
    new Memory(fn).work(fn).every((op) => (op.kernel !== undefined || isOpaque(op)) && op.results.every(isTensor))
  );
}

function select(module: Module, name: string | undefined): Module {
  if (name === undefined) return module;
  const found = module.fns.filter((fn) => fn.name === name);
  const names = module.fns.map((fn) => fn.name);
  return found.length > 0 ? makeModule(found, module.consts) : fail(passMessages.unknownFunction(name, names));
}

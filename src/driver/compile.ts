/** What happens to a program, from top to bottom. */

import { generateKernel } from "../../codegen/generate.ts";
import { withPlainKernels } from "../../codegen/plain-products.ts";
import { generateProduct } from "../../codegen/product.ts";
import { distinctKernels } from "../../codegen/variants.ts";
import { fusedWithin } from "../../passes/fuse-elementwise.ts";
import { builtins } from "../../passes/index.ts";
import * as passMessages from "../diagnostics/areas/pipelines.ts";
import { type Diagnostic, fail, TircError } from "../diagnostics/diagnostic.ts";
import { type Fn, type Module, makeModule } from "../ir/ir.ts";
import { isOpaque, Memory } from "../ir/opaque.ts";
import { type Extents, specialize } from "../ir/specialize.ts";
import type { Pass } from "../pass/define-pass.ts";
import type { Verification } from "../pass-manager/exact-check.ts";
import type { Instrument } from "../pass-manager/instrument.ts";
import { PassManager, type PassResult, type PassWithOptions } from "../pass-manager/pass-manager.ts";
import { outline, planOfOne, splitOne } from "../plan/outline.ts";
import { type Launch, launchesOf, type Plan } from "../plan/plan.ts";
import type { Kernel } from "../target/manifest.ts";
import type { KernelOptions } from "../target/options.ts";
import { moduleTargets, portableTarget, profileOf, type TargetProfile } from "../target/target.ts";
import { instrumentsOf, type Plugin, passesOf, targetsOf } from "./plugin.ts";

/** Which passes run, over which functions, and who watches. */
export interface OptimizeOptions {
  /** A pipeline as text, or a list of texts and passes. `default` unless said otherwise. */
  readonly passes?: string | readonly (string | Pass | PassWithOptions)[];
  /** Extents for named dimensions, which are then known when compiling. */
  readonly dims?: Extents;
  /** The one function to compile; all of the module's unless said otherwise. */
  readonly fn?: string;
  readonly instruments?: readonly Instrument[];
  /** Names of passes to leave out. */
  readonly disabled?: readonly string[];
  /** What to check after every pass: see `PassManagerOptions`. */
  readonly verify?: Verification;
  /** What they add may be named, and their instruments watch. */
  readonly plugins?: readonly Plugin[];
}

/** What computes matrix products and convolutions: the caller (`opaque`), or plain kernels, correct and not tuned (`plain`). */
export type ProductOption = "opaque" | "plain";

/** What `compile` is asked for: passes, a target, the arithmetic. */
export interface CompileOptions extends OptimizeOptions, KernelOptions {
  /** The name of a built-in target profile, or a profile. `portable` unless said otherwise. */
  readonly target?: string | TargetProfile;
  /**
   * Which large reductions over rows become two kernels, of tiles of rows and of these: those of functions that are several
   * kernels anyway (`plans`, unless said otherwise), `all`, or `none`.
   */
  readonly splitReductions?: "plans" | "all" | "none";
  /** Whether a function that is not one kernel is refused (E0502 to E0505), not compiled to a plan of several. */
  readonly singleKernel?: boolean;
  /** `opaque` unless said otherwise: they are opaque steps of plans. */
  readonly products?: ProductOption;
}

/** What `compileVariants` is asked for. */
export interface CompileVariantsOptions extends Omit<CompileOptions, "target"> {
  /** Names of built-in target profiles, or profiles. `moduleTargets` unless said otherwise. */
  readonly targets?: readonly (string | TargetProfile)[];
}

/** The kernels of each function, with what the passes made of the module and said about it. */
export interface CompileVariantsResult extends PassResult {
  /** For each function, in order: its kernels and how they are launched. */
  readonly plans: readonly Plan[];
  /** For each launch of each plan, in order, the kernels that differ, the most demanding first. */
  readonly kernels: readonly (readonly Kernel[])[];
  readonly remarks: readonly Diagnostic[];
}

/** The kernels, with what the passes made of the module and said about it. */
export interface CompileResult extends PassResult {
  /** For each function, in order: its kernels and how they are launched. Mostly that is one kernel, the function's own. */
  readonly plans: readonly Plan[];
  /** One for each launch of each plan, in order. */
  readonly kernels: readonly Kernel[];
  readonly remarks: readonly Diagnostic[];
}

/** The passes alone. @throws TircError, and PassFailure where a pass is at fault. */
export function optimize(module: Module, options: OptimizeOptions = {}): PassResult {
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
 * Compiles every function of a module: to a kernel of its own, or to a plan of several where it is not one kernel.
 * @throws TircError with what is wrong: E03xx about the pipeline, E05xx about the target and about functions that no
 *   kernels compute (those of all functions together).
 */
export function compile(module: Module, options: CompileOptions = {}): CompileResult {
  const { target = portableTarget } = options;
  const { kernels, ...optimized } = compileVariants(module, { ...options, targets: [target] });
  return { ...optimized, kernels: kernels.flat() };
}

/**
 * Compiles every function for each of several targets: a module with these kernels chooses by the device that it is on.
 * @throws TircError as `compile` does; of targets for which a function is no kernel the first is what is said.
 */
export function compileVariants(module: Module, options: CompileVariantsOptions = {}): CompileVariantsResult {
  const { targets = moduleTargets, plugins = [] } = options;
  const own = targetsOf(plugins);
  const profiles = targets.map((target) => profileOf(target, own));
  const optimized = optimize(module, options);
  const { fns } = optimized.module;
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
  return { ...optimized, plans: done.map(({ plan }) => plan), kernels: done.flatMap(({ kernels }) => kernels) };
}

/**
 * The plan of a function after the passes, and for each of its launches the kernels of the targets.
 * @param names of all functions of the module: none of its kernels is called so.
 * @throws TircError as `compile` does.
 */
export function compileFunction(
  fn: Fn,
  names: readonly string[],
  profiles: readonly TargetProfile[],
  options: CompileOptions,
): { readonly plan: Plan; readonly kernels: (readonly Kernel[])[] } {
  const {
    accuracy,
    reduction,
    rounding,
    specialize: specialized,
    singleKernel = false,
    splitReductions = "plans",
  } = options;
  const kernelOptions = { accuracy, reduction, rounding, specialize: specialized };
  const kernelsOf = (plan: Plan) =>
    launchesOf(plan).map((one) => distinctKernels(profiles.map((profile) => kernelOf(one, profile, kernelOptions))));
  try {
    const split = singleKernel || splitReductions !== "all" || !isFused(fn) ? undefined : splitOne(fn, names);
    const plan = split ?? planOfOne(fn);
    return { plan, kernels: kernelsOf(plan) };
  } catch (caught) {
    if (!(caught instanceof TircError)) throw caught;
    const has = (code: string) => caught.diagnostics.some((one) => one.code === code);
    const isPlan = caught.diagnostics.every(({ code }) => inPlan.has(code ?? ""));
    if (singleKernel || !isPlan || !isFused(fn)) throw caught;
    const fewest = Math.min(...profiles.map(({ limits }) => limits.maxStorageBuffersPerShaderStage));
    const within = has("E0504") ? fusedWithin(fn, fewest) : fn;
    const cut = outline(within, names, { split: splitReductions !== "none" });
    const plan = options.products === "plain" ? withPlainKernels(cut) : cut;
    try {
      return { plan, kernels: kernelsOf(plan) };
    } catch (again) {
      // Fewer buffers than WebGPU promises: nothing is cut for that.
      if (!(again instanceof TircError) || !has("E0504")) throw again;
      throw caught;
    }
  }
}

/** What refuses one kernel, and may be a plan of several. */
const inPlan: ReadonlySet<string> = new Set(["E0502", "E0503", "E0504", "E0505"]);

function kernelOf({ fn, tile, product }: Launch, target: TargetProfile, options: KernelOptions): Kernel {
  return product === undefined
    ? generateKernel(fn, target, options, tile)
    : generateProduct(fn, target, product).kernel;
}

/** Whether all ops of a function stand in kernels, or are such that none computes them, and all values are tensors. */
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

/**
 * Measures schedules of a kernel on the current device by coordinate descent: tries all values of one part of the
 * choice after another, until none is faster. The choice is stored in a target profile, and used when compiling for it.
 */

import { lanesInStep } from "../../codegen/candidates.ts";
import { generate, scheduleOf } from "../../codegen/generate.ts";
import { isStep, type Reference, referenceOf } from "../compare/compare.ts";
import * as deviceErrors from "../diagnostics/areas/devices.ts";
import { fail, TircError } from "../diagnostics/diagnostic.ts";
import type { Fn } from "../ir/ir.ts";
import { elementCount, type Tensor } from "../ir/tensor.ts";
import type { ElementType } from "../ir/types.ts";
import { type Estimate, estimate } from "../kernel/estimate.ts";
import { workgroupsOf } from "../launch/counts.ts";
import type { Tile } from "../plan/plan.ts";
import { type HostTensor, tensorsOf, toNumbers } from "../runtime/host-tensor.ts";
import { type Encodable, measure, median } from "../runtime/measure.ts";
import { prepare } from "../runtime/prepare.ts";
import { type Choice, choiceParts, type TunedSchedule } from "../target/choice.ts";
import type { Measured } from "../target/fit-rates.ts";
import type { Kernel } from "../target/manifest.ts";
import type { KernelOptions } from "../target/options.ts";
import type { TargetProfile } from "../target/target.ts";

export type { Estimate } from "../kernel/estimate.ts";
export type { Measured };

/** A prepared kernel with its buffers bound. */
type Opened = Encodable & { destroy(): void };

export interface TuneOptions extends KernelOptions {
  /** The profile of the device. Its measured schedules are ignored. */
  readonly target: TargetProfile;
  /** Parameters, and constants of the module that the function reads, by name. */
  readonly inputs: Readonly<Record<string, HostTensor>>;
  /** For a kernel of a plan: its tiles, the plan's additional extents, and the kernel's results. */
  readonly launch?: {
    readonly tile: Tile | undefined;
    readonly extents: Readonly<Record<string, number>>;
    readonly results: Readonly<Record<string, Tensor>>;
  };
  /** How often each schedule is timed: 9 by default. */
  readonly rounds?: number;
  /** Called before each kernel is tried, with the number tried so far, this one included. */
  readonly progress?: (tried: number) => void;
}

/** The result of tuning. */
export interface Tuned {
  /** An entry for the `schedules` of a target profile. */
  readonly schedule: TunedSchedule;
  /** The schedule chosen without measuring. */
  readonly usual: Choice;
  /** The median times of both schedules in milliseconds, with their runs interleaved. */
  readonly milliseconds: { readonly usual: number; readonly chosen: number };
  /** How many different kernels were timed. */
  readonly tried: number;
  /** Choices that the device refused, or computed wrong results with. */
  readonly refused: readonly Choice[];
  /** Each timed kernel with its median time, for fitting rates. */
  readonly measured: readonly Measured[];
}

const mostSweeps = 3;
/** Time ratios below which a step is taken, and the usual choice replaced. Smaller gains are within the noise. */
const worthwhile = { step: 0.97, whole: 0.95 };

/**
 * The fastest schedule found for a function after the passes. Its row length must be constant.
 * @throws TircError as `generateKernel`, `prepare` and `run` do for the usual choice; E0617.
 */
export async function tune(device: GPUDevice, fn: Fn, options: TuneOptions): Promise<Tuned> {
  const trial = new Trial(device, fn, options);
  const { choice: usual, space } = scheduleOf(fn, trial.target, options, options.launch?.tile);
  (await trial.open(usual)).destroy();
  let best = usual;
  for (let sweep = 0, moved = true; moved && sweep < mostSweeps; sweep++) {
    moved = false;
    for (const part of choiceParts) {
      const others = space[part].filter((value) => value !== best[part]).map((value) => ({ ...best, [part]: value }));
      const legal = others.map((one) => ({ ...one, workgroup: Math.max(one.lanes, one.workgroup) }));
      const [found, ratio] = await trial.fastest(best, legal);
      if (ratio > worthwhile.step) continue;
      best = found;
      moved = true;
    }
  }
  const [now, then] = await trial.times([best, usual], 2);
  const isBetter = (now as number) < worthwhile.whole * (then as number);
  const choice = isBetter ? best : usual;
  return {
    schedule: { kernel: trial.hash, fn: fn.name, columns: trial.columns, choice },
    usual,
    milliseconds: { usual: then as number, chosen: isBetter ? (now as number) : (then as number) },
    tried: trial.tried,
    refused: trial.refused,
    measured: trial.measured,
  };
}

class Trial {
  readonly target: TargetProfile;
  readonly columns: number;
  readonly hash: string;
  readonly refused: Choice[] = [];
  readonly measured: Measured[] = [];
  readonly #device: GPUDevice;
  readonly #fn: Fn;
  readonly #options: TuneOptions;
  #opened = 0;
  /** The texts of the kernels that were timed. */
  readonly #seen = new Set<string>();
  /** The results in float64. */
  readonly #wanted: Readonly<Record<string, Pick<Reference, "value" | "bounds">>>;

  constructor(device: GPUDevice, fn: Fn, options: TuneOptions) {
    this.#device = device;
    this.#fn = fn;
    this.#options = options;
    this.target = { ...options.target, schedules: [] };
    const given = tensorsOf(options.inputs);
    const { results, tile } = options.launch ?? {};
    // A function over a tile of rows cannot be interpreted by itself, so the plan's results are used, without bounds.
    this.#wanted =
      results !== undefined && (tile !== undefined || !fn.ops.some(isStep))
        ? Object.fromEntries(Object.entries(results).map(([name, value]) => [name, { value, bounds: () => [] }]))
        : referenceOf(fn, given, (name) => given[name] as Tensor);
    const { length = 0, hash } = scheduleOf(fn, this.target, options, options.launch?.tile);
    this.columns = length;
    this.hash = hash;
  }

  get tried(): number {
    return this.#seen.size;
  }

  #kernelOf(choice: Choice): Kernel {
    return this.#generated(choice).kernel;
  }

  #generated(choice: Choice) {
    const schedules = [{ columns: this.columns, choice }];
    return generate(this.#fn, { ...this.target, schedules }, this.#options, this.#options.launch?.tile);
  }

  /** The work that the kernel does for the inputs that it is timed with. */
  #estimateOf(choice: Choice): Estimate {
    const { kernel, program } = this.#generated(choice);
    const { dispatch } = kernel.manifest;
    const given = this.#fn.params.flatMap(({ name, shape }) => {
      const { shape: extents = [] } = this.#options.inputs[name as string] ?? {};
      return shape.map((dim, i) => [dim, extents[i] as number] as const);
    });
    const named = Object.fromEntries(given.filter(([dim]) => typeof dim === "string"));
    const extents: Readonly<Record<string, number>> = { ...named, ...this.#options.launch?.extents };
    const rows = elementCount(dispatch.rows.map((dim) => (typeof dim === "number" ? dim : (extents[dim] as number))));
    const [x, y] = workgroupsOf(dispatch, rows);
    return estimate(program, { extents, workgroups: x * y, inStep: lanesInStep(this.target) });
  }

  /** Prepares the kernel, and checks its results against the interpreter. Throws E0617. */
  async open(choice: Choice): Promise<Opened> {
    const { inputs, progress } = this.#options;
    progress?.(++this.#opened);
    const kernel = this.#kernelOf(choice);
    const prepared = await prepare(this.#device, kernel);
    const { extents = {} } = this.#options.launch ?? {};
    const known = kernel.manifest.dims.filter(({ name }) => extents[name] !== undefined);
    const dims = Object.fromEntries(known.map(({ name }) => [name, extents[name] as number]));
    try {
      const { outputs } = await prepared.run(inputs, dims);
      for (const [name, want] of Object.entries(this.#wanted)) {
        if (!agree(outputs[name] as HostTensor, want)) fail(deviceErrors.wrongNumbers(this.#fn.name, name));
      }
      const bound = prepared.bind(inputs, dims);
      return { encode: (...args) => bound.encode(...args), destroy: () => prepared.destroy() };
    } catch (caught) {
      prepared.destroy();
      throw caught;
    }
  }

  /** The median time of each choice in milliseconds; `undefined` if it is refused. */
  async times(choices: readonly Choice[], factor = 1): Promise<(number | undefined)[]> {
    const bound: (Opened | undefined)[] = [];
    try {
      for (const choice of choices) bound.push(await this.#openOrRefuse(choice));
      const rounds = (this.#options.rounds ?? 9) * factor;
      const able = bound.filter((one) => one !== undefined);
      const times = await measure(this.#device, able, rounds);
      const medians = bound.map((one) => (one === undefined ? undefined : median(times[able.indexOf(one)] ?? [])));
      for (const [i, milliseconds] of medians.entries()) {
        if (milliseconds === undefined) continue;
        this.measured.push({ estimate: this.#estimateOf(choices[i] as Choice), nanoseconds: 1e6 * milliseconds });
      }
      return medians;
    } finally {
      for (const one of bound) one?.destroy();
    }
  }

  async #openOrRefuse(choice: Choice): Promise<Opened | undefined> {
    try {
      return await this.open(choice);
    } catch (caught) {
      if (!(caught instanceof TircError)) throw caught;
      this.refused.push(choice);
      return undefined;
    }
  }

  /** The fastest of `others`, and its time relative to `best`. Choices that give the same kernel are timed once. */
  async fastest(best: Choice, others: readonly Choice[]): Promise<[Choice, number]> {
    const textOf = (choice: Choice) => {
      const { wgsl, manifest } = this.#kernelOf(choice);
      return `${wgsl}\n${manifest.dispatch.rowsPerWorkgroup}`;
    };
    const texts = new Set([textOf(best)]);
    const different = others.filter((choice) => {
      const text = textOf(choice);
      const isNew = !texts.has(text);
      texts.add(text);
      return isNew;
    });
    if (different.length === 0) return [best, 1];
    for (const text of texts) this.#seen.add(text);
    const [own = Number.NaN, ...times] = await this.times([best, ...different]);
    const least = Math.min(...times.map((time) => time ?? Infinity));
    return [different[times.indexOf(least)] ?? best, least / own];
  }
}

const roughly: Readonly<Partial<Record<ElementType, number>>> = { f32: 1e-4, f16: 4e-3, bf16: 3e-2 };

/**
 * Whether results are roughly right, which is enough for timing; `tirc run --compare` checks them accurately. A value
 * near a discontinuity may be anywhere between the bounds.
 */
function agree(got: HostTensor, { value: { data }, bounds }: Pick<Reference, "value" | "bounds">): boolean {
  const numbers = toNumbers(got);
  const largest = data.reduce((most, value) => (Number.isFinite(value) ? Math.max(most, Math.abs(value)) : most), 1);
  // Values of integer types may be rounded either way.
  const relative = roughly[got.element];
  const step = relative === undefined ? 1 : relative * largest;
  return data.every((want, i) => {
    const number = numbers[i] as number;
    if (Math.abs(number - want) <= step || Object.is(number, want)) return true;
    const may = [want, ...bounds().map(({ data }) => data[i] as number)];
    const isBetween = number >= Math.min(...may) - step && number <= Math.max(...may) + step;
    return isBetween || may.some((one) => Object.is(one, number));
  });
}

/** Times a program on a device, and compares it with copying its bytes and with other libraries on the same device. */

import { interpret } from "../ir/interpret.ts";
import type { Fn } from "../ir/ir.ts";
import { elementCount, type Tensor } from "../ir/tensor.ts";
import { elementInfo } from "../ir/types.ts";
import { type LaunchOfKernel, type LaunchPlan, planExtents } from "../launch/plan-manifest.ts";
import { extents } from "../runtime/bind-inputs.ts";
import { type HostTensor, tensorsOf } from "../runtime/host-tensor.ts";
import { type Encodable, measure, median } from "../runtime/measure.ts";
import { preparePlan } from "../runtime/prepare-plan.ts";
import type { Kernel } from "../target/manifest.ts";
import { copiesOf } from "./copies.ts";
import { type Recorder, replayed } from "./recorder.ts";

/** Another library that can compute a program on the same device. */
export interface Peer {
  readonly name: string;
  /** Builds the program in that library. Rejects with a clause as its message if the library cannot express it. */
  prepare(fn: Fn, inputs: Readonly<Record<string, PeerInput>>): Promise<PeerProgram>;
}

/** An f32 input. Peers are only compared on programs whose inputs are all f32. */
export interface PeerInput {
  readonly shape: readonly number[];
  readonly data: Float32Array<ArrayBuffer>;
}

interface PeerProgram {
  /** Starts the program once; resolves when its work has been submitted. */
  launch(): Promise<void>;
  /** The results of the last launch, in order. */
  results(): Promise<readonly ArrayLike<number>[]>;
  destroy(): void;
}

/** The measured times of one contender, in milliseconds. */
export interface Timing {
  readonly name: string;
  /** Why there is no time; missing if there is one. */
  readonly failed?: string;
  readonly median?: number;
  /** The 10th and the 90th percentile. */
  readonly spread?: readonly [number, number];
  /** The median, as a multiple of the time of the copy. */
  readonly ofCopy?: number;
  readonly launches?: number;
}

/** The measured times of one kernel of a plan, in milliseconds. */
export interface KernelTiming {
  readonly name: string;
  /** The bytes of the tensors that it reads and writes, each counted once. */
  readonly bytes: number;
  readonly median: number;
  readonly spread: readonly [number, number];
  /** The median, as a fraction of the sum of all kernels' medians. */
  readonly share: number;
}

/** The measurements for one set of extents. */
export interface Point {
  readonly dims: Readonly<Record<string, number>>;
  /** The bytes of the program's inputs and results, each counted once: no plan can move less. */
  readonly bytes: number;
  /** The bytes that the kernels read and write; with several kernels, this includes intermediate tensors. */
  readonly moved: number;
  /** The kernels in launch order, if there are several. */
  readonly kernels?: readonly KernelTiming[];
  readonly copy: { readonly median: number; readonly gigabytesPerSecond: number };
  /** The timing of tirc comes first. */
  readonly timings: readonly Timing[];
}

interface BenchOptions {
  readonly plan: LaunchPlan;
  readonly kernels: readonly Kernel[];
  /** The function before the passes, with constant extents: the reference, and what peers compute. */
  readonly fn: Fn;
  /** The tensors that the plan reads. */
  readonly inputs: Readonly<Record<string, HostTensor>>;
  /** The parameters and constants that `fn` reads. */
  readonly given: Readonly<Record<string, HostTensor>>;
  readonly dims: Readonly<Record<string, number>>;
  readonly peers: readonly Peer[];
  readonly recorder: Recorder;
  readonly rounds: number;
}

/**
 * The largest error of a peer against float64, relative to the largest result or to 1. Loose, as peers lose some
 * digits.
 */
const tolerance = 2e-3;

/** Measures one point of a sweep. @throws TircError as `preparePlan` and `bind` do. */
export async function benchPoint(device: GPUDevice, options: BenchOptions): Promise<Point> {
  const { plan, kernels, fn, inputs, dims, recorder, rounds } = options;
  const prepared = await preparePlan(device, { plan, kernels });
  const known = Object.fromEntries(plan.dims.map(({ name }) => [name, dims[name] as number]));
  const { outputs, launches } = await prepared.run(inputs, known);
  const bound = prepared.bind(inputs, known);
  const parts = bound.steps.length > 1 ? bound.steps : [];
  const bytesOf = bytesIn(plan, known);
  const bytes = [...Object.values(inputs), ...Object.values(outputs)].reduce(
    (sum, { data }) => sum + data.byteLength,
    0,
  );
  const { copies, moved: copied, destroy } = copiesOf(device, bytes);
  const known64 = tensorsOf(options.given);
  const wanted = Object.values(interpret(fn, known64, (name) => known64[name] as Tensor));
  const contenders: Contender[] = [];
  for (const peer of options.peers) contenders.push(await contender(peer, options, wanted));
  const sound = contenders.filter((one) => one.work !== undefined);
  try {
    const works = [...copies, bound, ...sound.map(({ work }) => work as Encodable), ...parts];
    const times = await measure(device, works, rounds);
    // If the device's limits make the copy smaller, its time is scaled up.
    const copy = Math.min(...times.slice(0, copies.length).map(median)) * (bytes / copied);
    const timing = (name: string, count: number, all: readonly number[]): Timing => {
      const spread = [quantile(all, 0.1), quantile(all, 0.9)] as const;
      return { name, median: median(all), spread, ofCopy: median(all) / copy, launches: count };
    };
    const ownTiming = timing("tirc", launches, times[copies.length] as number[]);
    const timings = contenders.map((one) => {
      if (one.work === undefined) return { name: one.name, failed: one.failed };
      return timing(one.name, one.launches, times[copies.length + 1 + sound.indexOf(one)] as number[]);
    });
    const ofParts = times.slice(times.length - parts.length);
    const whole = ofParts.reduce((sum, all) => sum + median(all), 0);
    const timed = parts.map(({ name }, i): KernelTiming => {
      const all = ofParts[i] as readonly number[];
      const spread = [quantile(all, 0.1), quantile(all, 0.9)] as const;
      return { name, bytes: bytesOf(name), median: median(all), spread, share: median(all) / whole };
    });
    return {
      ...{ dims, bytes, timings: [ownTiming, ...timings] },
      moved: parts.length === 0 ? bytes : timed.reduce((sum, one) => sum + one.bytes, 0),
      ...(parts.length > 0 && { kernels: timed }),
      copy: { median: copy, gigabytesPerSecond: bytes / copy / 1e6 },
    };
  } finally {
    bound.destroy();
    prepared.destroy();
    destroy();
    for (const { program } of contenders) program?.destroy();
    recorder.release();
  }
}

/** Returns a function that gives the bytes that a kernel of the plan reads and writes. */
function bytesIn({ buffers, steps, extents: derived }: LaunchPlan, dims: Readonly<Record<string, number>>) {
  const all = planExtents(derived, dims);
  const size = new Map(
    buffers.map(({ name, element, shape }) => [name, elementCount(extents(shape, all)) * elementInfo[element].bytes]),
  );
  return (kernel: string) => {
    const step = steps.find((one): one is LaunchOfKernel => "launch" in one && one.launch === kernel);
    const names = new Set([...Object.values(step?.reads ?? {}), ...Object.values(step?.writes ?? {})]);
    return [...names].reduce((sum, name) => sum + (size.get(name) ?? 0), 0);
  };
}

interface Contender {
  readonly name: string;
  readonly failed: string;
  readonly launches: number;
  readonly work?: Encodable;
  readonly program?: PeerProgram;
}

/** The inputs in the form that peers take. @throws Error if one is not f32. */
function floatsOf(given: BenchOptions["given"]): Record<string, PeerInput> {
  return Object.fromEntries(
    Object.entries(given).map(([name, { element, shape, data }]) => {
      if (element !== "f32") throw new Error(`\`${name}\` is ${element}, and only f32 is compared`);
      return [name, { shape, data: data as Float32Array<ArrayBuffer> }];
    }),
  );
}

async function contender(
  peer: Peer,
  { fn, given, recorder }: BenchOptions,
  wanted: readonly Tensor[],
): Promise<Contender> {
  const { name } = peer;
  try {
    const program = await peer.prepare(fn, floatsOf(given));
    // The first launch also creates pipelines and buffers.
    await program.launch();
    const dispatches = await recorder.during(() => program.launch());
    const results = await program.results();
    const off = Math.max(...wanted.map((want, i) => errorOf(results[i] ?? [], want)));
    const none = { name, launches: dispatches.length, program };
    if (!(off <= tolerance)) return { ...none, failed: `its result is off by ${off.toPrecision(2)}` };
    if (dispatches.length === 0) return { ...none, failed: "it dispatched nothing on this device" };
    return { ...none, failed: "", work: replayed(dispatches) };
  } catch (caught) {
    const message = caught instanceof Error ? caught.message : String(caught);
    return { name, launches: 0, failed: (message.split("\n")[0] as string).slice(0, 120) };
  }
}

function errorOf(got: ArrayLike<number>, { data }: Tensor): number {
  const largest = data.reduce((most, value) => (Number.isFinite(value) ? Math.max(most, Math.abs(value)) : most), 1);
  return data.reduce((most, value, i) => Math.max(most, Math.abs(value - (got[i] ?? Number.NaN)) / largest), 0);
}

const quantile = (values: readonly number[], share: number) =>
  values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) * share)] ?? Number.NaN;

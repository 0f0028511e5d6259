/** A plan as a function: its kernels in one command buffer, with the memory between them. */

import type { CallableKernel } from "./callable.ts";
import type { LaunchOptions } from "./launch.ts";
import type { LaunchBuffer, LaunchPlan } from "./plan-manifest.ts";
import type { AnyTypes, LaunchKernel, LaunchTypes } from "./types.ts";

/** A function that is several kernels: called as one kernel is. */
export interface CallablePlan<T extends LaunchTypes> extends Pick<CallableKernel<T>, "types"> {
  /**
   * Starts the kernels once, and gives the buffers of the results. Intermediates are kept for the next call. Throws what is
   * wrong with the arguments, before anything is submitted.
   */
  (...args: Parameters<CallableKernel<T>>): ReturnType<CallableKernel<T>>;
  readonly plan: LaunchPlan;
  /** In the order in which they are launched. */
  readonly kernels: readonly LaunchKernel[];
}

/** It has no effect until it is called. @param kernels those that the plan launches. */
export function plan<T extends LaunchTypes>(
  manifest: LaunchPlan,
  kernels: readonly CallableKernel<AnyTypes>[],
): CallablePlan<T> {
  const { name, buffers, steps } = manifest;
  // STORAGE, which Node has not among its globals.
  const storage = 128;
  const onDevice = new WeakMap<GPUDevice, Map<number, GPUBuffer>>();

  const extentsOf = (dims: Readonly<Record<string, number>>) => {
    const all = { ...dims };
    const value = (dim: number | string) => (typeof dim === "number" ? dim : (all[dim] as number));
    for (const { name, of, by, least = 0 } of manifest.extents) {
      all[name] = Math.max(least, Math.ceil(value(of) / value(by)));
    }
    return all;
  };

  /** Intermediates of one place lie in one buffer, which is made anew where it is too small. */
  const placeOf = (device: GPUDevice, { slot = 0 }: LaunchBuffer, dims: Readonly<Record<string, number>>) => {
    const places = onDevice.get(device) ?? new Map<number, GPUBuffer>();
    onDevice.set(device, places);
    const sizes = buffers
      .filter((other) => other.slot === slot)
      .map(({ shape, element }) =>
        shape.reduce<number>(
          (all, dim) => all * (typeof dim === "number" ? dim : (dims[dim] as number)),
          element === "f16" ? 2 : 4,
        ),
      );
    const size = Math.max(16, Math.ceil(Math.max(...sizes) / 4) * 4);
    const known = places.get(slot);
    const buffer = known && known.size >= size ? known : device.createBuffer({ label: name, size, usage: storage });
    places.set(slot, buffer);
    return buffer;
  };

  const call = (
    device: GPUDevice,
    tensors: Readonly<Record<string, unknown>>,
    dims: Readonly<Record<string, number>> = {},
    { encoder, outputs = {} }: LaunchOptions<AnyTypes> = {},
  ) => {
    const inputs = buffers.filter(({ kind }) => kind === "input" || kind === "constant").map((one) => one.name);
    const results = buffers.filter(({ kind }) => kind === "result").map((one) => one.result ?? one.name);
    for (const key of Object.keys(tensors)) {
      if (![...inputs, ...results].includes(key)) {
        throw new TypeError(`${name}: there is no ${key}, only ${[...inputs, ...results].join(", ")}`);
      }
    }
    const all = extentsOf(dims);
    const given = outputs as Readonly<Record<string, unknown>>;
    const memory = new Map<string, unknown>();
    for (const buffer of buffers) {
      const { kind, name: key, result = key } = buffer;
      if (kind === "intermediate") memory.set(key, placeOf(device, buffer, all));
      else if (kind !== "result") memory.set(key, tensors[key]);
      else memory.set(key, given[result] ?? (inputs.includes(result) ? undefined : tensors[result]));
    }
    const into = encoder ?? device.createCommandEncoder({ label: name });
    for (const step of steps) {
      if (!("launch" in step)) continue;
      const kernel = kernels.find((one) => one.name === step.launch) as CallableKernel<AnyTypes>;
      const of = (names: Readonly<Record<string, string>>) =>
        Object.fromEntries(
          Object.entries(names)
            .map(([key, buffer]) => [key, memory.get(buffer)] as const)
            .filter(([, value]) => value !== undefined),
        );
      const options = { encoder: into, outputs: of(step.writes) } as LaunchOptions<AnyTypes>;
      const made = kernel(device, of(step.reads) as never, all, options);
      for (const [key, buffer] of Object.entries(step.writes)) memory.set(buffer, memory.get(buffer) ?? made[key]);
    }
    if (encoder === undefined) device.queue.submit([into.finish()]);
    const bufferOf = (value: unknown) => (value as GPUBufferBinding).buffer ?? value;
    return Object.fromEntries(
      buffers.flatMap(({ kind, name: key, result = key }) => {
        return kind === "result" ? [[result, bufferOf(memory.get(key))]] : [];
      }),
    );
  };
  const described = Object.assign(call, { plan: manifest, kernels }) as unknown as CallablePlan<T>;
  // `prepare` takes one kernel.
  const get = () => {
    throw new TypeError(`${name} is several kernels: call it, or prepare each of \`kernels\``);
  };
  return Object.defineProperties(described, { name: { value: name }, forms: { get } });
}

/** The arguments of a call: checked, and placed on the device. */

import type { Call, Part, Result } from "./bound.ts";
import { overflowOf, product, workgroupsOf } from "./counts.ts";
import { constantsOf, failIfDestroyed, type Launcher, variantOf } from "./launcher.ts";
import {
  boundSize,
  type Given,
  own,
  readAliases,
  readExtents,
  readTensor,
  readUniforms,
  usage,
  writeArray,
} from "./tensors.ts";

/** @param uniformPart where the uniforms lie: it writes them. */
export function place(
  launcher: Launcher,
  tensors: object,
  dims: object = {},
  outputs: object = {},
  uniformPart: (words: ArrayBuffer) => Part,
): Call {
  failIfDestroyed(launcher);
  const { device, kernel, fail } = launcher;
  for (const [what, got] of Object.entries({ tensors, dimensions: dims, outputs })) {
    if (typeof got !== "object" || got === null) fail("E0601 not an object", what, got);
  }
  const { manifest } = kernel;
  const { bindings, uniforms, dispatch } = manifest;
  checkNames(launcher, tensors, outputs);
  const extents = readExtents(manifest, dims, fail);
  const extentOf = (dim: number | string) => (typeof dim === "number" ? dim : (extents.get(dim) as number));
  const overflow = overflowOf(dispatch, extentOf);
  if (overflow) fail("E0608 not counted", overflow.what, overflow.count, ...overflow.extents);
  const words = uniforms && readUniforms(uniforms, tensors, extents, fail);
  const given = bindings.map((binding) => {
    const { name, access, shape } = binding;
    const count = product(shape.map(extentOf));
    // A result that has the name of an input is given among the outputs alone.
    const isShared = access !== "read" && bindings.some((other) => other !== binding && other.name === name);
    const output = access === "read" ? undefined : own(outputs, name);
    const value = output === undefined && !isShared ? own(tensors, name) : output;
    return readTensor(binding, value, count, device.limits, fail);
  });
  const aliases = readAliases(given, fail);
  const variant = variantOf(launcher, aliases);

  const made: GPUBuffer[] = [];
  const results: Result[] = [];
  try {
    const entries = given.flatMap((one) => {
      const { binding, count, part = make(device, one, made) } = one;
      if (binding.access === "read_write") results.push({ binding, count, part, isMade: !one.part });
      return aliases.some(([input]) => input === binding) ? [] : [{ binding: binding.binding, resource: part }];
    });
    if (uniforms && words) entries.push({ binding: uniforms.binding, resource: uniformPart(words) });
    const group = device.createBindGroup({ label: kernel.name, layout: variant.layout, entries });
    const [x, y] = workgroupsOf(dispatch, product(dispatch.rows.map(extentOf)));
    return { group, x, y, results, made, variant, constants: constantsOf(launcher, extentOf) };
  } catch (caught) {
    destroyAll(made);
    throw caught;
  }
}

/** A buffer for a result, or with a copy of an array. */
function make(device: GPUDevice, { binding, count, array }: Given, made: GPUBuffer[]): Part {
  const size = boundSize(binding, count);
  const more = array ? usage.copyDestination : usage.copySource;
  const buffer = device.createBuffer({ label: binding.name, size, usage: usage.storage | more });
  made.push(buffer);
  if (array) writeArray(device.queue, buffer, array);
  return { buffer, offset: 0, size };
}

export function destroyAll(buffers: Iterable<GPUBuffer>): void {
  for (const buffer of buffers) buffer.destroy();
}

/** A buffer of its own for uniforms. */
export function uniformBuffer({ device }: Launcher, size: number): GPUBuffer {
  return device.createBuffer({ label: "uniforms", size, usage: usage.uniform | usage.copyDestination });
}

function checkNames({ kernel, fail }: Launcher, tensors: object, outputs: object): void {
  const { bindings, uniforms } = kernel.manifest;
  const scalars = uniforms?.fields.filter(({ kind }) => kind === "scalar") ?? [];
  const check = (given: object, named: readonly { readonly name: string }[]) => {
    const known = new Set(named.map(({ name }) => name));
    for (const name of Object.keys(given)) if (!known.has(name)) fail("E0602 unknown", name, ...known);
  };
  check(tensors, [...bindings, ...scalars]);
  check(
    outputs,
    bindings.filter(({ access }) => access !== "read"),
  );
}

/**
 * Finds data races within a workgroup with the detector of `wgsl_reflect`, which interprets the invocations of a
 * workgroup in lockstep and compares what they touch between two barriers. Its verdicts are right; the numbers it
 * computes are not (functions with barriers return garbage), so addresses must depend on ids and extents alone.
 *
 * It knows no subgroup operations: check the workgroup-memory variant of the same kernel (a target without `subgroups`).
 * Races between workgroups it does not see.
 */

import { detectRaces } from "wgsl_reflect/wgsl_reflect.module.js";
import type { Binding, Kernel } from "../../codegen/manifest.ts";
import { elementCount } from "../../src/ir/tensor.ts";
import { type Dims, extents } from "../../src/runtime/bind-inputs.ts";
import { bufferSize } from "../../src/runtime/host-tensor.ts";

/** What the detector would silently take for nothing. */
const unsupported = /\b(subgroup\w+|quad[A-Z]\w+|subgroup_\w+|workgroupUniformLoad)\b/;

const directives = /^\s*(enable|requires|diagnostic)\b[^;]*;/gm;

/** Why the detector cannot judge this shader; `undefined` when it can. */
export function whyNotChecked(wgsl: string): string | undefined {
  const found = unsupported.exec(wgsl.replace(directives, ""));
  return found ? `the race detector does not know \`${found[1]}\`` : undefined;
}

/**
 * The data races and the barriers not reached by all, as messages; none in a sound kernel. `dims` gives every dimension:
 * keep them small, every access of a phase is compared with every other one. Throws where the detector cannot judge.
 */
export function findRaces(kernel: Kernel, dims: Dims = {}): string[] {
  const { manifest } = kernel;
  const constants = manifest.overrides.map(({ dim, constant }) => [constant, dims[dim] as number] as const);
  const wgsl = prepare(kernel.wgsl, new Map(constants));
  const buffers: Record<string, ArrayBuffer | { uniform: ArrayBuffer }> = {};
  for (const binding of manifest.bindings) buffers[binding.binding] = storageBuffer(binding, dims);
  if (manifest.uniforms) {
    const fields = new Uint32Array(manifest.uniforms.size / 4);
    for (const [i, name] of manifest.uniforms.fields.entries()) fields[i] = dims[name] as number;
    buffers[manifest.uniforms.binding] = { uniform: fields.buffer };
  }
  const rows = elementCount(extents(manifest.dispatch.rows, dims));
  const workgroups = Math.ceil(rows / manifest.dispatch.rowsPerWorkgroup);
  const { races, errors } = listening(() => detectRaces(wgsl, manifest.entryPoint, [workgroups], { 0: buffers }));

  for (const binding of manifest.bindings) {
    const isResult = binding.access === "read_write" && elementCount(extents(binding.shape, dims)) > 0;
    if (isResult) checkWritten(binding.name, buffers[binding.binding] as ArrayBuffer);
  }
  return [...new Set([...errors, ...races.map(({ message }) => message)])];
}

/** How many barriers the shader has. */
export function countBarriers(wgsl: string): number {
  return wgsl.match(barrier)?.length ?? 0;
}

/** The shader without its barrier number `index`, counted in the order of the text: broken on purpose. */
export function withoutBarrier(wgsl: string, index: number): string {
  let at = 0;
  return wgsl.replace(barrier, (text) => (at++ === index ? "" : text));
}

const barrier = /\bworkgroupBarrier\(\);/g;

/** Says the same in the part of the language that the detector follows. */
function prepare(wgsl: string, constants: ReadonlyMap<string, number>): string {
  const why = whyNotChecked(wgsl);
  if (why !== undefined) throw new Error(why);
  const plain = wgsl
    .replace(directives, "")
    .replace(/(?:@id\(\d+\)\s*)?\boverride\s+(\w+)\s*:\s*(\w+)[^;]*;/g, (text, name: string, type: string) => {
      const value = constants.get(name);
      return value === undefined ? text : `const ${name}: ${type} = ${value};`;
    });
  return trackScalars(plain);
}

/** The detector tracks arrays and structures: a lone scalar or vector becomes an array of one. */
function trackScalars(wgsl: string): string {
  const lone = /var<workgroup>\s+(\w+)\s*:\s*((?:f32|f16|u32|i32|bool|vec[234](?:<\w+>|[fhiu]))\s*);/g;
  let text = wgsl;
  for (const [declaration, name, type] of wgsl.matchAll(lone)) {
    const [before, after] = text.split(declaration) as [string, string];
    const use = new RegExp(`(?<![\\w.])${name}\\b`, "g");
    const indexed = [before, after].map((part) => part.replace(use, `${name}[0]`));
    text = indexed.join(`var<workgroup> ${name}: array<${type}, 1>;`);
  }
  return text;
}

/** Results begin as a pattern that no kernel writes; inputs are ones. */
function storageBuffer(binding: Binding, dims: Dims): ArrayBuffer {
  const count = elementCount(extents(binding.shape, dims));
  const buffer = new ArrayBuffer(bufferSize(binding, count));
  const ones = { f32: 0x3f800000, f16: 0x3c003c00, f16x2: 0x3c003c00, i32: 1, u32: 1 };
  new Uint32Array(buffer).fill(binding.access === "read" ? ones[binding.storage] : unwritten);
  return buffer;
}

const unwritten = 0x5a5a5a5a;

/** A kernel that the detector lost its way in writes nothing, and would pass. */
function checkWritten(name: string, buffer: ArrayBuffer): void {
  if (new Uint32Array(buffer).some((word) => word !== unwritten)) return;
  throw new Error(`the race detector ran nothing that writes \`${name}\``);
}

/** The detector says on the console what it does not understand, and goes on: here that is an error. */
function listening<T>(work: () => T): T {
  const names = ["log", "warn", "error"] as const;
  const before = names.map((name) => console[name]);
  const heard: string[] = [];
  for (const name of names) console[name] = (...words: unknown[]) => heard.push(words.join(" "));
  let result: T;
  try {
    result = work();
  } finally {
    for (const [i, name] of names.entries()) console[name] = before[i] as () => void;
  }
  if (heard.length > 0) throw new Error(`the race detector did not understand the shader: ${heard[0]}`);
  return result;
}

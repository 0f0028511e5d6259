/**
 * Emits kernels as TypeScript for TypeGPU: the bind group layout as a TypeGPU value, so that its typed buffers can be
 * bound, the WGSL, the pipeline and the dispatch. A plan (typegpu-plan.ts) is emitted as its kernels and a function that launches
 * them.
 */

import { oneLine } from "../diagnostics/lines.ts";
import { type Dim, elementInfo, printType } from "../ir/types.ts";
import { elementsInWord } from "../kernel/buffer.ts";
import { mostWorkgroups } from "../launch/counts.ts";
import type { Kernel } from "../target/manifest.ts";
import { namesOf } from "./module.ts";
import { type CompiledKernels, partsOf, signatureOf } from "./plan-signature.ts";
import { isOfExtents, layoutKeys, planHelpers, planText, property } from "./typegpu-plan.ts";

const schemas = {
  f32: "d.f32",
  f16: "d.f16",
  i32: "d.i32",
  u32: "d.u32",
  f16x2: "d.u32",
  bf16x2: "d.u32",
  i8x4: "d.u32",
  u8x4: "d.u32",
  f8e4m3x4: "d.u32",
  f8e5m2x4: "d.u32",
} as const;

/** The text of a module. @param source the name of the program, for the first line. */
export function emitTypegpu(functions: readonly (Kernel | CompiledKernels)[], source: string): string {
  const { plans, kernels } = partsOf(functions);
  const names = namesOf([...kernels, ...plans.map(({ plan }) => signatureOf(plan))]);
  const exported = new Map(kernels.map(({ name }, i) => [name, names[i]?.exported as string]));
  const values = plans.length > 0 ? ["isBuffer", "type StorageFlag", "type TgpuBuffer"] : [];
  const first = `// Made by tirc from ${oneLine(source)}. Changes to this file are lost.

import tgpu, { ${[...values, "type TgpuRoot"].join(", ")} } from "typegpu";
import * as d from "typegpu/data";
`;
  const texts = kernels.map((kernel) => kernelText(kernel, exported.get(kernel.name) as string));
  const steps = plans.map((plan, i) => planText(plan, names[kernels.length + i] as (typeof names)[0], exported));
  return [first, ...(plans.length > 0 ? [planHelpers] : []), ...texts, ...steps].join("\n");
}

const product = (shape: readonly Dim[]) =>
  shape.map((dim) => (typeof dim === "number" ? dim : `dims[${property(dim)}]`)).join(" * ") || "1";

function kernelText({ name, wgsl, manifest }: Kernel, exported: string): string {
  const { bindings, uniforms, dims, overrides, dispatch, entryPoint, variants = [] } = manifest;
  const keys = layoutKeys(manifest);
  const entries = bindings.map(({ access, storage, element, shape }, i) => {
    const schema = schemas[storage];
    const shared = elementsInWord(storage);
    const pairs = shared > 1 ? `, ${shared} in a u32 each` : element === "bool" ? ", a u32 each" : "";
    const kind = access === "read" ? "readonly" : "mutable";
    return `  /** ${printType({ element, shape })}${pairs} */
  ${property(keys[i] as string)}: { storage: (n: number) => d.arrayOf(${schema}, n), access: "${kind}", visibility: ["compute"] },
`;
  });
  if (uniforms) {
    entries.push(`  ${property(keys.at(-1) as string)}: { uniform: ${exported}Uniforms, visibility: ["compute"] },\n`);
  }
  const fields = (uniforms?.fields ?? []).map(({ name: field, element }) => {
    const schema = element === "bool" ? "d.u32" : schemas[elementInfo[element].computed as "f32"];
    return `${property(field)}: ${schema}`;
  });
  const extents = `{ ${dims.map(({ name: dim }) => `readonly ${property(dim)}: number`).join("; ")} }`;
  const constants = overrides.map(({ dim, constant }) => `${property(constant)}: dims[${property(dim)}]`);
  const uniformsText = `/** Extents of dimensions, and numbers. */
export const ${exported}Uniforms = d.struct({ ${fields.join(", ")} });

`;
  const all = [{ entryPoint, rowsPerWorkgroup: dispatch.rowsPerWorkgroup }, ...variants];
  const byEntry = all.map((one) => `${one.entryPoint}: ${one.rowsPerWorkgroup}`);
  const hasVariants = variants.length > 0;
  const chosen = hasVariants ? `${exported}EntryPoint(dims)` : JSON.stringify(entryPoint);
  const perWorkgroup = hasVariants ? `{ ${byEntry.join(", ")} }[${chosen}]` : `${dispatch.rowsPerWorkgroup}`;
  const count = `Math.ceil((${product(dispatch.rows)}) / ${perWorkgroup})`;
  const choices = variants.map(({ dim, multipleOf, atLeast, entryPoint: name }) => {
    const extent = `dims[${property(dim)}]`;
    const condition = `${product(dispatch.rows)} > 0 && ${extent} >= ${atLeast} && ${extent} % ${multipleOf} === 0`;
    return `  if (${condition}) return "${name}";\n`;
  });
  const entryText = `/** The entry point for these extents. */
export function ${exported}EntryPoint(dims: ${extents}): ${all.map((one) => JSON.stringify(one.entryPoint)).join(" | ")} {
${choices.join("")}  return ${JSON.stringify(entryPoint)};
}

`;
  const takesDims = isOfExtents(manifest);
  // An unused parameter gets an underscore, for compilers that reject it otherwise.
  const counted = dims.length === 0 ? "" : `${count.includes("dims") ? "" : "_"}dims: ${extents}`;
  return `${uniforms ? uniformsText : ""}/** Bind group 0 of \`${name}\`. A buffer of \`n\` elements has the schema \`layout.entries.NAME.storage(n)\`. */
export const ${exported}Layout = tgpu
  .bindGroupLayout({
${entries.join("").replace(/^(?=.)/gm, "  ")}  })
  .$idx(0);

export const ${exported}Wgsl = ${JSON.stringify(wgsl)};

${hasVariants ? entryText : ""}/** The pipeline on the root's device${takesDims ? ", for these extents" : ""}. */
export function ${exported}Pipeline(root: TgpuRoot${takesDims ? `, dims: ${extents}` : ""}): Promise<GPUComputePipeline> {
  const layout = root.device.createPipelineLayout({ bindGroupLayouts: [root.unwrap(${exported}Layout)] });
  const module = root.device.createShaderModule({ label: ${JSON.stringify(name)}, code: ${exported}Wgsl });
  const compute = { module, entryPoint: ${chosen}, constants: { ${constants.join(", ")} } };
  return root.device.createComputePipelineAsync({ label: ${JSON.stringify(name)}, layout, compute });
}

/** How many workgroups are dispatched, in x and y. */
export function ${exported}Workgroups(${counted}): [x: number, y: number] {
  const count = ${dispatch.atLeastOne ? `Math.max(1, ${count})` : count};
  const y = Math.max(1, Math.ceil(count / ${mostWorkgroups}));
  return [Math.ceil(count / y), y];
}
`;
}

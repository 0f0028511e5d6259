/**
 * Emits a plan as TypeScript for TypeGPU: its extents as expressions, the sizes of its buffers, and a function that compiles and
 * binds its kernels once and records them, in order, any number of times.
 */

import { printType } from "../ir/types.ts";
import type { LaunchBuffer, LaunchOfKernel, LaunchOfOp, LaunchPlan, LaunchView } from "../launch/plan-manifest.ts";
import { arrays } from "../launch/tensors.ts";
import type { Kernel, Manifest } from "../target/manifest.ts";
import type { Names } from "./module.ts";
import { argumentsOf, kernelOf, noteOn, placesOf, stridesOf, viewed } from "./plan-memory.ts";
import type { CompiledKernels } from "./plan-signature.ts";

/** Helpers for all plans of a module. As exports of kernels have suffixes, the names are unique. */
export const planHelpers = `/** A buffer of TypeGPU's with the usage \`storage\`, or one of WebGPU's. */
export type PlanBuffer = (TgpuBuffer<d.BaseData> & StorageFlag) | GPUBuffer;

/** What a product reads or writes: elements in row-major order. Bytes of offset and size; the shape in which it is seen. */
export interface PlanTensor {
  readonly buffer: GPUBuffer;
  readonly offset: number;
  readonly size: number;
  readonly element: string;
  readonly shape: readonly number[];
}

const bufferIn = (root: TgpuRoot, buffer: PlanBuffer): GPUBuffer => (isBuffer(buffer) ? root.unwrap(buffer) : buffer);

const bytesOf = (count: number, bytes: number, least: number) => Math.max(least, Math.ceil((count * bytes) / 4) * 4);
`;

/** The names of the layout's members. A result with an input's name, and the uniforms, get a unique one. */
export function layoutKeys({ bindings, uniforms }: Manifest): string[] {
  const taken = new Set<string>();
  const keyOf = (wanted: string): string => {
    const key = taken.has(wanted) ? keyOf(`${wanted}_out`) : wanted;
    taken.add(key);
    return key;
  };
  return [...bindings.map(({ name }) => name), ...(uniforms ? ["uniforms"] : [])].map(keyOf);
}

/** Whether the pipeline depends on extents: they determine the entry point, or are pipeline constants. */
export const isOfExtents = ({ overrides, variants = [] }: Manifest): boolean =>
  variants.length > 0 || overrides.length > 0;

export const property = (name: string) => JSON.stringify(name);
const extent = (dim: number | string) => (typeof dim === "number" ? `${dim}` : `all[${property(dim)}]`);
const count = (shape: readonly (number | string)[]) => shape.map(extent).join(" * ") || "1";
const object = (members: readonly string[]) => (members.length === 0 ? "{}" : `{ ${members.join(", ")} }`);
const lines = (list: readonly string[], steps: number) => list.map((line) => `${"  ".repeat(steps)}${line}\n`).join("");

/** The text of a plan. @param exported the names of the kernels in the module. */
export function planText(
  { plan, kernels }: CompiledKernels,
  { exported: name, type }: Names,
  exported: ReadonlyMap<string, string>,
): string {
  const dims = plan.dims.map((dim) => `readonly ${property(dim.name)}: number`);
  const takes = `dims: { ${dims.join("; ")} }`;
  const opaque = plan.steps.filter((step) => "opaque" in step);
  const more = opaque.length > 0 ? `, products: ${type}Products` : "";
  const steps = plan.steps.filter((step) => "launch" in step || "opaque" in step);
  const manifestOf = (step: LaunchOfKernel) => kernelOf(kernels, step).manifest;
  const launches = plan.steps.filter((step) => "launch" in step);
  const usage = opaque.length > 0 ? "128 | 8 | 4" : "128";
  const made = launches.map((step) => pipelineText(exported.get(step.launch) as string, manifestOf(step)));
  const uniforms = launches.flatMap((step, i) => uniformsText(plan, step, manifestOf(step), exported, i));
  const groups = launches.map((step, i) => groupText(step, manifestOf(step), exported, i));
  const recorded = steps.map((step) => {
    if ("opaque" in step) return productText(plan, step);
    const at = launches.indexOf(step);
    const counted = `${exported.get(step.launch)}Workgroups(${manifestOf(step).dims.length > 0 ? "all" : ""})`;
    return `launch(encoder, ${property(step.launch)}, pipelines[${at}], group${at}, ${counted});`;
  });
  return `${extentsText(plan, name, takes)}
${bytesText(plan, kernels, name, takes)}
${argumentsText(plan, type)}
${productsText(opaque, type)}/**
 * The kernels of \`${plan.name}\`, compiled and bound: \`encode\` records them in order, any number of times. Intermediates are
 * memory of its own, which \`destroy\` frees.
 */
export async function ${name}Plan(root: TgpuRoot, tensors: ${type}Tensors, ${takes}${more}) {
  const { device } = root;
  const all = ${name}Extents(dims);
  const bytes = ${name}Bytes(dims);
  const places = bytes.places.map((size) => device.createBuffer({ label: ${property(plan.name)}, size, usage: ${usage} }));
  const buffers = {
${lines(buffersText(plan), 2)}  };
  const pipelines = await Promise.all([
${lines(made, 2)}  ]);
${lines(uniforms, 1)}${lines(groups, 1)}  const launch = (
    encoder: GPUCommandEncoder,
    label: string,
    pipeline: GPUComputePipeline,
    group: GPUBindGroup,
    [x, y]: [number, number],
  ) => {
    const pass = encoder.beginComputePass({ label });
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, group);
    pass.dispatchWorkgroups(x, y);
    pass.end();
  };
  return {
    encode(encoder: GPUCommandEncoder): void {
${lines(recorded, 3)}    },
    destroy(): void {
      for (const place of places) place.destroy();
${lines(
  uniforms.map((text) => `${text.split(" ")[1]}.destroy();`),
  3,
)}    },
  };
}
`;
}

function extentsText({ name: title, dims, extents }: LaunchPlan, name: string, takes: string): string {
  const members = extents.map((one) => `${property(one.name)}: 0`);
  const derived = extents.map(({ name: own, of, by, least, most }) => {
    const divided = `Math.ceil(${extent(of)} / ${extent(by)})`;
    const atLeast = least === undefined ? divided : `Math.max(${least}, ${divided})`;
    return `${extent(own)} = ${most === undefined ? atLeast : `Math.min(${most}, ${atLeast})`};`;
  });
  const spread = dims.length > 0 ? ["...dims"] : [];
  return `/** Extents of the kernels of \`${title}\`: those that are given, and those that follow from them. */
export function ${name}Extents(${dims.length > 0 ? "" : "_"}${takes}) {
  const all = ${object([...spread, ...members])};
${lines(derived, 1)}  return all;
}
`;
}

/** The size of a buffer as an expression. */
const sizeText = ({ element, shape }: LaunchBuffer, stride: number) =>
  `bytesOf(${count(shape)}, ${arrays[element].BYTES_PER_ELEMENT}, ${stride})`;

function bytesText(plan: LaunchPlan, kernels: readonly Kernel[], name: string, takes: string): string {
  const strides = stridesOf(plan, kernels);
  const size = (buffer: LaunchBuffer) => sizeText(buffer, strides.get(buffer.name) as number);
  const members = argumentsOf(plan).tensors.map((buffer) => `${property(buffer.name)}: ${size(buffer)},`);
  const places = placesOf(plan).map((list) => {
    const sizes = list.map(size);
    return `${sizes.length > 1 ? `Math.max(${sizes.join(", ")})` : sizes[0]}, // ${list.map((one) => one.name).join(", ")}`;
  });
  const named = [...members, ...places].some((text) => text.includes("all["));
  return `/** Bytes of the buffers of \`${plan.name}\`, and of the places that its intermediates share. */
export function ${name}Bytes(${named ? "" : "_"}${takes}) {
${named ? `  const all = ${name}Extents(dims);\n` : ""}  return {
    tensors: {
${lines(members, 3)}    },
    places: [
${lines(places, 3)}    ],
  };
}
`;
}

function argumentsText(plan: LaunchPlan, type: string): string {
  const { scalars, tensors } = argumentsOf(plan);
  const members = [
    ...tensors.map((one) => [one, "PlanBuffer"] as const),
    ...scalars.map((one) => [one, one.element === "bool" ? "boolean | number" : "number"] as const),
  ].map(([buffer, of]) => {
    return `/** ${noteOn(plan, buffer)}${printType(buffer)} */\n  readonly ${property(buffer.name)}: ${of};`;
  });
  return `/** What \`${plan.name}\` reads and writes. */
export interface ${type}Tensors {
${lines(members, 1)}}
`;
}

/** The buffer of each tensor by its name in the plan. */
function buffersText(plan: LaunchPlan): string[] {
  const own = placesOf(plan).flatMap((list, slot) =>
    list.map(({ name }) => `${property(name)}: places[${slot}] as GPUBuffer,`),
  );
  const given = argumentsOf(plan).tensors.map(({ name }) => property(name));
  return [...given.map((key) => `${key}: bufferIn(root, tensors[${key}]),`), ...own];
}

const pipelineText = (name: string, manifest: Manifest) =>
  `${name}Pipeline(root${isOfExtents(manifest) ? ", all" : ""}),`;

/** The uniform buffer of a launch, if it has one. */
function uniformsText(
  { buffers }: LaunchPlan,
  { launch, reads }: LaunchOfKernel,
  { uniforms }: Manifest,
  exported: ReadonlyMap<string, string>,
  i: number,
): string[] {
  if (uniforms === undefined) return [];
  const fields = uniforms.fields.map(({ kind, name }) => {
    if (kind !== "scalar") return `${property(name)}: ${extent(name)}`;
    const number = buffers.find((one) => one.name === reads[name]) as LaunchBuffer;
    const value = `tensors[${property(number.name)}]`;
    return `${property(name)}: ${number.element === "bool" ? `Number(${value})` : value}`;
  });
  const schema = `${exported.get(launch)}Uniforms`;
  return [`const uniforms${i} = root.createBuffer(${schema}, ${object(fields)}).$usage("uniform");`];
}

function groupText(
  { launch, reads, writes }: LaunchOfKernel,
  manifest: Manifest,
  exported: ReadonlyMap<string, string>,
  i: number,
): string {
  const keys = layoutKeys(manifest);
  const members = manifest.bindings.map(({ name, access }, at) => {
    const buffer = (access === "read" ? reads : writes)[name] as string;
    return `${property(keys[at] as string)}: buffers[${property(buffer)}]`;
  });
  if (manifest.uniforms) members.push(`${property(keys.at(-1) as string)}: uniforms${i}`);
  return `const group${i} = root.unwrap(root.createBindGroup(${exported.get(launch)}Layout, ${object(members)}));`;
}

/** The type of the functions that compute opaque steps, one for each op. */
function productsText(steps: readonly LaunchOfOp[], type: string): string {
  if (steps.length === 0) return "";
  const members = [...new Set(steps.map(({ opaque }) => opaque))].map((op) => {
    const calls = steps.filter(({ opaque }) => opaque === op);
    const all = (of: (step: LaunchOfOp) => readonly (readonly [string, string])[]) =>
      [...new Map(calls.flatMap(of))].map(([key, value]) => {
        const isOptional = calls.some((step) => !of(step).some(([one]) => one === key));
        return `readonly ${property(key)}${isOptional ? "?" : ""}: ${value}`;
      });
    const seen = ({ reads, writes }: LaunchOfOp) =>
      [...Object.keys(reads), ...Object.keys(writes)].map((key) => [key, "PlanTensor"] as const);
    const attributes = ({ attributes }: LaunchOfOp) =>
      Object.entries(attributes).map(([key, value]) => {
        return [key, Array.isArray(value) ? "readonly (number | string)[]" : typeof value] as const;
      });
    const lists = ["readonly operands: readonly (PlanTensor | number)[]", "readonly results: readonly PlanTensor[]"];
    const call = ["readonly name: string", ...(op === "extern" ? lists : all(seen)), ...all(attributes)];
    return `readonly ${op}: (encoder: GPUCommandEncoder, call: { ${call.join("; ")} }) => void;`;
  });
  return `/** What computes the products between the kernels: called in their order when the plan is recorded. */
export interface ${type}Products {
${lines(members, 1)}}

`;
}

function productText(plan: LaunchPlan, { opaque, name, attributes, reads, writes }: LaunchOfOp): string {
  const tensor = (view: LaunchView) => {
    const { buffer, shape } = view;
    const { element, kind, shape: own } = viewed(plan, view);
    if (kind !== "result" && kind !== "intermediate" && own.length === 0) return `Number(tensors[${property(buffer)}])`;
    const size = `${count(shape)} * ${arrays[element].BYTES_PER_ELEMENT}`;
    const members = [`buffer: buffers[${property(buffer)}]`, "offset: 0", `size: ${size}`, `element: "${element}"`];
    return `{ ${members.join(", ")}, shape: [${shape.map(extent).join(", ")}] }`;
  };
  const named = (views: Readonly<Record<string, LaunchView>>) =>
    Object.entries(views).map(([key, view]) => `${property(key)}: ${tensor(view)}`);
  const listed = (views: Readonly<Record<string, LaunchView>>) => `[${Object.values(views).map(tensor).join(", ")}]`;
  const given =
    opaque === "extern"
      ? [`operands: ${listed(reads)}`, `results: ${listed(writes)}`]
      : [...named(reads), ...named(writes)];
  const known = Object.entries(attributes).map(([key, value]) => `${property(key)}: ${JSON.stringify(value)}`);
  return `products.${opaque}(encoder, { name: ${property(name)}, ${[...known, ...given].join(", ")} });`;
}

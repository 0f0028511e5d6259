/**
 * A kernel as a module that stands on its own: its WGSL, and a function that runs it over `GPUBuffer`s. What comes out
 * imports nothing.
 */

import type { Binding, Kernel } from "../codegen/manifest.ts";
import { oneLine } from "./diagnostics/short.ts";
import { printType } from "./ir/types.ts";

/** What `emitModule` writes. */
export interface EmitModuleOptions {
  /** `ts`: with types; `js`: without, `emitDeclarations` has them. */
  readonly language: "ts" | "js";
  /** What it was made from, for the first line. */
  readonly source: string;
}

/** `bert_output` is imported as `bertOutput`, unless that is no name of its own. */
export function exportNames(kernels: readonly Kernel[]): string[] {
  const camel = kernels.map(({ name }) =>
    name.replace(/(?<=[a-zA-Z0-9])_+([a-zA-Z0-9])/g, (_, letter: string) => letter.toUpperCase()),
  );
  return kernels.map(({ name }, i) => {
    const wanted = camel[i] as string;
    const isTaken = camel.filter((other) => other === wanted).length > 1;
    const plain = isTaken ? name : wanted;
    return reserved.has(plain) || own.has(plain) ? `${plain}Kernel` : plain;
  });
}

/** Words that JavaScript modules do not take as names. */
const reserved: ReadonlySet<string> = new Set([
  ...["arguments", "await", "break", "case", "catch", "class", "const", "continue", "debugger", "default", "delete"],
  ...["do", "else", "enum", "eval", "export", "extends", "false", "finally", "for", "function", "if", "implements"],
  ...["import", "in", "instanceof", "interface", "let", "new", "null", "package", "private", "protected", "public"],
  ...["return", "static", "super", "switch", "this", "throw", "true", "try", "typeof", "undefined", "var", "void"],
  ...["while", "with", "yield"],
]);

/** Names that the module uses itself. */
const own: ReadonlySet<string> = new Set(["launch", "pipelineOf", "pipelines", "wgsl", "WeakMap", "Map", "Math"]);

/** The text of a module with a function for each kernel. */
export function emitModule(kernels: readonly Kernel[], { language, source }: EmitModuleOptions): string {
  const types = language === "ts";
  const names = exportNames(kernels);
  const parts = kernels.map((kernel, i) => kernelText(kernel, names[i] as string, types));
  return [header(source), runtimeText(types), ...parts].join("\n");
}

/** The types of `emitModule(kernels, { language: "js" })`, as a `.d.ts`. */
export function emitDeclarations(kernels: readonly Kernel[], source: string): string {
  const names = exportNames(kernels);
  const parts = kernels.map((kernel, i) => {
    const name = names[i] as string;
    return `${interfaces(kernel, name)}
${docs(kernel)}
export declare function ${name}(${parameters(kernel, name, true)}): ${capital(name)}Outputs;
export declare namespace ${name} {
  const wgsl: string;
}
`;
  });
  return [header(source), optionsText, ...parts].join("\n");
}

const header = (source: string) => `// Made by tirc from ${oneLine(source)}. Changes to this file are lost.\n`;
const capital = (name: string) => `${name.slice(0, 1).toUpperCase()}${name.slice(1)}`;

const optionsText = `export interface LaunchOptions<Outputs> {
  /** Record into this encoder; submitting it is yours. Without one, the kernel is submitted at once. */
  readonly encoder?: GPUCommandEncoder;
  /** Buffers to write to, with the usage STORAGE; those that are missing are made, with COPY_SRC too. */
  readonly outputs?: Partial<Outputs>;
}
`;

const inputsOf = ({ manifest }: Kernel) => manifest.bindings.filter(({ access }) => access === "read");
const outputsOf = ({ manifest }: Kernel) => manifest.bindings.filter(({ access }) => access === "read_write");

/** A field of an interface; names of parameters are names of fields. */
function field({ name, element, shape, storage, constant }: Binding): string {
  const stored = storage === "f16x2" ? ", two halves in 32 bits" : element === "bool" ? ", a u32 each" : "";
  const what = constant ? "the constant, " : "";
  return `  /** ${what}${printType({ element, shape })}${stored} */\n  readonly ${name}: GPUBuffer;\n`;
}

function interfaces(kernel: Kernel, name: string): string {
  const dims = kernel.manifest.dims.map((dim) => `  readonly ${dim.name}: number;\n`).join("");
  return `export interface ${capital(name)}Inputs {
${inputsOf(kernel).map(field).join("")}}
export interface ${capital(name)}Outputs {
${outputsOf(kernel).map(field).join("")}}
${dims === "" ? `export type ${capital(name)}Dims = Record<string, never>;` : `export interface ${capital(name)}Dims {\n${dims}}`}
`;
}

function parameters({ manifest }: Kernel, name: string, types: boolean): string {
  if (!types) return `device, inputs, dims${manifest.dims.length === 0 ? " = {}" : ""}, options = {}`;
  const optional = manifest.dims.length === 0 ? "?" : "";
  const of = capital(name);
  return `device: GPUDevice, inputs: ${of}Inputs, dims${optional}: ${of}Dims, options?: LaunchOptions<${of}Outputs>`;
}

function docs(kernel: Kernel): string {
  const results = outputsOf(kernel).map(({ name, element, shape }) => `${name}: ${printType({ element, shape })}`);
  return `/** Runs the kernel once: ${results.join(", ")}. @throws RangeError, TypeError for what is passed. */`;
}

function kernelText(kernel: Kernel, name: string, types: boolean): string {
  const { manifest, wgsl } = kernel;
  const bytes = ({ storage }: Binding) => (storage === "f16" || storage === "f16x2" ? 2 : 4);
  const description = {
    name: kernel.name,
    entryPoint: manifest.entryPoint,
    bindings: manifest.bindings.map((binding) => ({
      ...{ name: binding.name, binding: binding.binding, writes: binding.access === "read_write" },
      ...{ shape: binding.shape, bytes: bytes(binding) },
    })),
    dims: manifest.dims.map((dim) => dim.name),
    uniforms: manifest.uniforms,
    overrides: manifest.overrides,
    dispatch: manifest.dispatch,
    features: manifest.requiredFeatures,
  };
  const of = capital(name);
  const body = types
    ? `  return launch(device, ${name}.wgsl, ${name}Description, { ...inputs }, { ...dims }, options ?? {}) as unknown as ${of}Outputs;`
    : `  return launch(device, ${name}.wgsl, ${name}Description, inputs, dims, options);`;
  const signature = types ? `${parameters(kernel, name, true)}): ${of}Outputs` : `${parameters(kernel, name, false)})`;
  return `${types ? `${interfaces(kernel, name)}\n` : ""}const ${name}Description${types ? ": Description" : ""} = ${JSON.stringify(description, undefined, 2)};

${docs(kernel)}
export function ${name}(${signature} {
${body}
}
${name}.wgsl = ${template(wgsl)};
`;
}

/** A text as a template literal. */
function template(text: string): string {
  return `\`${text.replace(/[\\`]|\$\{/g, (found) => `\\${found}`)}\``;
}

const descriptionText = `type Extent = number | string;
interface Description {
  readonly name: string;
  readonly entryPoint: string;
  readonly bindings: readonly {
    readonly name: string;
    readonly binding: number;
    readonly writes: boolean;
    readonly shape: readonly Extent[];
    readonly bytes: number;
  }[];
  readonly dims: readonly string[];
  readonly uniforms?: { readonly binding: number; readonly fields: readonly string[]; readonly size: number };
  readonly overrides: readonly { readonly dim: string; readonly constant: string }[];
  readonly dispatch: { readonly rows: readonly Extent[]; readonly rowsPerWorkgroup: number; readonly atLeastOne?: boolean };
  readonly features: readonly string[];
}
`;

/** What all functions of a module share. */
function runtimeText(types: boolean): string {
  const t = (type: string) => (types ? `: ${type}` : "");
  const as = (type: string) => (types ? ` as ${type}` : "");
  const of = (type: string) => (types ? `<${type}>` : "");
  return `${types ? `${optionsText}\n${descriptionText}\n` : ""}const pipelines = new WeakMap${of("GPUDevice, Map<string, GPUComputePipeline>")}();

/** Compiled once for a device and the extents that are pipeline constants. */
function pipelineOf(device${t("GPUDevice")}, wgsl${t("string")}, kernel${t("Description")}, dims${t("Record<string, number>")})${t("GPUComputePipeline")} {
  const constants${t("Record<string, number>")} = {};
  for (const { dim, constant } of kernel.overrides) constants[constant] = dims[dim]${as("number")};
  const known = pipelines.get(device) ?? new Map${of("string, GPUComputePipeline")}();
  pipelines.set(device, known);
  const key = \`\${kernel.name} \${JSON.stringify(constants)}\`;
  let pipeline = known.get(key);
  if (pipeline === undefined) {
    const missing = kernel.features.filter((feature) => !device.features.has(feature));
    if (missing.length > 0) throw new TypeError(\`\${kernel.name}: the device lacks \${missing.join(", ")}\`);
    const entries = kernel.bindings.map(({ binding, writes })${t("GPUBindGroupLayoutEntry")} => {
      return { binding, visibility: 4, buffer: { type: writes ? "storage" : "read-only-storage" } };
    });
    if (kernel.uniforms) entries.push({ binding: kernel.uniforms.binding, visibility: 4, buffer: { type: "uniform" } });
    const layout = device.createPipelineLayout({ bindGroupLayouts: [device.createBindGroupLayout({ entries })] });
    const module = device.createShaderModule({ label: kernel.name, code: wgsl });
    const compute = { module, entryPoint: kernel.entryPoint, constants };
    pipeline = device.createComputePipeline({ label: kernel.name, layout, compute });
    known.set(key, pipeline);
  }
  return pipeline;
}

function launch(
  device${t("GPUDevice")},
  wgsl${t("string")},
  kernel${t("Description")},
  inputs${t("Record<string, GPUBuffer>")},
  dims${t("Record<string, number>")},
  options${t("LaunchOptions<Record<string, GPUBuffer>>")},
)${t("Record<string, GPUBuffer>")} {
  for (const dim of kernel.dims) {
    const extent = dims[dim];
    if (!Number.isInteger(extent) || (extent${as("number")}) < 0) {
      throw new RangeError(\`\${kernel.name}: the dimension \${dim} is a whole number, not \${extent}\`);
    }
  }
  const count = (shape${t("readonly Extent[]")}) =>
    shape.reduce${of("number")}((product, dim) => product * (typeof dim === "number" ? dim : (dims[dim]${as("number")})), 1);
  const outputs${t("Record<string, GPUBuffer>")} = {};
  const entries = kernel.bindings.map(({ name, binding, writes, shape, bytes })${t("GPUBindGroupEntry")} => {
    // Padded, so that a whole vector can be bound.
    const size = Math.max(16, Math.ceil((count(shape) * bytes) / 16) * 16);
    let buffer = writes ? options.outputs?.[name] : inputs[name];
    if (buffer === undefined && writes) buffer = device.createBuffer({ label: name, size, usage: 128 | 4 });
    if (buffer === undefined) throw new TypeError(\`\${kernel.name}: the input \${name} is missing\`);
    if (buffer.size < size) {
      throw new RangeError(\`\${kernel.name}: \${name} is a buffer of \${buffer.size} bytes, and needs \${size}\`);
    }
    if (writes) outputs[name] = buffer;
    return { binding, resource: { buffer, size } };
  });
  if (kernel.uniforms) {
    const { binding, fields, size } = kernel.uniforms;
    const buffer = device.createBuffer({ label: "dimensions", size, usage: 64, mappedAtCreation: true });
    new Uint32Array(buffer.getMappedRange()).set(fields.map((name) => dims[name]${as("number")}));
    buffer.unmap();
    entries.push({ binding, resource: { buffer } });
  }
  const { rows, rowsPerWorkgroup, atLeastOne } = kernel.dispatch;
  const groups = Math.max(atLeastOne ? 1 : 0, Math.ceil(count(rows) / rowsPerWorkgroup));
  const pipeline = pipelineOf(device, wgsl, kernel, dims);
  const bindings = device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries });
  const encoder = options.encoder ?? device.createCommandEncoder({ label: kernel.name });
  const pass = encoder.beginComputePass({ label: kernel.name });
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, bindings);
  // More workgroups than one dimension takes go on in the second.
  if (groups > 0) pass.dispatchWorkgroups(Math.min(groups, 65535), Math.ceil(groups / 65535));
  pass.end();
  if (options.encoder === undefined) device.queue.submit([encoder.finish()]);
  return outputs;
}
`;
}

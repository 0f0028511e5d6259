/**
 * A kernel as a module that stands on its own: its WGSL, and a function that runs it over `GPUBuffer`s. What comes out
 * imports nothing.
 */

import { mostCounted, mostWorkgroups } from "../codegen/launch.ts";
import type { Binding, Kernel } from "../codegen/manifest.ts";
import { printType } from "./ir/types.ts";

/** What `emitModule` writes. */
export interface EmitModuleOptions {
  /** `ts`: with types; `js`: without, `emitDeclarations` has them. */
  readonly language: "ts" | "js";
  /** What it was made from, for the first line. */
  readonly source: string;
}

/**
 * `bert_output` is imported as `bertOutput`, unless two would be one or that is no name to import. All are different.
 */
export function exportNames(kernels: readonly Kernel[]): string[] {
  const camel = kernels.map(({ name }) =>
    name.replace(/(?<=[a-zA-Z0-9])_+([a-zA-Z0-9])/g, (_, letter: string) => letter.toUpperCase()),
  );
  const wanted = kernels.map(({ name }, i) => {
    const isTaken = camel.filter((other) => other === camel[i]).length > 1;
    return isTaken ? name : (camel[i] as string);
  });
  const taken = new Set(wanted.filter((name) => !notImported.has(name)));
  return wanted.map((name) => {
    if (!notImported.has(name)) return name;
    let free = `${name}Kernel`;
    while (taken.has(free)) free += "_";
    taken.add(free);
    return free;
  });
}

/**
 * Words that JavaScript does not take in an import, and members that mean something in a module's namespace: one with
 * `then` is a promise to `await import()`, and `default`, `__esModule` and `__proto__` tell bundlers something else.
 */
const notImported: ReadonlySet<string> = new Set([
  ...["then", "default", "__esModule", "__proto__"],
  ...["arguments", "await", "break", "case", "catch", "class", "const", "continue", "debugger", "delete", "do", "else"],
  ...["enum", "eval", "export", "extends", "false", "finally", "for", "function", "if", "implements", "import", "in"],
  ...["instanceof", "interface", "let", "new", "null", "package", "private", "protected", "public", "return", "static"],
  ...[
    "super",
    "switch",
    "this",
    "throw",
    "true",
    "try",
    "typeof",
    "undefined",
    "var",
    "void",
    "while",
    "with",
    "yield",
  ],
]);

/** What a kernel is called in its module. */
interface Names {
  readonly exported: string;
  /** No name of a program has a `$`, nor has what the module uses itself: a kernel hides nothing. */
  readonly local: string;
  /** What the names of its types begin with. */
  readonly type: string;
}

function namesOf(kernels: readonly Kernel[]): Names[] {
  const exported = exportNames(kernels);
  const capitals = exported.map((name) => `${name.slice(0, 1).toUpperCase()}${name.slice(1)}`);
  return exported.map((name, i) => {
    const isTaken = capitals.filter((other) => other === capitals[i]).length > 1;
    return { exported: name, local: `${name}$`, type: isTaken ? name : (capitals[i] as string) };
  });
}

/** The text of a module with a function for each kernel. */
export function emitModule(kernels: readonly Kernel[], { language, source }: EmitModuleOptions): string {
  const types = language === "ts";
  const names = namesOf(kernels);
  const parts = kernels.map((kernel, i) => kernelText(kernel, names[i] as Names, types));
  return [header(source), runtimeText(types), ...parts, exportsText(names)].join("\n");
}

/** The types of `emitModule(kernels, { language: "js" })`, as a `.d.ts`. */
export function emitDeclarations(kernels: readonly Kernel[], source: string): string {
  const names = namesOf(kernels);
  const parts = kernels.map((kernel, i) => {
    const { local, type } = names[i] as Names;
    return `${interfaces(kernel, type)}
${docs(kernel)}
declare function ${local}(${parameters(kernel, type, true)}): ${type}Outputs;
declare namespace ${local} {
  const wgsl: string;
}
`;
  });
  return [header(source), optionsText, ...parts, exportsText(names)].join("\n");
}

const exportsText = (names: readonly Names[]) =>
  `export { ${names.map(({ local, exported }) => `${local} as ${exported}`).join(", ")} };\n`;

/** A file may be called as it likes: a line break would end the comment. */
const header = (source: string) =>
  `// Made by tirc from ${source.replace(/[\r\n\u2028\u2029]/g, "?")}. Changes to this file are lost.\n`;

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

function interfaces(kernel: Kernel, type: string): string {
  const dims = kernel.manifest.dims.map((dim) => `  readonly ${dim.name}: number;\n`).join("");
  return `export interface ${type}Inputs {
${inputsOf(kernel).map(field).join("")}}
export interface ${type}Outputs {
${outputsOf(kernel).map(field).join("")}}
${dims === "" ? `export type ${type}Dims = Record<string, never>;` : `export interface ${type}Dims {\n${dims}}`}
`;
}

function parameters({ manifest }: Kernel, type: string, types: boolean): string {
  if (!types) return "device, inputs, dims, options";
  const optional = manifest.dims.length === 0 ? "?" : "";
  return `device: GPUDevice, inputs: ${type}Inputs, dims${optional}: ${type}Dims, options?: LaunchOptions<${type}Outputs>`;
}

function docs(kernel: Kernel): string {
  const results = outputsOf(kernel).map(({ name, element, shape }) => `${name}: ${printType({ element, shape })}`);
  return `/** Runs the kernel once: ${results.join(", ")}. @throws RangeError, TypeError for what is passed. */`;
}

function kernelText(kernel: Kernel, { local, type }: Names, types: boolean): string {
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
  const call = `launch(device, ${local}.wgsl, ${local}description, inputs, dims, options)`;
  const result = types ? `: ${type}Outputs` : "";
  return `${types ? `${interfaces(kernel, type)}\n` : ""}const ${local}description${types ? ": Description" : ""} = ${JSON.stringify(description, undefined, 2)};

${docs(kernel)}
function ${local}(${parameters(kernel, type, types)})${result} {
  return ${call}${types ? ` as unknown as ${type}Outputs` : ""};
}
${local}.wgsl = ${template(wgsl)};
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
  readonly dispatch: {
    readonly rows: readonly Extent[];
    readonly columns: readonly Extent[];
    readonly rowsPerWorkgroup: number;
    readonly atLeastOne?: boolean;
  };
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
function pipelineOf(device${t("GPUDevice")}, wgsl${t("string")}, kernel${t("Description")}, extents${t("ReadonlyMap<Extent, number>")})${t("GPUComputePipeline")} {
  const constants${t("Record<string, number>")} = {};
  for (const { dim, constant } of kernel.overrides) constants[constant] = extents.get(dim)${as("number")};
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

function shown(value${t("unknown")})${t("string")} {
  if (typeof value === "function") return "a function";
  if (Array.isArray(value)) return "an array";
  return typeof value === "object" && value !== null ? "an object" : String(value);
}

/** A member of an argument. What is inherited, as \`toString\` is, was not passed. */
function member(kernel${t("Description")}, what${t("string")}, given${t("object | null | undefined")}, name${t("string")})${t("unknown")} {
  if (given === undefined) return undefined;
  if (typeof given !== "object" || given === null) {
    throw new TypeError(\`\${kernel.name}: the \${what} are an object, not \${shown(given)}\`);
  }
  return Object.hasOwn(given, name) ? (given${as("Record<string, unknown>")})[name] : undefined;
}

/** Throws for what is no buffer that can be bound. */
function checkBuffer(kernel${t("Description")}, name${t("string")}, given${t("unknown")}, size${t("number")})${t("GPUBuffer")} {
  const buffer = given${as("GPUBuffer")};
  if (typeof given !== "object" || given === null || typeof buffer.size !== "number" || typeof buffer.usage !== "number") {
    throw new TypeError(\`\${kernel.name}: \${name} is a GPUBuffer, not \${shown(given)}\`);
  }
  if ((buffer.usage & 128) === 0) throw new TypeError(\`\${kernel.name}: \${name} is a buffer without the usage STORAGE\`);
  if (buffer.size < size) {
    throw new RangeError(\`\${kernel.name}: \${name} is a buffer of \${buffer.size} bytes, and needs \${size}\`);
  }
  return buffer;
}

/** Workgroups in x and y. Throws for more than the kernel counts with 32 bits. */
function workgroups(kernel${t("Description")}, rows${t("readonly number[]")}, columns${t("readonly number[]")})${t("[number, number]")} {
  const { rowsPerWorkgroup, atLeastOne } = kernel.dispatch;
  const product = (factors${t("readonly number[]")}) => factors.reduce((all, factor) => all * factor, 1);
  const groups = Math.max(atLeastOne ? 1 : 0, Math.ceil(product(rows) / rowsPerWorkgroup));
  // More workgroups than one dimension takes go on in the second.
  const x = Math.min(groups, ${mostWorkgroups});
  const y = Math.ceil(groups / ${mostWorkgroups});
  const check = (what${t("string")}, factors${t("readonly number[]")}, started${t("number")}) => {
    const largest = product(factors.map((factor) => Math.max(1, factor)));
    const count = largest > ${mostCounted} ? largest : started;
    if (count <= ${mostCounted}) return;
    throw new RangeError(\`\${kernel.name}: \${count} \${what} (\${factors.join(" x ")}) are more than 32 bits count\`);
  };
  if (groups > 0) check("rows", rows, x * y * rowsPerWorkgroup);
  check("steps along a row", columns, 0);
  return [x, y];
}

function launch(
  device${t("GPUDevice")},
  wgsl${t("string")},
  kernel${t("Description")},
  inputs${t("object | null | undefined")},
  dims${t("object | null | undefined")},
  options${t("object | null | undefined")},
)${t("Record<string, GPUBuffer>")} {
  const extents = new Map${of("Extent, number")}();
  for (const dim of kernel.dims) {
    const extent = member(kernel, "dimensions", dims, dim)${as("number")};
    if (!Number.isInteger(extent) || extent < 0 || extent > 4294967295) {
      throw new RangeError(\`\${kernel.name}: the dimension \${dim} is a whole number up to 2^32 - 1, not \${shown(extent)}\`);
    }
    extents.set(dim, extent);
  }
  const resolve = (shape${t("readonly Extent[]")}) => shape.map((dim) => (typeof dim === "number" ? dim : (extents.get(dim)${as("number")})));
  const [x, y] = workgroups(kernel, resolve(kernel.dispatch.rows), resolve(kernel.dispatch.columns));
  const given = member(kernel, "options", options, "outputs")${as("object | undefined")};
  const outputs${t("[string, GPUBuffer][]")} = [];
  const bound = new Map${of("GPUBuffer, { readonly name: string; readonly writes: boolean }")}();
  const entries = kernel.bindings.map(({ name, binding, writes, shape, bytes })${t("GPUBindGroupEntry")} => {
    // Padded, so that a whole vector can be bound.
    const size = Math.max(16, Math.ceil((resolve(shape).reduce((all, extent) => all * extent, 1) * bytes) / 16) * 16);
    if (size > device.limits.maxStorageBufferBindingSize) {
      throw new RangeError(\`\${kernel.name}: \${name} takes \${size} bytes, more than the device binds\`);
    }
    const passed = writes ? member(kernel, "outputs", given, name) : member(kernel, "inputs", inputs, name);
    if (passed === undefined && !writes) throw new TypeError(\`\${kernel.name}: the input \${name} is missing\`);
    const made = () => device.createBuffer({ label: name, size, usage: 128 | 4 });
    const buffer = passed === undefined ? made() : checkBuffer(kernel, name, passed, size);
    const other = bound.get(buffer);
    if (other !== undefined && (writes || other.writes)) {
      throw new RangeError(\`\${kernel.name}: \${other.name} and \${name} are one buffer, and the kernel writes to it\`);
    }
    bound.set(buffer, { name, writes });
    if (writes) outputs.push([name, buffer]);
    return { binding, resource: { buffer, size } };
  });
  const pipeline = pipelineOf(device, wgsl, kernel, extents);
  let uniform${t("GPUBuffer | undefined")};
  if (kernel.uniforms) {
    const { binding, fields, size } = kernel.uniforms;
    uniform = device.createBuffer({ label: "dimensions", size, usage: 64, mappedAtCreation: true });
    new Uint32Array(uniform.getMappedRange()).set(resolve(fields));
    uniform.unmap();
    entries.push({ binding, resource: { buffer: uniform } });
  }
  const bindings = device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries });
  const own = member(kernel, "options", options, "encoder")${as("GPUCommandEncoder | undefined")};
  const encoder = own ?? device.createCommandEncoder({ label: kernel.name });
  const pass = encoder.beginComputePass({ label: kernel.name });
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, bindings);
  if (x > 0) pass.dispatchWorkgroups(x, y);
  pass.end();
  if (own === undefined) {
    device.queue.submit([encoder.finish()]);
    uniform?.destroy();
  }
  return Object.fromEntries(outputs);
}
`;
}

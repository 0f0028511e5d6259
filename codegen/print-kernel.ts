/** Prints a whole kernel as WGSL: its extensions, bindings, functions and entry points. */

import type { Span } from "../src/diagnostics/diagnostic.ts";
import { wgslFunctionText } from "../src/ir/ops/wgsl-functions.ts";
import type { Buffer } from "../src/kernel/buffer.ts";
import type { Program } from "../src/kernel/statement.ts";
import { marked, withoutMarks } from "../src/target/reads.ts";
import { arrayElement, bufferFunctions, declareBuffer, libraryOfBuffers } from "./buffers.ts";
import { ExpressionPrinter, printArray, printStatements } from "./print-wgsl.ts";
import { type Line, Writer } from "./writer.ts";

/** The name of a buffer whose array elements have another type than in the first entry point. */
export const secondName = ({ wgsl, type }: Buffer) => `v${type.width}_${wgsl}`;

/** The text of a kernel, and what it reads. */
export interface Printed {
  readonly lines: readonly Line[];
  readonly wgsl: string;
  /** For each tensor's variable, the offsets in the text at which it is read. */
  readonly reads: ReadonlyMap<string, readonly number[]>;
  readonly readsUniforms: boolean;
}

/**
 * @param programs entry points with the same dimensions and tensors. Names that they share denote the same variable.
 */
export function printKernel(...programs: readonly [Program, ...Program[]]): Printed {
  const [{ dims, buffers: tensors }] = programs;
  const w = new Writer();
  const overrides = dims.filter(({ isOverride }) => isOverride).map(({ name }) => name);
  const isConstant = new Set(overrides);
  let readsUniforms = false;
  const dimension = (name: string) => {
    if (isConstant.has(name)) return `dim_${name}`;
    readsUniforms = true;
    return `dims.dim_${name}`;
  };
  const readBy = ({ wgsl, storage, access }: Buffer, name: string) => {
    if (storage === "uniform") readsUniforms = true;
    const isTensor = storage !== "uniform" && access === "read";
    // The second name of a tensor (`secondName`) ends with the first.
    return isTensor ? name.slice(0, -wgsl.length) + marked(wgsl) : name;
  };
  const entries = programs.map((program) => {
    const named = (buffer: Buffer) => {
      const first = tensors.find(({ wgsl }) => wgsl === buffer.wgsl) as Buffer;
      return arrayElement(first) === arrayElement(buffer) ? buffer : { ...buffer, wgsl: secondName(buffer) };
    };
    const printer = new ExpressionPrinter(dimension, program.workgroupSize, named, readBy);
    const statements = printStatements(program.body, printer);
    const buffers = program.buffers.filter(({ storage }) => storage !== "uniform").map(named);
    for (const { name, width } of libraryOfBuffers(buffers, printer)) printer.require(name, width);
    return { program, printer, statements, buffers };
  });
  const uniforms = [
    ...dims.filter(({ isOverride }) => !isOverride).map(({ name }) => `  dim_${name}: u32,`),
    ...tensors.filter((one) => one.storage === "uniform").map((one) => `  ${one.wgsl}: ${arrayElement(one)},`),
  ];
  const seen = new Set<string>();
  const library = entries.flatMap(({ printer }) =>
    [...printer.library.values()].flatMap(({ name, width }) => wgslFunctionText(name, width, seen)),
  );
  const functions = new Set(
    entries.flatMap(({ printer, buffers }) => [
      ...bufferFunctions(buffers, printer),
      ...[...printer.functions].map((one) => printer.function(one)),
    ]),
  );
  const section = (lines: readonly string[], spans: readonly (Span | undefined)[] = []) => {
    for (const [i, line] of lines.entries()) w.line(line, spans[i]);
    if (lines.length > 0) w.line("");
  };
  section([...new Set(programs.flatMap(({ enables }) => enables))].map((name) => `enable ${name};`));
  section(overrides.map((name) => `override dim_${name}: u32;`));
  if (uniforms.length > 0) section(["struct Dims {", ...uniforms, "}"]);
  const declared = new Map<string, Span | undefined>();
  for (const { buffers } of entries) {
    for (const [binding, buffer] of buffers.entries()) {
      declared.set(declareBuffer(buffer, binding), buffer.access === "read" ? buffer.span : undefined);
    }
  }
  if (uniforms.length > 0) {
    declared.set(`@group(0) @binding(${entries[0]?.buffers.length}) var<uniform> dims: Dims;`, undefined);
  }
  section([...declared.keys()], [...declared.values()]);
  const shared = programs.flatMap((program) => program.shared);
  section([...new Set(shared.map((array) => `var<workgroup> ${array.name}: ${printArray(array)};`))]);
  for (const text of [...library, ...functions]) w.text(`${text}\n`);
  for (const [i, { program, statements }] of entries.entries()) {
    const { workgroupSize, subgroupSize, subgroupSizes, entryPoint } = program;
    const subgroup = subgroupSize === undefined ? "" : ` @subgroup_size(${subgroupSize})`;
    if (i > 0) w.line("");
    w.text(`@compute @workgroup_size(${workgroupSize})${subgroup}
fn ${entryPoint}(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,${subgroupSizes ? "\n  @builtin(subgroup_size) subgroupSize: u32," : ""}
) {`);
    w.append(statements);
    w.line("}");
  }
  const reads = new Map<string, number[]>();
  let at = 0;
  const lines = w.lines.map(({ text: own, span }) => {
    const text = withoutMarks(own, reads, at);
    at += text.length + 1;
    return { text, span };
  });
  return { lines, wgsl: lines.map(({ text }) => `${text}\n`).join(""), reads, readsUniforms };
}

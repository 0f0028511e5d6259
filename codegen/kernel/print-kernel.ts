/** Prints all of a kernel as WGSL: what it enables and binds, the functions that it calls, and its statements. */

import type { Span } from "../../src/diagnostics/diagnostic.ts";
import { wgslFunctionText } from "../../src/ir/ops/wgsl-functions.ts";
import { arrayElement, bufferFunctions, declareBuffer, libraryOfStores } from "../buffers.ts";
import { type Line, Writer } from "../writer.ts";
import { ExpressionPrinter, printArray, printStatements } from "./print-wgsl.ts";
import type { Program } from "./statement.ts";

/** The lines, each with the place in the program that it comes from. */
export function printKernel(program: Program): readonly Line[] {
  const { enables, dims, buffers: all, shared, workgroupSize, subgroupSize, body } = program;
  const w = new Writer();
  const overrides = dims.filter(({ isOverride }) => isOverride).map(({ name }) => name);
  const isConstant = new Set(overrides);
  const dimension = (name: string) => (isConstant.has(name) ? `dim_${name}` : `dims.dim_${name}`);
  const printer = new ExpressionPrinter(dimension, workgroupSize);
  const statements = printStatements(body, printer);
  const buffers = all.filter(({ storage }) => storage !== "uniform");
  const uniforms = [
    ...dims.filter(({ isOverride }) => !isOverride).map(({ name }) => `  dim_${name}: u32,`),
    ...all.filter((one) => one.storage === "uniform").map((one) => `  ${one.wgsl}: ${arrayElement(one)},`),
  ];
  for (const { name, width } of libraryOfStores(buffers)) printer.require(name, width);
  const seen = new Set<string>();
  const library = [...printer.library.values()].flatMap(({ name, width }) => wgslFunctionText(name, width, seen));
  const functions = [...printer.functions].map((one) => printer.function(one));
  const section = (lines: readonly string[], spans: readonly (Span | undefined)[] = []) => {
    for (const [i, line] of lines.entries()) w.line(line, spans[i]);
    if (lines.length > 0) w.line("");
  };
  section(enables.map((name) => `enable ${name};`));
  section(overrides.map((name) => `override dim_${name}: u32;`));
  if (uniforms.length > 0) section(["struct Dims {", ...uniforms, "}"]);
  section(
    [
      ...buffers.map(declareBuffer),
      ...(uniforms.length > 0 ? [`@group(0) @binding(${buffers.length}) var<uniform> dims: Dims;`] : []),
    ],
    buffers.map(({ access, span }) => (access === "read" ? span : undefined)),
  );
  section(shared.map((array) => `var<workgroup> ${array.name}: ${printArray(array)};`));
  for (const text of [...library, ...bufferFunctions(buffers, printer.singly), ...functions]) w.text(`${text}\n`);
  const subgroup = subgroupSize === undefined ? "" : ` @subgroup_size(${subgroupSize})`;
  w.text(`@compute @workgroup_size(${workgroupSize})${subgroup}
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {`);
  w.append(statements);
  w.line("}");
  return w.lines;
}

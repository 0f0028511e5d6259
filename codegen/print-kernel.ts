/** Prints a whole kernel as WGSL: its extensions, bindings, functions and entry points. */

import type { Span } from "../src/diagnostics/diagnostic.ts";
import { wgslFunctionText } from "../src/ir/ops/wgsl-functions.ts";
import type { Buffer } from "../src/kernel/buffer.ts";
import type { Variable } from "../src/kernel/expression.ts";
import type { Program } from "../src/kernel/statement.ts";
import { marked, withoutMarks } from "../src/target/reads.ts";
import { arrayElement, bufferFunctions, declareBuffer, libraryOfBuffers } from "./buffers.ts";
import { type Names, printArray, WgslPrinter } from "./print-wgsl.ts";
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
  const globals = new Globals(programs[0]);
  const entries = programs.map((program) => entryOf(program, globals));
  const w = new Writer();
  const sections = [
    unique(programs.flatMap(({ enables }) => enables)).map((name) => line(`enable ${name};`)),
    globals.overrides.map((name) => line(`override dim_${name}: u32;`)),
    globals.uniforms.length === 0 ? [] : ["struct Dims {", ...globals.uniforms, "}"].map((text) => line(text)),
    declarations(entries, globals),
    unique(programs.flatMap(({ shared }) => shared.map(printShared))).map((text) => line(text)),
  ];
  for (const lines of sections.filter(({ length }) => length > 0)) {
    for (const { text, span } of lines) w.line(text, span);
    w.line("");
  }
  for (const text of functionsOf(entries)) w.text(`${text}\n`);
  for (const [i, entry] of entries.entries()) {
    if (i > 0) w.line("");
    printEntry(entry, w);
  }
  return { ...withReads(w.lines), readsUniforms: globals.areUniformsRead };
}

const unique = <T>(list: readonly T[]) => [...new Set(list)];
const line = (text: string, span?: Span): Line => ({ text, span });
const printShared = (array: Variable) => `var<workgroup> ${array.name}: ${printArray(array)};`;

/** The names that entry points share, and whether they read the uniform buffer. */
class Globals implements Names {
  /** The dimensions that are pipeline constants. */
  readonly overrides: readonly string[];
  /** The members of the uniform buffer. */
  readonly uniforms: readonly string[];
  areUniformsRead = false;
  private readonly tensors: readonly Buffer[];

  constructor({ dims, buffers }: Program) {
    const [constants, others] = [true, false].map((is) =>
      dims.filter(({ isOverride }) => isOverride === is).map(({ name }) => name),
    ) as [string[], string[]];
    const scalars = buffers.filter(({ storage }) => storage === "uniform");
    this.tensors = buffers;
    this.overrides = constants;
    this.uniforms = [
      ...others.map((name) => `  dim_${name}: u32,`),
      ...scalars.map((one) => `  ${one.wgsl}: ${arrayElement(one)},`),
    ];
  }

  dimension(name: string): string {
    if (this.overrides.includes(name)) return `dim_${name}`;
    this.areUniformsRead = true;
    return `dims.dim_${name}`;
  }

  /** The buffer by the name of the declaration with its array elements. */
  declared(buffer: Buffer): Buffer {
    const first = this.tensors.find(({ wgsl }) => wgsl === buffer.wgsl) as Buffer;
    return arrayElement(first) === arrayElement(buffer) ? buffer : { ...buffer, wgsl: secondName(buffer) };
  }

  /** The name of a buffer where it is read: a tensor's is marked. */
  readBy({ wgsl, storage, access }: Buffer, name: string): string {
    if (storage === "uniform") this.areUniformsRead = true;
    const isTensor = storage !== "uniform" && access === "read";
    // The second name of a tensor (`secondName`) ends with the first.
    return isTensor ? name.slice(0, -wgsl.length) + marked(wgsl) : name;
  }
}

/** An entry point: its statements, and what they use. */
interface Entry {
  readonly program: Program;
  readonly printer: WgslPrinter;
  readonly statements: Writer;
  readonly buffers: readonly Buffer[];
}

function entryOf(program: Program, globals: Globals): Entry {
  const printer = new WgslPrinter(globals, program);
  const statements = printer.statements(program.body);
  const tensors = program.buffers.filter(({ storage }) => storage !== "uniform");
  const buffers = tensors.map((buffer) => globals.declared(buffer));
  for (const { name, width } of libraryOfBuffers(buffers, printer)) printer.require(name, width);
  return { program, printer, statements, buffers };
}

/** The bindings; an input's line has the span of the input. */
function declarations(entries: readonly Entry[], { uniforms }: Globals): readonly Line[] {
  const declared = new Map(
    entries.flatMap(({ buffers }) =>
      buffers.map((buffer, binding) => {
        return [declareBuffer(buffer, binding), buffer.access === "read" ? buffer.span : undefined] as const;
      }),
    ),
  );
  if (uniforms.length > 0) {
    declared.set(`@group(0) @binding(${entries[0]?.buffers.length}) var<uniform> dims: Dims;`, undefined);
  }
  return [...declared].map(([text, span]) => line(text, span));
}

/** The texts of the functions that entry points call: first those of the library. */
function functionsOf(entries: readonly Entry[]): readonly string[] {
  const seen = new Set<string>();
  const library = entries.flatMap(({ printer }) =>
    [...printer.library.values()].flatMap(({ name, width }) => wgslFunctionText(name, width, seen)),
  );
  const own = entries.flatMap(({ printer, buffers }) => [
    ...bufferFunctions(buffers, printer),
    ...[...printer.functions].map((one) => printer.function(one)),
  ]);
  return [...library, ...unique(own)];
}

function printEntry({ program, statements }: Entry, w: Writer): void {
  const { workgroupSize, subgroupSize, subgroupSizes, entryPoint } = program;
  const subgroup = subgroupSize === undefined ? "" : ` @subgroup_size(${subgroupSize})`;
  w.text(`@compute @workgroup_size(${workgroupSize})${subgroup}
fn ${entryPoint}(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,${subgroupSizes ? "\n  @builtin(subgroup_size) subgroupSize: u32," : ""}
) {`);
  w.append(statements);
  w.line("}");
}

/** The text without the marks of reads, and where they were. */
function withReads(printed: readonly Line[]): Pick<Printed, "lines" | "wgsl" | "reads"> {
  const reads = new Map<string, number[]>();
  let at = 0;
  const lines = printed.map(({ text: own, span }) => {
    const text = withoutMarks(own, reads, at);
    at += text.length + 1;
    return { text, span };
  });
  return { lines, wgsl: lines.map(({ text }) => `${text}\n`).join(""), reads };
}

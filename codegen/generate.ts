/**
 * From a fused function to one WGSL kernel and its manifest.
 *
 * - row, column: the axes that no reduction folds, and those that every reduction folds.
 * - lane: one invocation; the lanes of a row fold it together.
 * - level: a read of the row, and what can be computed after it.
 * - epilogue, prologue: elementwise ops after and before the reductions; to the generator they are ops like others.
 */

import { fail, type Span } from "../src/diagnostics/diagnostic.ts";
import { kernelErrors } from "../src/diagnostics/errors-kernel.ts";
import { leavesOf } from "../src/ir/atoms.ts";
import { dimensionNames, type Fn, isLeaf, type Value } from "../src/ir/ir.ts";
import { firstMismatch, whyOutside } from "../src/ir/iteration.ts";
import { wgslFunctionText } from "../src/ir/ops/wgsl-functions.ts";
import type { Dim, ElementType } from "../src/ir/types.ts";
import type { UniformField } from "../src/launch/manifest.ts";
import type { Tile } from "../src/plan/plan.ts";
import { writtenType } from "../src/plan/plan.ts";
import { type Axis, accessOf, type Use } from "./access.ts";
import { Body } from "./body.ts";
import { arrayElement, arrayStride, bufferFunctions, declareBuffer, halfWidths, storageOf } from "./buffers.ts";
import { laneType } from "./expression.ts";
import { extentOf, known, times } from "./extent.ts";
import { foldsOf } from "./folds.ts";
import { buildGraph, centeringMeans, type Graph } from "./graph.ts";
import type { Buffer } from "./kernel/buffer.ts";
import { ExpressionPrinter, printArray, printStatements } from "./kernel/print-wgsl.ts";
import type { Program } from "./kernel/statement.ts";
import { mostCounted, overflowOf, tooMany } from "./launch.ts";
import { grouped } from "./loops.ts";
import { lowerNorms } from "./lower-norms.ts";
import type { Binding, Kernel, Manifest, Storage } from "./manifest.ts";
import { bufferName, isOnline, isVariance, type Node, sumOfExps } from "./nodes.ts";
import type { KernelOptions } from "./options.ts";
import { roundStrictly } from "./round-strictly.ts";
import { makeSchedule, type Schedule, type Traits, type Walks } from "./schedule.ts";
import { makeSourceMap } from "./source-map.ts";
import type { TargetProfile } from "./target.ts";
import { Writer } from "./writer.ts";

/**
 * The kernel of a function whose ops `fuse-elementwise` has put into one group.
 * @throws TircError E0501 to E0507 where the function is not one kernel, or the target cannot run it.
 */
export function generateKernel(
  fn: Fn,
  target: TargetProfile,
  options: KernelOptions = {},
  tile?: Tile | undefined,
): Kernel {
  return generate(fn, target, options, tile).kernel;
}

/** What that kernel's WGSL is the text of. */
export function generateProgram(
  fn: Fn,
  target: TargetProfile,
  options: KernelOptions = {},
  tile?: Tile | undefined,
): Program {
  return generate(fn, target, options, tile).program;
}

/** Both: the kernel, and the program that its WGSL is the text of. */
export function generate(fn: Fn, target: TargetProfile, options: KernelOptions = {}, tile?: Tile) {
  const { graph, schedule } = plan(fn, target, options, tile);
  return new Generator(graph, schedule, target, options, tile).generate();
}

/** How that kernel is shared out, what else could be chosen, and the elements of a row where they are known. */
export function scheduleOf(fn: Fn, target: TargetProfile, options: KernelOptions = {}) {
  const { choice, space, columnCount } = plan(fn, target, options).schedule;
  return { choice, space, length: known(columnCount) };
}

function plan(fn: Fn, target: TargetProfile, options: KernelOptions, tile?: Tile) {
  checkFused(fn);
  checkTarget(fn, target);
  const isStrict = options.rounding === "strict";
  const lowered = lowerNorms(isStrict ? roundStrictly(fn) : fn, options.accuracy);
  const scheduled = (online: boolean): { graph: Graph; schedule: Schedule } => {
    const graph = buildGraph(lowered, online, tile);
    const { rows, columns } = graph;
    return {
      graph,
      schedule: makeSchedule(fn.name, rows, columns, walksOf(graph), target, {
        ...traitsOf(graph, target, isStrict),
        across: tile && acrossOf(graph),
      }),
    };
  };
  const usual = scheduled(false);
  const { steps = Infinity, width, keep } = usual.schedule;
  // A row that a GPU's lanes keep is read once in any case, and its exponentials are kept with it.
  const isKept = target.kind === "gpu" && steps * width <= keep;
  const hasExps = usual.graph.nodes.some(({ op, operands: [x] }) => x !== undefined && sumOfExps(op, x));
  return hasExps && !isKept ? scheduled(true) : usual;
}

/** From so many neighbouring rows on, each has a lane of its own. */
const leastAcross = 32;

/** How many rows of a kernel over tiles lie side by side, if they do; without a number, an odd one. */
function acrossOf({ rows, nodes }: Graph): number | undefined {
  const inner = rows.slice(1).map(({ extent }) => extentOf(extent));
  const last = rows.at(-1);
  const isLast = nodes.every(({ kind, dims, atoms }) => {
    return kind !== "load" || dims === undefined || atoms.length < 2 || leavesOf(dims.flat()).at(-1) === last;
  });
  const count = known(times(...inner));
  return isLast && (count ?? leastAcross) >= leastAcross ? (count ?? 1) : undefined;
}

function traitsOf({ nodes, stores }: Graph, { features }: TargetProfile, isStrict: boolean): Traits {
  const hasMoments = (node: Node) => node.kind === "centered" || isVariance(node);
  const centered = centeringMeans(nodes);
  const reductions = nodes.filter(({ kind }) => kind === "reduction");
  const loops = [...grouped(reductions, ({ level }) => level).values()];
  const values = [...stores.map(({ node }) => node), ...nodes.filter(({ kind }) => kind === "load")];
  return {
    // Of a strict kernel what else it computes may not order its sums.
    hasStates: isStrict || nodes.some((node) => hasMoments(node) || isOnline(node)),
    folds: loops.map((list) => foldsOf(list, centered, (hint) => hint, !isStrict).folds),
    isPacked: values.some(({ value }) => storageOf(value.element, features) === "f16x2"),
  };
}

function checkFused(fn: Fn): void {
  const work = fn.ops.filter((op) => !isLeaf(op));
  const [outside, ...others] = work.filter((op) => whyOutside(op) !== undefined);
  if (outside !== undefined) {
    const reason = whyOutside(outside) as string;
    const counts = { others: others.length, isInterpreted: work.every((op) => op.name !== "extern") };
    fail(kernelErrors.outside(outside.span, fn.name, outside.name, reason, counts));
  }
  const loose = work.find((op) => op.kernel === undefined);
  if (loose !== undefined) fail(kernelErrors.notFused(loose.span, fn.name, loose.name));
  const count = new Set(work.map((op) => op.kernel)).size;
  if (count < 2) return;
  const found = firstMismatch(work);
  // It says so where it is that no tensor has all axes.
  if (found === undefined) buildGraph(lowerNorms(fn));
  const first = work.find((op) => op.kernel !== work[0]?.kernel) as (typeof work)[number];
  const { op, ...refusal } = found ?? { op: first, reason: "the program puts it into another `kernel`" };
  fail(kernelErrors.severalKernels(op.span, fn.name, op.name, refusal, count));
}

function checkTarget(fn: Fn, target: TargetProfile): void {
  const inputs = [...fn.params, ...globalsOf(fn)].filter((value) => !isScalar(value)).map(bufferName);
  const names = [...inputs, ...fn.results.map(({ name }) => name)];
  const most = target.limits.maxStorageBuffersPerShaderStage;
  if (names.length > most) fail(kernelErrors.tooManyBuffers(fn.span, fn.name, names, target.name, most));
}

/** The ways in which buffers are walked. */
function walksOf(graph: Graph): Walks {
  return {
    buffers: [...graph.nodes.flatMap(useOf), ...graph.stores],
    places: graph.nodes.flatMap(({ place, parts = [] }) =>
      place ? [{ place, ends: parts.map(({ end }) => end) }] : [],
    ),
  };
}

/** Of a load, how its buffer is read. */
const useOf = ({ dims, moves }: Node): Use[] => (dims ? [{ dims, ...(moves && { moves }) }] : []);

/** Throws E0507 where the extents that are written out, or products of them, do not fit into the kernel's u32. */
function checkCounts({ fn, nodes, stores }: Graph, { dispatch }: Manifest): void {
  const written = (dim: Dim) => (typeof dim === "number" ? dim : 1);
  const buffers = [...nodes, ...stores].flatMap(({ dims }) => (dims ? [leavesOf(dims.flat())] : []));
  const overflow =
    overflowOf(dispatch, written) ??
    [dispatch.rows, ...buffers.map((atoms) => atoms.map(({ extent }) => extent))]
      .map((dims, i) => tooMany(i === 0 ? "rows" : "elements", dims.map(written)))
      .find((found) => found !== undefined);
  if (overflow !== undefined) fail(kernelErrors.notCounted(fn.span, fn.name, overflow, mostCounted));
}

/** The tensors of the module that the function reads. */
const globalsOf = ({ ops }: Fn) => ops.filter((op) => op.name === "global").map((op) => op.result);

/** A scalar is a number in the uniform buffer. */
const isScalar = ({ shape }: Value) => shape.length === 0;

const dimOf = ({ extent }: Axis): Dim => extent.names[0] ?? extent.factor;

class Generator {
  private readonly graph: Graph;
  private readonly schedule: Schedule;
  private readonly target: TargetProfile;
  private readonly overrides: ReadonlySet<string>;
  private readonly buffers = new Map<string, Buffer>();
  private readonly isStrict: boolean;
  private readonly tile: Tile | undefined;

  constructor(
    graph: Graph,
    schedule: Schedule,
    target: TargetProfile,
    { rounding, specialize = [] }: KernelOptions,
    tile: Tile | undefined,
  ) {
    this.tile = tile;
    this.isStrict = rounding === "strict";
    this.graph = graph;
    this.schedule = schedule;
    this.target = target;
    this.overrides = new Set(this.dims.filter((name) => specialize.includes(name)));
    const storage = (element: ElementType) => storageOf(element, target.features);
    for (const { name, value, access } of this.tensors) this.addBuffer(name, value, access, storage(value.element));
    for (const { name, value } of this.scalars) this.addBuffer(name, value, "read", "uniform");
  }

  generate(): { readonly kernel: Kernel; readonly program: Program } {
    const { graph, schedule } = this;
    const body = new Body(
      {
        graph,
        schedule,
        bufferOf: (name, access) => this.buffers.get(`${access} ${name}`) as Buffer,
        isStrict: this.isStrict,
        cacheIsMemory: this.target.kind === "cpu",
        tile: this.tile,
      },
      this.storageBuffers.map((buffer) => buffer.wgsl),
    );
    body.write();
    const program: Program = {
      name: graph.fn.name,
      buffers: [...this.buffers.values()],
      shared: body.scratch.all,
      workgroupSize: this.workgroupSize,
      body: body.statements.all,
    };
    const { lines } = this.module(program);
    const wgsl = `${lines.map(({ text }) => text).join("\n")}\n`;
    const sourceMap = makeSourceMap(graph.fn.span.source, lines);
    const manifest = this.manifest(body.aliases);
    checkCounts(graph, manifest);
    return { kernel: { name: graph.fn.name, wgsl, manifest, sourceMap }, program };
  }

  /** The bindings that are read, which come first. */
  private get inputs() {
    const { fn } = this.graph;
    return [
      ...fn.params.map((value) => ({ name: value.name as string, access: "read" as const, value })),
      ...globalsOf(fn).map((value) => ({
        name: bufferName(value),
        access: "read" as const,
        value,
        constant: true as const,
      })),
    ];
  }

  private get scalars() {
    return this.inputs.filter(({ value }) => isScalar(value));
  }

  /** What has a storage buffer, in the order of the bindings. */
  private get tensors() {
    const results = this.graph.fn.results.map(({ name, value }) => {
      const { element, shape } = writtenType(value.type, this.tile);
      return { name, access: "read_write" as const, value: { ...value, element, shape } as Value };
    });
    return [...this.inputs.filter(({ value }) => !isScalar(value)), ...results];
  }

  private get storageBuffers(): Buffer[] {
    return [...this.buffers.values()].filter(({ storage }) => storage !== "uniform");
  }

  private describeBindings(aliases: Body["aliases"]): Binding[] {
    return this.tensors.map(({ value: { element, shape }, name, access, ...rest }, binding) => {
      const buffer = this.buffers.get(`${access} ${name}`) as Buffer;
      const mayAlias = access === "read" ? undefined : aliases.get(name);
      return {
        ...{ binding, name, access, ...rest, element, shape, storage: buffer.storage as Storage },
        ...{ variable: buffer.wgsl, stride: arrayStride(buffer), ...(mayAlias && { mayAlias }) },
      };
    });
  }

  private addBuffer(
    name: string,
    { element, shape }: Value,
    access: Buffer["access"],
    storage: Buffer["storage"],
  ): void {
    const { vector, width } = this.schedule;
    const uses: readonly Use[] =
      access === "read"
        ? this.graph.nodes.filter((node) => node.kind === "load" && bufferName(node.value) === name).flatMap(useOf)
        : this.graph.stores.filter((store) => store.name === name);
    const isWide = vector !== undefined && width > 1 && uses.some((use) => accessOf(use, vector, width) === "unit");
    const wgsl = `${access === "read" ? "in" : "out"}_${name}`;
    const type = laneType(element, isWide ? width : 1);
    this.buffers.set(`${access} ${name}`, { wgsl, type, shape, element, storage, access });
  }

  /** The dimensions of the function, and those of its tiles. */
  private get dims(): string[] {
    const { tile } = this;
    return [...dimensionNames(this.graph.fn), ...(tile === undefined ? [] : [tile.count, tile.size])];
  }

  private get uniformDims(): string[] {
    return this.dims.filter((name) => !this.overrides.has(name));
  }

  private get workgroupSize(): number {
    return (this.schedule.lanes * this.schedule.rowsPerWorkgroup) / this.schedule.rowsPerLane;
  }

  private get usesSubgroups(): boolean {
    return this.schedule.subgroup > 1 && this.graph.nodes.some((node) => node.kind === "reduction");
  }

  private get usesHalves(): boolean {
    return this.storageBuffers.some(({ storage }) => storage === "f16");
  }

  /** What the uniform buffer holds. */
  private get uniformFields(): UniformField[] {
    return [
      ...this.uniformDims.map((name) => ({ kind: "dim" as const, name, element: "u32" as const })),
      ...this.scalars.map(({ name, value: { element }, access: _, ...rest }) => {
        return { kind: "scalar" as const, name, element, ...rest };
      }),
    ];
  }

  private module({ buffers: all, shared, workgroupSize, body }: Program): Writer {
    const w = new Writer();
    const dimension = (name: string) => (this.overrides.has(name) ? `dim_${name}` : `dims.dim_${name}`);
    const printer = new ExpressionPrinter(dimension, workgroupSize);
    const statements = printStatements(body, printer);
    const uniforms = this.uniformFields.map(({ kind, name }) => {
      const buffer = this.buffers.get(`read ${name}`) as Buffer;
      return kind === "dim" ? `  dim_${name}: u32,` : `  in_${name}: ${arrayElement(buffer)},`;
    });
    const buffers = all.filter(({ storage }) => storage !== "uniform");
    const seen = new Set<string>();
    for (const width of halfWidths(buffers)) printer.require("half_bits", width);
    const library = [...printer.library.values()].flatMap(({ name, width }) => wgslFunctionText(name, width, seen));
    const functions = [...printer.functions].map((one) => printer.function(one));
    const section = (lines: readonly string[], spans: readonly (Span | undefined)[] = []) => {
      for (const [i, line] of lines.entries()) w.line(line, spans[i]);
      if (lines.length > 0) w.line("");
    };
    section([...(this.usesHalves ? ["enable f16;"] : []), ...(this.usesSubgroups ? ["enable subgroups;"] : [])]);
    section([...this.overrides].map((name) => `override dim_${name}: u32;`));
    if (uniforms.length > 0) section(["struct Dims {", ...uniforms, "}"]);
    section(
      [
        ...buffers.map(declareBuffer),
        ...(uniforms.length > 0 ? [`@group(0) @binding(${buffers.length}) var<uniform> dims: Dims;`] : []),
      ],
      this.tensors.filter(({ access }) => access === "read").map(({ value }) => value.span),
    );
    section(shared.map((array) => `var<workgroup> ${array.name}: ${printArray(array)};`));
    for (const text of [...library, ...bufferFunctions(buffers), ...functions]) w.text(`${text}\n`);
    w.text(`@compute @workgroup_size(${workgroupSize})
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {`);
    w.append(statements);
    w.line("}");
    return w;
  }

  private manifest(aliases: Body["aliases"]): Manifest {
    const { graph, schedule } = this;
    const bindings = this.describeBindings(aliases);
    const fields = this.uniformFields;
    const size = Math.ceil((fields.length * 4) / 16) * 16;
    const outputs = graph.stores.map((store) => new Set(leavesOf(store.dims.flat())));
    const atLeastOne = outputs.some((atoms) => !graph.rows.some((atom) => atoms.has(atom)));
    return {
      version: 1,
      entryPoint: "main",
      workgroupSize: [this.workgroupSize, 1, 1],
      bindings,
      dims: this.dims.map((name) => ({
        name,
        binding: this.overrides.has(name) ? "override" : "uniform",
      })),
      ...(fields.length > 0 ? { uniforms: { binding: bindings.length, fields, size } } : {}),
      overrides: [...this.overrides].map((dim) => ({ dim, constant: `dim_${dim}` })),
      dispatch: {
        rows: schedule.rows.map(dimOf),
        columns: schedule.columns.map(dimOf),
        rowsPerWorkgroup: schedule.rowsPerWorkgroup,
        ...(atLeastOne ? { atLeastOne } : {}),
      },
      requiredFeatures: [...(this.usesHalves ? ["shader-f16"] : []), ...(this.usesSubgroups ? ["subgroups"] : [])],
      requiredLimits: {
        ...(bindings.length > 8 ? { maxStorageBuffersPerShaderStage: bindings.length } : {}),
      },
      ...(this.usesSubgroups ? { requiredSubgroupSize: schedule.subgroup } : {}),
      target: this.target.name,
      kind: this.target.kind,
    };
  }
}

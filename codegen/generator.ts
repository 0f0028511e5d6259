/** From a planned function to its program, its WGSL and its manifest. */

import * as kernelMessages from "../src/diagnostics/areas/kernels.ts";
import { fail } from "../src/diagnostics/diagnostic.ts";
import { leavesOf } from "../src/ir/atoms.ts";
import { dimensionNames, type Value } from "../src/ir/ir.ts";
import type { Dim } from "../src/ir/types.ts";
import { type Buffer, storageOf } from "../src/kernel/buffer.ts";
import type { Program } from "../src/kernel/statement.ts";
import { mostCounted, overflowOf, tooMany } from "../src/launch/counts.ts";
import { writtenType } from "../src/plan/plan.ts";
import type { Dispatch, Kernel, Manifest, Variant } from "../src/target/manifest.ts";
import { makeSourceMap } from "../src/target/source-map.ts";
import type { TargetProfile } from "../src/target/target.ts";
import { type Axis, accessOf, type Use } from "./access.ts";
import { Body } from "./body.ts";
import { arrayStride } from "./buffers.ts";
import { laneType } from "./expression.ts";
import type { Graph } from "./graph.ts";
import { subgroupSizesOf } from "./lanes.ts";
import { manifestOf, tensorsOf, variableOf } from "./manifest.ts";
import { bufferName } from "./nodes.ts";
import { globalsOf, isScalar, type Plan, type Planner, storesOf, useOf } from "./plan-kernel.ts";
import { printKernel, secondName } from "./print-kernel.ts";
import type { Schedule } from "./schedule.ts";
import { teamsOf } from "./tile-sums.ts";
import { isWide } from "./usual-choice.ts";

/** @throws TircError E0507 if known extents, or products of them, do not fit into the u32 with which the kernel counts. */
function checkCounts({ fn, nodes, stores }: Graph, { dispatch }: Manifest): void {
  const written = (dim: Dim) => (typeof dim === "number" ? dim : 1);
  const buffers = [...nodes, ...stores].flatMap(({ dims }) => (dims ? [leavesOf(dims.flat())] : []));
  const overflow =
    overflowOf(dispatch, written) ??
    [dispatch.rows, ...buffers.map((atoms) => atoms.map(({ extent }) => extent))]
      .map((dims, i) => tooMany(i === 0 ? "rows" : "elements", dims.map(written)))
      .find((found) => found !== undefined);
  if (overflow === undefined) return;
  const [what, count, ...extents] = overflow;
  fail(kernelMessages.notCounted(fn.span, fn.name, { what, count, extents }, mostCounted));
}

/** The aliases that all entry points of a kernel allow. */
function inAll([first, ...others]: readonly Body["aliases"][]): Body["aliases"] {
  const of = (names: readonly string[], result: string) =>
    names.filter((name) => others.every((one) => one.get(result)?.includes(name)));
  const all = [...(first as Body["aliases"])].map(([result, names]) => [result, of(names, result)] as const);
  return new Map(all.filter(([, names]) => names.length > 0));
}

const dimOf = ({ extent }: Axis): Dim => extent.names[0] ?? extent.factor;

/** The most steps of a loop that Mesa unrolls. */
const longestUnrolled = 32;

/**
 * The number of arrays in which a lane may cache rows. Mesa unrolls loops of up to 32 steps, and LLVM then takes minutes over
 * several arrays in them (llvmpipe, whose subgroups have 8 lanes: 2 s for one array of 16 vectors; no result for four of 16
 * scalars). In longer loops it takes no longer than over the loads that recompute the rows.
 */
function mostArrays(target: TargetProfile, { steps = 0 }: Schedule): number {
  return target.kind === "cpu" && isWide(target) && steps <= longestUnrolled ? 1 : Infinity;
}

/** Shorter rows are faster without vectors: measured on SwiftShader and lavapipe, with vectors of 2 and 4. */
const shortestRow = 128;

/** A kernel, and the programs that its WGSL is printed from: one for each entry point. */
export interface Generated {
  readonly kernel: Kernel;
  /** That of the first entry point, which is for all extents. */
  readonly program: Program;
  readonly programs: readonly Program[];
}

export class Generator {
  private readonly planner: Planner;
  private readonly graph: Graph;
  private readonly schedule: Schedule;
  private readonly buffers = new Map<string, Buffer>();
  /** The entry points before it, whose names are taken. */
  private readonly others: readonly Program[];

  /** @param others the entry points before it in the same kernel, if it is not the first. */
  constructor(planner: Planner, { graph, schedule }: Plan, others: readonly Program[] = []) {
    this.planner = planner;
    this.others = others;
    this.graph = graph;
    this.schedule = schedule;
    const { fn } = graph;
    const inputs = [...fn.params, ...globalsOf(fn)];
    const isUniform = new Set(inputs.filter(isScalar));
    // Tensors come first, in the order of their bindings.
    for (const value of inputs) if (!isUniform.has(value)) this.addBuffer(bufferName(value), value, "read");
    for (const { name, value } of fn.results) {
      this.addBuffer(name, { span: value.span, ...writtenType(value.type, planner.tile) }, "read_write");
    }
    for (const value of isUniform) this.addBuffer(bufferName(value), value, "read", "uniform");
  }

  /** @param variants faster entry points of the same function, for extents that are multiples of the vector width. */
  generate(variants: (main: Program) => readonly Generator[] = () => []): Generated {
    const { program, aliases } = this.program();
    const others = variants(program).map((generator) => ({ generator, ...generator.program() }));
    const programs = [program, ...others.map((one) => one.program)] as const;
    const printed = printKernel(...programs);
    const { wgsl } = printed;
    const sourceMap = makeSourceMap(this.graph.fn.span.source, printed.lines);
    const manifest = {
      ...manifestOf(programs, printed, this.planner.target, {
        dispatch: this.dispatch(),
        constants: new Set(globalsOf(this.graph.fn).map(bufferName)),
        aliases: inAll([aliases, ...others.map((one) => one.aliases)]),
        ...(this.usesSubgroups && !this.subgroupAsked && { subgroup: this.schedule.subgroup }),
      }),
      ...(others.length > 0 && { variants: others.map((one) => one.generator.variant(one.program)) }),
    };
    checkCounts(this.graph, manifest);
    return { kernel: { name: program.name, wgsl, manifest, sourceMap }, program, programs };
  }

  /** The program that WGSL is printed from, and which results may overwrite which inputs. */
  program(): { readonly program: Program; readonly aliases: Body["aliases"] } {
    const { graph, schedule } = this;
    const { target, options, tile } = this.planner;
    const buffers = [...this.buffers.values()];
    const tensors = tensorsOf({ buffers });
    const body = new Body(
      {
        graph,
        schedule,
        bufferOf: (name, access) => this.buffers.get(`${access} ${name}`) as Buffer,
        isStrict: options.rounding === "strict",
        cacheIsMemory: target.kind === "cpu",
        mostArrays: mostArrays(target, schedule),
        tile,
      },
      [
        ...tensors.flatMap((buffer) => [buffer.wgsl, secondName(buffer)]),
        ...this.others.flatMap(({ entryPoint, shared }) => [entryPoint, ...shared.map(({ name }) => name)]),
      ],
    );
    body.write();
    const subgroupSizes = subgroupSizesOf(this.schedule);
    const program: Program = {
      ...{ name: graph.fn.name, entryPoint: this.entryPoint },
      enables: [
        ...(tensors.some(({ storage }) => storage === "f16") ? ["f16"] : []),
        ...(this.usesSubgroups ? ["subgroups"] : []),
        ...(this.subgroupAsked ? ["subgroup_size_control"] : []),
      ],
      dims: this.dims.map((name) => ({ name, isOverride: options.specialize?.includes(name) ?? false })),
      buffers,
      shared: [...body.scratch.all, ...body.scans.shared],
      workgroupSize: this.workgroupSize,
      ...(this.subgroupAsked && { subgroupSize: this.subgroupAsked }),
      ...(this.usesSubgroups && subgroupSizes.length > 1 && { subgroupSizes }),
      ...(this.usesSubgroups && this.usesQuads && { usesQuads: true }),
      body: body.statements.all,
    };
    return { program, aliases: body.aliases };
  }

  private addBuffer(
    name: string,
    { element, shape, span }: Pick<Value, "element" | "shape" | "span">,
    access: Buffer["access"],
    storage: Buffer["storage"] = storageOf(element, this.planner.target.features.includes("shader-f16")),
  ): void {
    const { vector, width } = this.schedule;
    const uses: readonly Use[] =
      access === "read"
        ? this.graph.nodes.filter((node) => node.kind === "load" && bufferName(node.value) === name).flatMap(useOf)
        : storesOf(this.graph).filter((store) => store.name === name);
    const isWide = vector !== undefined && width > 1 && uses.some((use) => accessOf(use, vector, width) === "unit");
    const wgsl = variableOf(name, access);
    const type = laneType(element, isWide ? width : 1);
    this.buffers.set(`${access} ${name}`, { wgsl, type, shape, element, storage, access, span });
  }

  private get entryPoint(): string {
    return this.others.length === 0 ? "main" : `main_x${this.schedule.width}`;
  }

  /** The dimensions of the function, and those that describe its tiles. */
  private get dims(): string[] {
    const { tile } = this.planner;
    return [...dimensionNames(this.graph.fn), ...(tile === undefined ? [] : [tile.count, tile.size])];
  }

  private get workgroupSize(): number {
    return (this.schedule.lanes * this.schedule.rowsPerWorkgroup) / this.schedule.rowsPerLane;
  }

  private get usesSubgroups(): boolean {
    return this.schedule.subgroup > 1 && this.graph.nodes.some(({ kind }) => kind === "reduction" || kind === "scan");
  }

  private get subgroupAsked(): number | undefined {
    return this.usesSubgroups ? this.schedule.subgroupAsked : undefined;
  }

  /** Processors emulate quads like any other lanes. */
  private get usesQuads(): boolean {
    return this.planner.target.kind === "gpu" && this.workgroupSize % 4 === 0;
  }

  /** What a launcher must know about an entry point that is not the first. */
  private variant(program: Program): Variant {
    const { width, vector, columns, lanes, rowsPerWorkgroup } = this.schedule;
    const isFlat = columns.length === 0;
    return {
      ...{ entryPoint: program.entryPoint, dim: vector?.extent as string, multipleOf: width },
      atLeast: isFlat ? width : Math.max(shortestRow, lanes * width),
      workgroupSize: [program.workgroupSize, 1, 1],
      // The manifest counts rows in elements.
      rowsPerWorkgroup: rowsPerWorkgroup * (isFlat ? width : 1),
      strides: tensorsOf(program).map(arrayStride),
    };
  }

  private dispatch(): Dispatch {
    const { graph, schedule } = this;
    const { tiled } = graph;
    const outputs = graph.stores.map((store) => new Set(leavesOf(store.dims.flat())));
    const atLeastOne = outputs.some((atoms) => !graph.rows.some((atom) => atoms.has(atom)));
    return {
      rows: tiled ? teamsOf(tiled).map(({ extent }) => extent) : schedule.rows.map(dimOf),
      columns: schedule.columns.map(dimOf),
      rowsPerWorkgroup: schedule.rowsPerWorkgroup / (tiled ? schedule.rowsPerLane : 1),
      ...(atLeastOne ? { atLeastOne } : {}),
    };
  }
}

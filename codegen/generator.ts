/**
 * From a planned function to its program, its WGSL and its manifest.
 *
 * - row, column: the axes that no reduction folds, and those that every reduction folds.
 * - lane: one invocation; the lanes of a row fold it together.
 * - level: a read of the row, and what can be computed after it.
 * - epilogue, prologue: elementwise ops after and before the reductions; to the generator they are ops like others.
 */

import { fail } from "../src/diagnostics/diagnostic.ts";
import { kernelErrors } from "../src/diagnostics/errors-kernel.ts";
import { leavesOf } from "../src/ir/atoms.ts";
import { dimensionNames, type Value } from "../src/ir/ir.ts";
import type { Dim, ElementType } from "../src/ir/types.ts";
import type { UniformField } from "../src/launch/manifest.ts";
import type { Tile } from "../src/plan/plan.ts";
import { writtenType } from "../src/plan/plan.ts";
import { type Axis, accessOf, type Use } from "./access.ts";
import { Body } from "./body.ts";
import { arrayStride } from "./buffers.ts";
import { laneType } from "./expression.ts";
import type { Graph } from "./graph.ts";
import { type Buffer, storageOf } from "./kernel/buffer.ts";
import { printKernel } from "./kernel/print-kernel.ts";
import type { Program } from "./kernel/statement.ts";
import { mostCounted, overflowOf, tooMany } from "./launch.ts";
import type { Binding, Kernel, Manifest, Storage } from "./manifest.ts";
import { bufferName } from "./nodes.ts";
import type { KernelOptions } from "./options.ts";
import { globalsOf, isScalar, type Plan, storesOf, useOf } from "./plan-kernel.ts";
import type { Schedule } from "./schedule.ts";
import { makeSourceMap } from "./source-map.ts";
import type { TargetProfile } from "./target.ts";
import { teamsOf } from "./tile-sums.ts";

/** Throws E0507 where the extents that are written out, or products of them, do not fit into the kernel's u32. */
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
  fail(kernelErrors.notCounted(fn.span, fn.name, { what, count, extents }, mostCounted));
}

const dimOf = ({ extent }: Axis): Dim => extent.names[0] ?? extent.factor;

/**
 * Arrays for kept rows. Mesa unrolls short loops, and LLVM then takes minutes over several arrays in them (llvmpipe, whose
 * subgroups have 8 lanes: 2 s for one array of 16 vectors, no end in sight for four of 16 numbers).
 */
const mostArrays = ({ kind, subgroup }: TargetProfile) => (kind === "cpu" && (subgroup?.max ?? 0) >= 8 ? 1 : Infinity);

export class Generator {
  private readonly graph: Graph;
  private readonly schedule: Schedule;
  private readonly target: TargetProfile;
  private readonly overrides: ReadonlySet<string>;
  private readonly buffers = new Map<string, Buffer>();
  private readonly isStrict: boolean;
  private readonly tile: Tile | undefined;

  constructor(
    { graph, schedule }: Plan,
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
    const storage = (element: ElementType) => storageOf(element, target.features.includes("shader-f16"));
    for (const { name, value, access } of this.tensors) this.addBuffer(name, value, access, storage(value.element));
    for (const { name, value } of this.scalars) this.addBuffer(name, value, "read", "uniform");
  }

  generate(): { readonly kernel: Kernel; readonly program: Program } {
    const { program, aliases } = this.program();
    const lines = printKernel(program);
    const wgsl = `${lines.map(({ text }) => text).join("\n")}\n`;
    const sourceMap = makeSourceMap(this.graph.fn.span.source, lines);
    const manifest = this.manifest(aliases);
    checkCounts(this.graph, manifest);
    return { kernel: { name: program.name, wgsl, manifest, sourceMap }, program };
  }

  /** What a kernel's text is printed from, and which results may be written over which inputs. */
  program(): { readonly program: Program; readonly aliases: Body["aliases"] } {
    const { graph, schedule } = this;
    const body = new Body(
      {
        graph,
        schedule,
        bufferOf: (name, access) => this.buffers.get(`${access} ${name}`) as Buffer,
        isStrict: this.isStrict,
        cacheIsMemory: this.target.kind === "cpu",
        mostArrays: mostArrays(this.target),
        tile: this.tile,
      },
      this.storageBuffers.map((buffer) => buffer.wgsl),
    );
    body.write();
    const program: Program = {
      name: graph.fn.name,
      enables: [
        ...(this.usesHalves ? ["f16"] : []),
        ...(this.usesSubgroups ? ["subgroups"] : []),
        ...(this.subgroupAsked ? ["subgroup_size_control"] : []),
      ],
      dims: this.dims.map((name) => ({ name, isOverride: this.overrides.has(name) })),
      buffers: [...this.buffers.values()],
      shared: body.scratch.all,
      workgroupSize: this.workgroupSize,
      ...(this.subgroupAsked && { subgroupSize: this.subgroupAsked }),
      body: body.statements.all,
    };
    return { program, aliases: body.aliases };
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
    { element, shape, span }: Value,
    access: Buffer["access"],
    storage: Buffer["storage"],
  ): void {
    const { vector, width } = this.schedule;
    const uses: readonly Use[] =
      access === "read"
        ? this.graph.nodes.filter((node) => node.kind === "load" && bufferName(node.value) === name).flatMap(useOf)
        : storesOf(this.graph).filter((store) => store.name === name);
    const isWide = vector !== undefined && width > 1 && uses.some((use) => accessOf(use, vector, width) === "unit");
    const wgsl = `${access === "read" ? "in" : "out"}_${name}`;
    const type = laneType(element, isWide ? width : 1);
    this.buffers.set(`${access} ${name}`, { wgsl, type, shape, element, storage, access, span });
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

  private get subgroupAsked(): number | undefined {
    return this.usesSubgroups ? this.schedule.subgroupAsked : undefined;
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

  private manifest(aliases: Body["aliases"]): Manifest {
    const { graph, schedule } = this;
    const bindings = this.describeBindings(aliases);
    const fields = this.uniformFields;
    const size = Math.ceil((fields.length * 4) / 16) * 16;
    const { tiled } = graph;
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
        rows: tiled ? teamsOf(tiled).map(({ extent }) => extent) : schedule.rows.map(dimOf),
        columns: schedule.columns.map(dimOf),
        rowsPerWorkgroup: schedule.rowsPerWorkgroup / (tiled ? schedule.rowsPerLane : 1),
        ...(atLeastOne ? { atLeastOne } : {}),
      },
      requiredFeatures: [
        ...(this.usesHalves ? ["shader-f16"] : []),
        ...(this.usesSubgroups ? ["subgroups"] : []),
        ...(this.subgroupAsked ? ["subgroup-size-control"] : []),
      ],
      requiredLimits: {
        ...(bindings.length > 8 ? { maxStorageBuffersPerShaderStage: bindings.length } : {}),
      },
      ...(this.usesSubgroups && !this.subgroupAsked ? { requiredSubgroupSize: schedule.subgroup } : {}),
      target: this.target.name,
      kind: this.target.kind,
    };
  }
}

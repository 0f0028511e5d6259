/**
 * Whether a kernel computes its function, in exact arithmetic: its WGSL is read back (read-wgsl.ts) and run lane by lane over
 * finite fields, at extents at which workgroups, steps and blocks begin, go on and end; its results are compared with the
 * function's at the same random points. What is compared is what a device runs: indices, masks of tails, merges of lanes,
 * and where barriers stand. Translation validation (Pnueli, Siegel and Singerman 1998), with the field for its semantics.
 */

import { Evaluator, type FieldTensor } from "../src/ir/field/evaluate.ts";
import { fieldPairs } from "../src/ir/field/prime.ts";
import { resolveShape } from "../src/ir/interpret.ts";
import { type Const, dimensionNames, type Fn, type Op } from "../src/ir/ir.ts";
import { mapOf } from "../src/ir/iteration.ts";
import { ops } from "../src/ir/ops/index.ts";
import { hasOwnMeaning } from "../src/ir/ops/own.ts";
import { withDims } from "../src/ir/specialize.ts";
import { elementCount, indexAt } from "../src/ir/tensor.ts";
import type { Dim, Shape } from "../src/ir/types.ts";
import { blocksOf } from "./blocks.ts";
import { generate, scheduleOf } from "./generate.ts";
import { type FieldNumber, fieldArithmetic, residueAt } from "./kernel/field-arithmetic.ts";
import { interpretOver } from "./kernel/interpret.ts";
import type { Program } from "./kernel/statement.ts";
import { verifyProgram } from "./kernel/verify.ts";
import { workgroupsOf } from "./launch.ts";
import { lowerNorms } from "./lower-norms.ts";
import type { Manifest } from "./manifest.ts";
import type { KernelOptions } from "./options.ts";
import { generateProduct, isDirect, type TileCounts, tiledDims } from "./product.ts";
import { readWgsl } from "./read-wgsl.ts";
import { roundStrictly } from "./round-strictly.ts";
import type { TargetProfile } from "./target.ts";

/** Extents by the names of dimensions. */
export type Extents = Readonly<Record<string, number>>;

/** Where a kernel's result differs from its function's. */
export interface KernelDifference {
  readonly result: string;
  readonly index: readonly number[];
  readonly dims: Extents;
}

/** What was found of a kernel. */
export type KernelProof =
  | { readonly verdict: "equal" }
  | { readonly verdict: "different"; readonly difference: KernelDifference }
  /** It is not sound: lanes race, a barrier is not reached by all, an index is outside of its buffer. */
  | { readonly verdict: "unsound"; readonly faults: readonly string[] }
  /** A clause. */
  | { readonly verdict: "undecided"; readonly because: string };

/** How a kernel is proved. */
export interface ProofOptions {
  /** Elements of all values at a point, where extents can be chosen so; more of them run more blocks of long rows. */
  readonly elements?: number;
  /** What is read in place of the kernel's text. */
  readonly wgsl?: (text: string) => string;
}

/** Elements that a point may compute, of all values of the function together. */
const mostElements = 2 ** 21;
/** Workgroups that are run at a point; their rows alone are compared where there are more. */
const mostWorkgroupsRun = 8;
/** For named dimensions, pairwise different. */
const smallExtents = [2, 3, 5, 7, 11, 13];

/** The function as its kernel rounds it: what `strict` and `scaled` ask for is part of what is proved. */
function referenceOf(fn: Fn, { accuracy, rounding }: KernelOptions): Fn {
  const rounded = rounding === "strict" ? roundStrictly(fn) : fn;
  return accuracy === "scaled" ? lowerNorms(rounded, accuracy) : rounded;
}

/**
 * @param fn whose ops `fuse-elementwise` has put into one group.
 * @param consts of its module.
 * @throws TircError as `generateKernel` does.
 */
export function proveKernel(
  fn: Fn,
  consts: readonly Const[],
  target: TargetProfile,
  options: KernelOptions = {},
  { elements = 2 ** 17, wgsl = (text) => text }: ProofOptions = {},
): KernelProof {
  const whole = generate(fn, target, options);
  if (fn.ops.some(isLookup)) return lookup;
  const small = withFewRows(fn, whole.kernel.manifest, elements);
  const { kernel, program: made } = small === fn ? whole : generate(small, target, options);
  const { manifest } = kernel;
  let program: Program;
  try {
    program = readBack(wgsl(kernel.wgsl), manifest, made);
  } catch (caught) {
    return { verdict: "unsound", faults: [`the text is not that of a kernel: ${(caught as Error).message}`] };
  }
  const unsound = verifyProgram(program);
  if (unsound.length > 0) return { verdict: "unsound", faults: unsound };
  const reference = referenceOf(small, options);
  const points = pointsFor(small, manifest, scheduleOf(small, target, options).choice.lanes, elements);
  for (const [i, dims] of points.entries()) {
    const found = atPoint(reference, consts, manifest, program, dims, i);
    if (found.verdict !== "equal") return found;
  }
  return { verdict: "equal" };
}

/** Extents above this are taken to be others where a product is proved: its kernel has no other form for them. */
const mostOfProduct = 40;

/** The same of the plain kernel of a product. @param fn the op alone. @param tiles as the plan has them. */
export function proveProduct(fn: Fn, consts: readonly Const[], target: TargetProfile, tiles: TileCounts): KernelProof {
  if (fn.ops.some(isLookup)) return lookup;
  const written = [...new Set(fn.params.flatMap(({ shape }) => shape))].filter(
    (dim): dim is number => typeof dim === "number" && dim > mostOfProduct,
  );
  const small = fn.ops.some(isDirect)
    ? fn
    : withDims(fn, (dim) => (written.includes(dim as number) ? 20 + written.indexOf(dim as number) : dim));
  const { kernel, program: made } = generateProduct(small, target, tiles);
  const program = readBack(kernel.wgsl, kernel.manifest, made);
  const unsound = verifyProgram(program);
  if (unsound.length > 0) return { verdict: "unsound", faults: unsound };
  const points = [smallExtents, smallExtents.map((extent) => 17 * extent)];
  for (const [i, extents] of points.entries()) {
    const dims = Object.fromEntries(
      dimensionNames(small).map((name, at) => [name, extents[at % extents.length] as number]),
    );
    const tiled = tiledDims(small.ops[0] as Op);
    const counts = (["rows", "columns"] as const).flatMap((side) => {
      const [name, count] = [tiles[side], tiled[side]];
      return name && count ? [[name, Math.ceil((dims[count.of] as number) / count.by)] as const] : [];
    });
    const found = atPoint(small, consts, kernel.manifest, program, { ...dims, ...Object.fromEntries(counts) }, i);
    if (found.verdict !== "equal") return found;
  }
  return { verdict: "equal" };
}

const lookup: KernelProof = {
  verdict: "undecided",
  because: "it looks elements up, and a field has no order that keeps places in range",
};

/** Whether the op reads at places that a tensor says, or writes there. */
function isLookup(op: Op): boolean {
  if (op.name === "embedding_grad") return true;
  const def = ops[op.name];
  return def.kind === "index" && mapOf(op, def).kind === "lookup";
}

/** What the text says, bound as the manifest has it. */
function readBack(wgsl: string, { bindings, uniforms, workgroupSize }: Manifest, made: Program): Program {
  const found = readWgsl(wgsl, { name: made.name, buffers: made.buffers });
  const names = [...bindings.map(({ variable }) => variable), ...(uniforms ? ["dims"] : [])];
  if (String(found.bindings) !== String(names))
    throw new Error(`it binds ${found.bindings.join()}, and not ${names.join()}`);
  const fields = (uniforms?.fields ?? []).map((field) => `${field.kind === "dim" ? "dim" : "in"}_${field.name}`);
  if (String(found.uniforms) !== String(fields)) throw new Error("its uniforms are in another order");
  if (found.program.workgroupSize !== workgroupSize[0]) throw new Error("its workgroup has another size");
  if (found.program.subgroupSize !== made.subgroupSize) throw new Error("its subgroups have another size");
  return found.program;
}

const countAt = (shape: Shape, dims: Extents) => elementCount(resolveShape(shape, dims));

/** Elements of all values that an evaluation has. */
function sizeOf({ params, ops }: Fn, dims: Extents): number {
  const values = [...params, ...ops.flatMap(({ results }) => results)];
  return values.reduce((sum, { shape }) => sum + countAt(shape, dims), 0);
}

/** The function with fewer rows, where their number is written and there are many: a kernel knows them by their bounds. */
function withFewRows(fn: Fn, { dispatch }: Manifest, most: number): Fn {
  const ones = Object.fromEntries(dimensionNames(fn).map((name) => [name, 2]));
  if (sizeOf(fn, ones) <= most) return fn;
  const columns = new Set<Dim>(dispatch.columns);
  const written = [...new Set(dispatch.rows)].filter((dim) => typeof dim === "number" && !columns.has(dim));
  const few = dispatch.rowsPerWorkgroup + 2;
  let small = fn;
  for (const [i, dim] of written.entries()) {
    if ((dim as number) <= few + i) continue;
    try {
      small = withDims(small, (one) => (one === dim ? few + i : one));
    } catch {
      // A literal or an attribute holds on to it.
    }
  }
  return small;
}

/** Extents for the two points: rows for more than a workgroup, and rows that are as long as blocks of steps. */
function pointsFor(fn: Fn, { dispatch }: Manifest, lanes: number, most: number): Extents[] {
  const names = dimensionNames(fn);
  const rowName = dispatch.rows.findLast((dim) => typeof dim === "string");
  const columnName = dispatch.columns.findLast((dim) => typeof dim === "string" && !dispatch.rows.includes(dim));
  const { rowsPerWorkgroup } = dispatch;
  const [outer = 1, inner = 1] = blocksOf(undefined);
  const withTail = (rows: number) => rowsPerWorkgroup === 1 || rows % rowsPerWorkgroup > 0;
  const candidates = (name: Dim | undefined, dims: readonly Dim[], least: readonly number[]) =>
    least.flatMap((product) =>
      // Where the others have no room, they are 1.
      [smallExtents, [1]].map((extents) => {
        const given = Object.fromEntries(names.map((one, i) => [one, extents[i % extents.length] as number]));
        return grown(given, name, dims, product, dims === dispatch.rows ? withTail : () => true);
      }),
    );
  const smallest = (list: readonly Extents[]) =>
    list.find((dims) => sizeOf(fn, dims) <= most) ?? (list.at(-1) as Extents);
  const steps = [outer, inner, 1].map((count) => lanes * (count + 1) + 3);
  return [
    smallest(candidates(rowName, dispatch.rows, [rowsPerWorkgroup + 1])),
    smallest(candidates(columnName, dispatch.columns, steps)),
  ];
}

/** With one extent so large that the product of all is `least` at least, and as `fits` has it if it can be. */
function grown(
  extents: Extents,
  name: Dim | undefined,
  dims: readonly Dim[],
  least: number,
  fits: (product: number) => boolean,
): Extents {
  if (typeof name !== "string") return extents;
  const others = dims.filter((dim) => dim !== name);
  const power = dims.length - others.length;
  const count = countAt(others, extents);
  const first = Math.max(extents[name] as number, Math.ceil((least / Math.max(1, count)) ** (1 / power)));
  return { ...extents, [name]: [first, first + 1, first + 2].find((extent) => fits(extent ** power * count)) ?? first };
}

function atPoint(
  fn: Fn,
  consts: readonly Const[],
  { dispatch }: Manifest,
  program: Program,
  dims: Extents,
  i: number,
): KernelProof {
  const elements = sizeOf(fn, dims);
  if (elements > mostElements) return { verdict: "undecided", because: `it computes ${elements} elements` };
  const pair = fieldPairs[i % fieldPairs.length] as (typeof fieldPairs)[number];
  const evaluator = new Evaluator({ pair, seed: i + 1, dims });
  const values = evaluator.run(fn, consts);
  const arithmetic = fieldArithmetic(evaluator.algebra);
  const inputs = new Map<string, readonly FieldNumber[]>();
  for (const param of fn.params) inputs.set(`in_${param.name}`, numbersOf(values.get(param) as FieldTensor));
  for (const op of fn.ops) {
    if (op.name !== "global") continue;
    inputs.set(`in_${op.attributes.name}`, numbersOf(values.get(op.result) as FieldTensor));
  }
  const rows = elementCount(resolveShape(dispatch.rows, dims));
  const [x, y] = workgroupsOf(dispatch, rows);
  // A dispatch of two dimensions may start a few workgroups too many.
  const isOpen = dispatch.rows.some((dim) => typeof dim === "string");
  const groups = [...workgroupsToRun(x * y), ...(isOpen ? [x * y] : [])];
  const { outputs, faults } = interpretOver(arithmetic, program, inputs, dims, groups);
  if (faults.length > 0) return { verdict: "unsound", faults };
  for (const { name, value } of fn.results) {
    const wanted = values.get(value) as FieldTensor;
    const got = outputs.get(`out_${name}`) ?? [];
    const isWhole = x * y <= mostWorkgroupsRun;
    const at = wanted.p.findIndex((p, k) => (got[k] === undefined ? isWhole : !isResidue(got[k], p)));
    if (at < 0) continue;
    if (got[at] === undefined) return { verdict: "unsound", faults: [`an element of out_${name} is never stored`] };
    const [reason] = arithmetic.reasons;
    if (reason !== undefined) return { verdict: "undecided", because: reason };
    const own = fn.ops.find((op) => hasOwnMeaning(op.name));
    if (own !== undefined) return { verdict: "undecided", because: `nothing says what \`${own.name}\` is exactly` };
    return { verdict: "different", difference: { result: name, index: indexAt(at, wanted.shape), dims } };
  }
  return { verdict: "equal" };
}

/** Workgroups to run of so many: the first two, the last two, and some between. */
export function workgroupsToRun(count: number): number[] {
  if (count <= mostWorkgroupsRun) return Array.from({ length: count }, (_, group) => group);
  const between = mostWorkgroupsRun - 4;
  const inner = Array.from({ length: between }, (_, i) => 2 + Math.floor((i * (count - 4)) / between));
  return [0, 1, ...inner, count - 2, count - 1];
}

const isResidue = (one: FieldNumber | undefined, p: number) => (typeof one === "number" ? one === p : one?.p === p);

/** Truth values are numbers in a kernel. */
function numbersOf(tensor: FieldTensor): FieldNumber[] {
  const isBool = tensor.element === "bool";
  return Array.from(tensor.p, (p, i) => (isBool ? p : residueAt(tensor, i)));
}

/**
 * Proves in exact arithmetic that a kernel computes its function: its WGSL is read back (read-wgsl.ts) and run lane by lane
 * over finite fields, at extents that exercise the beginning, middle and end of workgroups, steps and blocks, and its results
 * are compared with the function's at the same random points. This covers what a device runs: indices, masks of tails, merges
 * of lanes, and barriers. It is translation validation (Pnueli, Siegel and Singerman 1998) with a field as the semantics.
 */

import { Evaluator } from "../src/ir/field/evaluate.ts";
import { integerOf, isNumber } from "../src/ir/field/integers.ts";
import { fieldPairs } from "../src/ir/field/prime.ts";
import type { FieldTensor } from "../src/ir/field/tensor.ts";
import { resolveShape } from "../src/ir/interpret.ts";
import { type Const, dimensionNames, type Fn, isOp, type Op, type Value } from "../src/ir/ir.ts";
import { hasOwnMeaning } from "../src/ir/ops/own.ts";
import { type Extents, withDims } from "../src/ir/specialize.ts";
import { elementCount, indexAt } from "../src/ir/tensor.ts";
import { FieldArithmetic, type FieldNumber, residueAt } from "../src/kernel/field-arithmetic.ts";
import { interpretOver } from "../src/kernel/interpret.ts";
import type { Program } from "../src/kernel/statement.ts";
import { verifyProgram } from "../src/kernel/verify.ts";
import { workgroupsOf } from "../src/launch/counts.ts";
import { fieldPieces } from "../src/plan/exact.ts";
import type { Launch, Tile } from "../src/plan/plan.ts";
import { runLaunch } from "../src/plan/tiles.ts";
import type { Manifest } from "../src/target/manifest.ts";
import type { KernelOptions } from "../src/target/options.ts";
import type { TargetProfile } from "../src/target/target.ts";
import { generate, scheduleOf } from "./generate.ts";
import { lowerNorms } from "./lower-norms.ts";
import { secondName } from "./print-kernel.ts";
import { generateProduct, isTiled, type TileCounts, tiledDims } from "./product.ts";
import { pointsFor, sizeOf, smallExtents, withFewRows } from "./prove-points.ts";
import { readWgsl } from "./read-wgsl.ts";
import { roundStrictly } from "./round-strictly.ts";

/** An element in which a kernel's result differs from its function's. */
interface KernelDifference {
  readonly result: string;
  readonly index: readonly number[];
  readonly dims: Extents;
}

/** The verdict on a kernel. */
export type KernelProof =
  | { readonly verdict: "equal" }
  | { readonly verdict: "different"; readonly difference: KernelDifference }
  /** Lanes race, not all lanes reach a barrier, or an index is out of bounds. */
  | { readonly verdict: "unsound"; readonly faults: readonly string[] }
  /** @param because a clause for "undecided, because ...". */
  | { readonly verdict: "undecided"; readonly because: string };

/** How a kernel is proved. */
export interface ProofOptions {
  /** The most elements of all values at a point, as far as extents can be chosen; more exercise more blocks of long rows. */
  readonly elements?: number;
  /** Maps the kernel's text to the one that is proved. */
  readonly wgsl?: (text: string) => string;
  /** For a launch over tiles: the kernel computes the function on each of them. */
  readonly tile?: Tile | undefined;
}

/** The most elements of all values that are evaluated at a point. */
const mostElements = 2 ** 21;
/** The most workgroups that are run at a point. If there are more, only the rows of these are compared. */
const mostWorkgroupsRun = 8;

/** The function with the ops that `strict` and `scaled` add to its kernel, so that they are proved too. */
function referenceOf(fn: Fn, { accuracy, rounding }: KernelOptions): Fn {
  const rounded = rounding === "strict" ? roundStrictly(fn) : fn;
  return accuracy === "scaled" ? lowerNorms(rounded, { accuracy }) : rounded;
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
  { elements = 2 ** 17, wgsl = (text) => text, tile }: ProofOptions = {},
): KernelProof {
  const whole = generate(fn, target, options, tile);
  const small = withFewRows(fn, whole.kernel.manifest, elements);
  const { kernel, programs } = small === fn ? whole : generate(small, target, options, tile);
  const text = wgsl(kernel.wgsl);
  const reference = referenceOf(small, options);
  const { choice } = scheduleOf(small, target, options, tile);
  for (const made of programs) {
    const manifest = manifestFor(made, kernel.manifest);
    let program: Program;
    try {
      program = readBack(text, manifest, made);
    } catch (caught) {
      return { verdict: "unsound", faults: [`the text cannot be read as a kernel: ${(caught as Error).message}`] };
    }
    const unsound = verifyProgram(program);
    if (unsound.length > 0) return { verdict: "unsound", faults: unsound };
    const points = pointsFor(small, manifest, choice, elements, tile);
    for (const [i, dims] of points.entries()) {
      const own = extentsFor(made, kernel.manifest, dims);
      for (const size of made.subgroupSizes ?? [made.subgroupSize]) {
        const found = atPoint({ fn: reference, tile }, consts, manifest, program, own, i, size);
        if (found.verdict !== "equal") return found;
      }
    }
  }
  return { verdict: "equal" };
}

/** The same for a launch of a plan: over tiles, or of a plain kernel. Together with `comparePlan` this proves the plan. */
export function proveLaunch(
  { fn, tile, product }: Pick<Launch, "fn" | "tile" | "product">,
  consts: readonly Const[],
  target: TargetProfile,
  options: KernelOptions = {},
  how: Omit<ProofOptions, "tile"> = {},
): KernelProof {
  return product === undefined
    ? proveKernel(fn, consts, target, options, { ...how, tile })
    : proveProduct(fn, consts, target, product, how);
}

const variantOf = ({ entryPoint }: Program, { variants = [] }: Manifest) =>
  variants.find((one) => one.entryPoint === entryPoint);

/** The manifest as a launcher uses it for this entry point. */
function manifestFor(program: Program, manifest: Manifest): Manifest {
  const variant = variantOf(program, manifest);
  if (variant === undefined) return manifest;
  const { rowsPerWorkgroup, workgroupSize } = variant;
  return { ...manifest, workgroupSize, dispatch: { ...manifest.dispatch, rowsPerWorkgroup } };
}

/** Extents that this entry point accepts, with a vector for each element of the given ones. */
function extentsFor(program: Program, manifest: Manifest, dims: Extents): Extents {
  const variant = variantOf(program, manifest);
  if (variant === undefined) return dims;
  return { ...dims, [variant.dim]: variant.multipleOf * (dims[variant.dim] as number) };
}

/** A product is proved with smaller extents than those above this, as its kernel has the same form for them. */
const mostOfProduct = 40;

/** The same for a plain kernel. @param fn consists of the op alone. @param tiles as in the plan. */
export function proveProduct(
  fn: Fn,
  consts: readonly Const[],
  target: TargetProfile,
  tiles: TileCounts,
  { wgsl = (text) => text }: Pick<ProofOptions, "wgsl"> = {},
): KernelProof {
  const written = [...new Set(fn.params.flatMap(({ shape }) => shape))].filter(
    (dim): dim is number => typeof dim === "number" && dim > mostOfProduct,
  );
  const small = fn.ops.every(isTiled)
    ? withDims(fn, (dim) => (written.includes(dim as number) ? 20 + written.indexOf(dim as number) : dim))
    : fn;
  const { kernel, program: made } = generateProduct(small, target, tiles);
  const program = readBack(wgsl(kernel.wgsl), kernel.manifest, made);
  const unsound = verifyProgram(program);
  if (unsound.length > 0) return { verdict: "unsound", faults: unsound };
  const names = dimensionNames(small);
  const points: readonly Extents[] = [smallExtents, smallExtents.map((extent) => 17 * extent)].map((extents) =>
    Object.fromEntries(names.map((name, at) => [name, extents[at % extents.length] as number])),
  );
  for (const [i, dims] of points.entries()) {
    const tiled = tiledDims(small.ops[0] as Op);
    const counts = (["rows", "columns"] as const).flatMap((side) => {
      const [name, count] = [tiles[side], tiled[side]];
      return name && count ? [[name, Math.ceil((dims[count.of] as number) / count.by)] as const] : [];
    });
    const all = { ...dims, ...Object.fromEntries(counts) };
    const found = atPoint({ fn: small }, consts, kernel.manifest, program, all, i);
    if (found.verdict !== "equal") return found;
  }
  return { verdict: "equal" };
}

/** The program that the text contains. @throws Error if its bindings differ from the manifest's. */
function readBack(wgsl: string, { bindings, uniforms, workgroupSize }: Manifest, made: Program): Program {
  const found = readWgsl(wgsl, made);
  const names = [...bindings.map(({ variable }) => variable), ...(uniforms ? ["dims"] : [])];
  const own = found.bindings.map((name, i) => {
    const buffer = made.buffers[i];
    return buffer && secondName(buffer) === name ? buffer.wgsl : name;
  });
  if (String(own) !== String(names)) throw new Error(`it binds ${own.join()}, and not ${names.join()}`);
  const fields = (uniforms?.fields ?? []).map((field) => `${field.kind === "dim" ? "dim" : "in"}_${field.name}`);
  if (String(found.uniforms) !== String(fields)) throw new Error("its uniforms are in another order");
  if (found.program.workgroupSize !== workgroupSize[0]) throw new Error("its workgroup has another size");
  if (found.program.subgroupSize !== made.subgroupSize) throw new Error("its subgroups have another size");
  return found.program;
}

function atPoint(
  launch: { readonly fn: Fn; readonly tile?: Tile | undefined },
  consts: readonly Const[],
  { dispatch }: Manifest,
  program: Program,
  dims: Extents,
  i: number,
  subgroupSize?: number,
): KernelProof {
  const { fn } = launch;
  const elements = sizeOf(fn, dims);
  if (elements > mostElements) return { verdict: "undecided", because: `it computes ${elements} elements` };
  const pair = fieldPairs[i % fieldPairs.length] as (typeof fieldPairs)[number];
  const evaluator = new Evaluator({ pair, seed: i + 1, dims, computesIntegers: true });
  const arithmetic = new FieldArithmetic(evaluator.algebra);
  const { inputs, results } = evaluated(launch, consts, evaluator);
  const rows = elementCount(resolveShape(dispatch.rows, dims));
  const [x, y] = workgroupsOf(dispatch, rows);
  // A dispatch of two dimensions may start more workgroups than there are rows for.
  const isOpen = dispatch.rows.some((dim) => typeof dim === "string");
  const groups = [...workgroupsToRun(x * y), ...(isOpen ? [x * y] : [])];
  const given = new Map([...inputs].map(([name, tensor]) => [`in_${name}`, numbersOf(tensor, evaluator)] as const));
  const { outputs, faults } = interpretOver(arithmetic, program, given, dims, groups, subgroupSize);
  if (faults.length > 0) return { verdict: "unsound", faults };
  for (const [k, { name }] of fn.results.entries()) {
    const wanted = results[k] as FieldTensor;
    const got = outputs.get(`out_${name}`) ?? [];
    const isWhole = x * y <= mostWorkgroupsRun;
    const at = wanted.p.findIndex((p, k) => {
      const one = got[k];
      return one === undefined ? isWhole : p !== (typeof one === "number" ? pair.p.of(BigInt(one)) : one.p);
    });
    if (at < 0) continue;
    if (got[at] === undefined) return { verdict: "unsound", faults: [`an element of out_${name} is never stored`] };
    const [reason] = arithmetic.reasons;
    if (reason !== undefined) return { verdict: "undecided", because: reason };
    const own = fn.ops.find((op) => hasOwnMeaning(op.name));
    if (own !== undefined) return { verdict: "undecided", because: `\`${own.name}\` has no exact definition` };
    return { verdict: "different", difference: { result: name, index: indexAt(at, wanted.shape), dims } };
  }
  return { verdict: "equal" };
}

/** The workgroups to run out of `count`: the first two, the last two, and some between. */
export function workgroupsToRun(count: number): number[] {
  if (count <= mostWorkgroupsRun) return Array.from({ length: count }, (_, group) => group);
  const between = mostWorkgroupsRun - 4;
  const inner = Array.from({ length: between }, (_, i) => 2 + Math.floor((i * (count - 4)) / between));
  return [0, 1, ...inner, count - 2, count - 1];
}

/** The inputs of the launch, by name, and its results. */
function evaluated({ fn, tile }: Parameters<typeof atPoint>[0], consts: readonly Const[], evaluator: Evaluator) {
  const { dims } = evaluator.point;
  const params = evaluator.parameters(fn);
  const inputs = new Map([...params].map(([{ name }, tensor]) => [name as string, tensor]));
  const results = runLaunch({ fn, tile }, [...params.values()], dims, fieldPieces, (one, cut, extent) => {
    const own = tile === undefined ? evaluator : evaluator.at({ ...dims, [tile.dim]: extent as number });
    const values = new Map<Value, FieldTensor>(one.params.map((param, k) => [param, cut[k] as FieldTensor]));
    own.continue(values, one.ops, consts);
    for (const op of one.ops) {
      if (isOp(op, "global")) inputs.set(op.attributes.name, values.get(op.result) as FieldTensor);
    }
    return one.results.map(({ value }) => values.get(value) as FieldTensor);
  });
  return { inputs, results };
}

/** A tensor as the numbers that a kernel computes with: integers and bools are plain numbers. */
function numbersOf(tensor: FieldTensor, { point: { pair } }: Evaluator): FieldNumber[] {
  const isInteger = isNumber(tensor.element);
  return Array.from(tensor.p, (p, i) => (isInteger ? integerOf(p, tensor.q?.[i], pair) : residueAt(tensor, i)));
}

/** Emits ops as new nodes of a model. */

import { FreshNames } from "../ir/fresh-names.ts";
import type { Op, Value } from "../ir/ir.ts";
import { quotedOp } from "../ir/naming.ts";
import type { OpName } from "../ir/ops/index.ts";
import type { Tensor } from "../ir/tensor.ts";
import { type ElementType, type Shape, sameShape } from "../ir/types.ts";
import { types } from "../onnx/data-types.ts";
import { type NewFunction, type NewNode, type NewTensor, newNode } from "../onnx/encode.ts";
import { microsoft } from "../onnx/norm-ops.ts";
import {
  areLast,
  formOf,
  type NormForm,
  type NormOp,
  normOpTypes,
  opsetOfAxesInput,
  opsetOfNegativeAxes,
  primitives,
  simplifiedFunction,
} from "./norm-forms.ts";
import { type RawTensor, rawTensor } from "./raw.ts";

/** An op that no node expresses; the reason is a clause that can follow "because". */
export class Unwritable extends Error {}

const dataType: Readonly<Partial<Record<ElementType, number>>> = {
  ...{ f32: types.float, f16: types.half, bf16: types.bfloat16 },
  ...{ i32: types.int32, u32: types.uint32, bool: types.bool },
};

type Writer = (op: Op, at: Emitter, as: string) => void;

const binary =
  (opType: string): Writer =>
  (op, at, as) =>
    at.node(opType, [at.name(op.operand(0)), at.name(op.operand(1))], as);

/** The ops that can be written. */
const writers: Readonly<Partial<Record<OpName, Writer>>> = {
  add: (op, at, as) => (at.addsNothing(op) ? at.unshiftedNorm(op.operand(0), as) : binary("Add")(op, at, as)),
  ...{ sub: binary("Sub"), mul: binary("Mul"), div: binary("Div"), matmul: binary("MatMul") },
  neg: (op, at, as) => at.node("Neg", [at.name(op.operand(0))], as),
  constant: (op, at, as) => {
    const { element, value } = op.attributes as { element: ElementType; value: number };
    at.tensor({ element, shape: [], data: Float64Array.of(value) }, as);
  },
  cast: (op, at, as) => at.node("Cast", [at.name(op.operand(0))], as, { to: dataType[op.result.element] as number }),
  reshape: (op, at, as) => at.node("Reshape", [at.name(op.operand(0)), at.shape(op.result.shape, as)], as),
  broadcast: (op, at, as) => at.node("Expand", [at.name(op.operand(0)), at.extents(op.result.shape, as)], as),
  mean: (op, at, as) => at.mean(op, at.name(op.operand(0)), as),
  var: (op, at, as) => {
    const [centered, square] = [at.fresh(`${as}_centered`), at.fresh(`${as}_square`)];
    at.center(op, centered);
    at.node("Mul", [centered, centered], square);
    at.mean(op, square, as);
  },
  rsqrt: (op, at, as) => {
    const root = at.fresh(`${as}_root`);
    at.node("Sqrt", [at.name(op.operand(0))], root);
    at.node("Reciprocal", [root], as);
  },
  center: (op, at, as) => at.center(op, as),
  rmsnorm: (op, at, as) => at.norm(op, as),
  layernorm: (op, at, as) => at.layerNorm(op, as),
};

/** Why `value`, or an unnamed value that it depends on, cannot be written; undefined if all can. */
export function whyUnwritable(value: Value, isNamed: (value: Value) => boolean): string | undefined {
  const open = [value];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    const op = at.def;
    if (op === undefined || op.name === "global" || (at !== value && isNamed(at))) continue;
    const isNorm = op.name === "layernorm" || op.name === "rmsnorm";
    if (!isNorm && writers[op.name] === undefined)
      return `no node expresses ${quotedOp(op)} apart from the model's own`;
    const why = isNorm ? whyNoNorm(op) : op.name === "reshape" ? whyNoShape(op.result.shape) : undefined;
    if (why !== undefined) return why;
    for (const operand of op.operands) if (operand !== undefined) open.push(operand);
  }
  return undefined;
}

/** Why ONNX cannot express a norm: its norms require a scale. */
function whyNoNorm({ attributes, operands, result: { element, shape } }: Op): string | undefined {
  const axes = attributes.axes as number[];
  const row = axes.map((axis) => shape.at(axis) as number | string);
  if (row.every((extent) => extent === 1)) return "its rows have one element each, so that its result is its beta";
  if (element !== "f32" && element !== "f16" && element !== "bf16") return `norms in ONNX do not support ${element}`;
  const open = areLast(axes) ? row.find((extent) => typeof extent !== "number") : undefined;
  if (operands[1] !== undefined || open === undefined) return undefined;
  return "it has no scale, and a scale of ones cannot be added, as the length of its rows is not known";
}

const whyNoShape = (shape: Shape) =>
  shape.filter((extent) => typeof extent !== "number").length > 1
    ? "a reshape behind it has more than one extent that is not known"
    : undefined;

interface EmitterOptions {
  readonly opset: number;
  readonly normOp: NormOp;
  /** The tensor of the model that holds a value, if there is one: no node is emitted for it. */
  readonly tensorOf: (value: Value) => string | undefined;
  /** The elements of a new constant, and the tensor that it was computed from. */
  readonly constant: (name: string) => { readonly tensor: RawTensor; readonly from: string } | undefined;
  /** Whether a value is a constant of the model whose elements are all zero. */
  readonly isZero: (value: Value) => boolean;
  /** Names that the model uses. */
  readonly taken: Iterable<string>;
}

/** A tensor to write, whose bytes are computed on demand. */
export type LazyTensor = Omit<NewTensor, "raw"> & Pick<RawTensor, "raw">;

/** The operands and attributes of an RMSNorm. */
interface NormParts {
  readonly x: string;
  readonly scale: string;
  readonly axes: readonly number[];
  readonly eps: number;
  readonly as: string;
}

export class Emitter {
  readonly tensors: LazyTensor[] = [];
  /** The tensor of each new constant, by the constant's name. */
  readonly constants = new Map<string, string>();
  /** The form of each norm that was written, by its result. */
  readonly forms = new Map<string, NormForm>();
  /** The results of norms whose beta was zero. */
  readonly unshifted = new Set<string>();
  /** The elements of new tensors. */
  readonly numbers = new Map<string, RawTensor>();
  readonly shapes = new Map<string, Shape>();
  private isSimplified = false;
  private readonly options: EmitterOptions;
  private readonly names = new Map<Value | string, string>();
  private readonly unused: FreshNames;
  private nodes: NewNode[] = [];

  constructor(options: EmitterOptions) {
    this.options = options;
    this.unused = new FreshNames(options.taken);
  }

  /** The nodes that were emitted since the last call. */
  taken(): NewNode[] {
    const { nodes } = this;
    this.nodes = [];
    return nodes;
  }

  /** The tensor that holds a value; emits nodes for it if there is none yet. */
  name(value: Value): string {
    const known = this.options.tensorOf(value) ?? this.names.get(value);
    if (known !== undefined) return known;
    const op = value.def as Op;
    if (op.name === "global") return this.constant(op);
    if (op.name === "cast" && this.isWide(op)) return this.constant(op.operand(0).def as Op);
    const name = this.fresh(this.hint(op));
    this.names.set(value, name);
    this.shapes.set(name, value.shape);
    this.write(value, name);
    return name;
  }

  /** Emits nodes that compute `value` into the tensor `as`. */
  write(value: Value, as: string): void {
    const op = value.def;
    const writer = op && writers[op.name];
    if (op === undefined || writer === undefined)
      throw new Unwritable(`no node expresses \`${op?.name ?? "a parameter"}\``);
    writer(op, this, as);
  }

  /** Whether an op adds zeros to a norm: exporters emit such a beta, and an Add of its own would be a launch. */
  addsNothing({ operands, result }: Op): boolean {
    const [norm, beta] = operands as [Value, Value];
    const isNew = this.options.tensorOf(norm) === undefined && !this.names.has(norm);
    const isNorm = norm.def?.name === "rmsnorm" && isNew && sameShape(norm.shape, result.shape);
    return isNorm && this.options.isZero(beta);
  }

  unshiftedNorm(norm: Value, as: string): void {
    this.unshifted.add(as);
    this.write(norm, as);
  }

  node(...parts: Parameters<typeof newNode>): void {
    this.nodes.push(newNode(...parts));
  }

  /** The functions that emitted nodes call. */
  get functions(): NewFunction[] {
    return this.isSimplified ? [simplifiedFunction(this.options.opset)] : [];
  }

  fresh(hint: string): string {
    return this.unused.next(hint);
  }

  tensor({ element, shape, data }: Tensor, name: string): void {
    this.raw(
      rawTensor(element, shape, () => data),
      name,
    );
  }

  /** Adds a tensor, whose bytes are computed when the model is written. */
  raw(tensor: RawTensor, name: string): void {
    const { element, shape, raw } = tensor;
    this.numbers.set(name, tensor);
    this.tensors.push({ name, dims: shape, dataType: dataType[element] as number, raw });
  }

  /** A shape as a tensor; one extent may be unknown. */
  shape(shape: Shape, hint: string): string {
    const why = whyNoShape(shape);
    if (why !== undefined) throw new Unwritable(why);
    return this.integers(
      shape.map((extent) => (typeof extent === "number" ? extent : -1)),
      `${hint}_shape`,
    );
  }

  /** A shape whose extents are all known, as a tensor. */
  extents(shape: Shape, hint: string): string {
    if (shape.some((extent) => typeof extent !== "number"))
      throw new Unwritable("the shape that it is broadcast to is not known");
    return this.integers(shape as number[], `${hint}_shape`);
  }

  /** The mean of `x`, which has the shape of the op's operand, over the op's axes. */
  mean({ operands: [of], attributes }: Op, x: string, as: string): void {
    const counted = attributes.axes as number[];
    const isOld = this.options.opset < opsetOfNegativeAxes;
    const axes = isOld ? counted.map((axis) => axis + (of as Value).shape.length) : counted;
    const isInput = this.options.opset >= opsetOfAxesInput;
    const inputs = isInput ? [x, this.integers(axes, "axes")] : [x];
    this.node("ReduceMean", inputs, as, { ...(!isInput && { axes }), keepdims: 1 });
  }

  /** The op's operand minus its mean. */
  center(op: Op, as: string): void {
    const x = this.name(op.operand(0));
    const mean = this.fresh(`${x}_mean`);
    this.mean(op, x, mean);
    this.node("Sub", [x, mean], as);
  }

  norm(op: Op, as: string): void {
    const [value, gamma] = op.operands as [Value, Value | undefined];
    const axes = op.attributes.axes as number[];
    const row = value.shape.slice(-axes.length) as number[];
    const along = areLast(axes) ? row : [];
    const scale = gamma === undefined ? this.ones(value.element, along) : this.scaleAlong(gamma, value, axes);
    const x = this.name(value);
    const { opset, normOp } = this.options;
    const form = formOf(normOp, { opset, element: value.element, axes });
    this.forms.set(as, form);
    const eps = op.attributes.eps as number;
    if (form === "primitive") this.primitives(value, { x, scale, axes, eps, as });
    else if (form === "skip") this.skip(value, { x, scale, eps, as });
    else if (form === "simplified") {
      this.isSimplified = true;
      this.node(normOpTypes.simplified, [x, scale], as, { epsilon: { float: eps } }, microsoft);
    } else this.node(normOpTypes.rmsnorm, [x, scale], as, { axis: -axes.length, epsilon: { float: eps } });
  }

  /** gamma in a shape that broadcasts along `axes`, even if they are not the last ones. */
  private scaleAlong(gamma: Value, { shape }: Value, axes: readonly number[]): string {
    const name = this.name(gamma);
    if (areLast(axes)) return name;
    const first = Math.min(...axes);
    const view = shape.slice(first).map((extent, i) => (axes.includes(first + i) ? extent : 1));
    const as = this.fresh(`${name}_view`);
    this.node("Reshape", [name, this.shape(view, as)], as);
    return as;
  }

  layerNorm(op: Op, as: string): void {
    const [x, gamma, beta] = op.operands as [Value, Value | undefined, Value | undefined];
    const axes = op.attributes.axes as number[];
    const row = x.shape.slice(-axes.length) as number[];
    const scale = gamma === undefined ? this.ones(x.element, row) : this.name(gamma);
    const inputs = [this.name(x), scale, ...(beta === undefined ? [] : [this.name(beta)])];
    this.forms.set(as, "layernorm");
    this.node(normOpTypes.layernorm, inputs, as, {
      axis: -axes.length,
      epsilon: { float: op.attributes.eps as number },
    });
  }

  private primitives({ shape, element }: Value, { x, scale, axes, eps, as }: NormParts): void {
    const isInput = this.options.opset >= opsetOfAxesInput;
    // onnxruntime only recognizes a norm whose axis is counted from the end.
    const counted = axes.length === 1 && axes[0] === -1 ? [-1] : axes.map((axis) => axis + shape.length);
    this.nodes.push(
      ...primitives({
        ...{ x, scale, as, fresh: (hint) => this.fresh(hint) },
        two: this.scalar(element, 2, "two"),
        eps: this.scalar(element, eps, "eps"),
        axes: counted,
        axesInput: isInput ? this.integers(counted, "axes") : undefined,
      }),
    );
  }

  /** The op only supports two or three axes; other ranks are flattened to rows. */
  private skip({ shape }: Value, { x, scale, eps, as }: Omit<NormParts, "axes">): void {
    const fits = shape.length === 2 || shape.length === 3;
    const rows = fits ? x : this.fresh(`${as}_rows`);
    const normal = fits ? as : this.fresh(`${as}_normal`);
    if (!fits) this.node("Reshape", [x, this.integers([-1, shape.at(-1) as number], "rows")], rows);
    const attributes = { epsilon: { float: 4 * eps } };
    this.node(normOpTypes.skip, [rows, rows, scale], normal, attributes, microsoft);
    if (fits) return;
    this.forms.set(normal, "skip");
    const isKnown = whyNoShape(shape) === undefined;
    const whole = isKnown ? this.shape(shape, as) : this.fresh(`${as}_shape`);
    if (!isKnown) this.node("Shape", [x], whole);
    this.node("Reshape", [normal, whole], as);
  }

  private scalar(element: ElementType, value: number, hint: string): string {
    const tensor = { element, shape: [], data: Float64Array.of(value) };
    return this.once(`scalar ${element} ${value}`, hint, (name) => this.tensor(tensor, name));
  }

  ones(element: ElementType, shape: readonly number[]): string {
    const data = new Float64Array(shape.reduce((product, extent) => product * extent, 1)).fill(1);
    return this.once(`ones ${element} ${shape.join()}`, "ones", (name) => this.tensor({ element, shape, data }, name));
  }

  integers(list: readonly number[], hint: string): string {
    return this.once(`integers ${list.join()}`, hint, (name) => {
      const raw = () => new Uint8Array(BigInt64Array.from(list, BigInt).buffer);
      this.tensors.push({ name, dims: [list.length], dataType: types.int64, raw });
    });
  }

  /** Whether a cast is of a new constant that already has the wider type. */
  private isWide(cast: Op): boolean {
    const { def } = cast.operand(0);
    if (def?.name !== "global" || this.options.tensorOf(cast.operand(0)) !== undefined) return false;
    return this.options.constant(def.attributes.name as string)?.tensor.element === cast.result.element;
  }

  private constant({ attributes }: Op): string {
    const name = attributes.name as string;
    const made = this.options.constant(name);
    if (made === undefined) throw new Unwritable(`\`${name}\` is not a tensor of the model`);
    return this.once(`constant ${name}`, `${made.from}_centered`, (as) => {
      this.constants.set(name, as);
      this.raw(made.tensor, as);
    });
  }

  private once(key: string, hint: string, make: (name: string) => void): string {
    const known = this.names.get(key);
    if (known !== undefined) return known;
    const name = this.fresh(hint);
    this.names.set(key, name);
    make(name);
    return name;
  }

  /** A name for a value without a tensor, derived from its first operand. */
  private hint({ name, operands: [x] }: Op): string {
    if (x === undefined) return name;
    return `${this.name(x)}_${name === "center" ? "centered" : name === "rmsnorm" ? "normalized" : name}`;
  }
}

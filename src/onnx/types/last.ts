/**
 * Infers the element type and the last extent of a result whose rank is unknown: a norm over the last axis needs no more.
 */

import type { Extent } from "../extent.ts";
import { microsoft, normOpOf } from "../norm-ops.ts";
import { axesAttributeUpTo } from "./numbers.ts";
import type { TensorInfo, TypeView } from "./view.ts";

/** The last extent of an input, whether or not its rank is known; 1 for a scalar. */
function lastOf({ shape, last }: TensorInfo): Extent | undefined {
  return shape === undefined ? last : (shape.at(-1) ?? 1);
}

type LastRule = (at: TypeView) => Extent | undefined;

const likeFirst: LastRule = (at) => lastOf(at.info(0));

const broadcasting: LastRule = (at) => {
  const all = Array.from({ length: at.inputCount }, (_, i) => lastOf(at.info(i)));
  return all.includes(undefined) ? undefined : at.extents.broadcast(all as Extent[]);
};

/** The number of columns of the second factor. */
const product: LastRule = (at) => ((at.info(1).shape?.length ?? 0) > 1 ? at.info(1).shape?.at(-1) : undefined);

/** A one-dimensional scale implies the length of the row, unless it has a single element, which broadcasts. */
const scaled: LastRule = (at) => {
  const scale = normOpOf(at.node)?.gamma ?? 1;
  const shape = at.has(scale) ? at.info(scale).shape : undefined;
  const length = at.int("axis", -1) === -1 && shape?.length === 1 ? shape[0] : undefined;
  return length === undefined || length === 1 ? likeFirst(at) : length;
};

/** Whether a node reduces the last axis, with keepdims. */
function reducesRows(at: TypeView): boolean {
  if (at.int("keepdims", 1) !== 1 || !at.node.opType.startsWith("Reduce")) return false;
  const axes = at.opset <= axesAttributeUpTo(at.node.opType) ? at.ints("axes") : at.constantItems(1);
  return axes?.length === 1 && axes[0] === -1;
}

const each = (names: string, rule: LastRule, domain = "") =>
  names.split(" ").map((name) => [`${domain}:${name}`, rule] as const);

const lastRules: ReadonlyMap<string, LastRule> = new Map<string, LastRule>([
  ...each("Abs Neg Sign Sqrt Exp Log Tanh Erf Sigmoid Relu Softplus HardSwish Elu LeakyRelu Clip Gelu", likeFirst),
  ...each("Identity Dropout Cast", likeFirst),
  ...each("Add Sub Mul Div Pow Sum Max Min", broadcasting),
  ...each("ReduceMean ReduceSum ReduceSumSquare ReduceMax ReduceMin", (at) => (reducesRows(at) ? 1 : undefined)),
  [":MatMul", product],
  ...each("LayerNormalization RMSNormalization SimplifiedLayerNormalization", scaled),
  ...each("SimplifiedLayerNormalization SkipLayerNormalization SkipSimplifiedLayerNormalization", scaled, microsoft),
  ...each("BiasGelu FastGelu QuickGelu", likeFirst, microsoft),
]);

const keyOf = ({ node: { domain, opType } }: TypeView) => `${domain}:${opType}`;

/** Whether a node treats all rows of its operands alike, whatever their leading axes. */
export function isRowwise(at: TypeView): boolean {
  if (!lastRules.has(keyOf(at))) return false;
  if (at.node.opType.startsWith("Reduce")) return reducesRows(at);
  return at.int("axis", -1) === -1 && (at.node.opType !== "MatMul" || at.info(1).shape?.length === 2);
}

/** What can be inferred of the first result of a node if its rank is unknown. */
export function rowsOfUnknownRank(at: TypeView): Pick<TensorInfo, "element" | "last"> | undefined {
  const last = lastRules.get(keyOf(at))?.(at);
  if (last === undefined) return undefined;
  const elements = at.node.inputs.flatMap((name, i) => (name === "" ? [] : [at.element(i)]));
  const element = at.node.opType === "Cast" ? at.int("to", 1) : elements.find((one) => one !== undefined);
  return { element, last };
}

/** What the scale of a norm over the last axis implies for its input. */
export function rowsThatNormTakes(at: TypeView): Pick<TensorInfo, "element" | "last"> | undefined {
  const scale = normOpOf(at.node)?.gamma;
  if (scale === undefined || !lastRules.has(keyOf(at)) || !isRowwise(at)) return undefined;
  const { element, shape } = at.has(scale) ? at.info(scale) : { element: undefined, shape: undefined };
  const length = shape?.length === 1 ? shape[0] : undefined;
  return length === undefined || length === 1 ? undefined : { element, last: length };
}

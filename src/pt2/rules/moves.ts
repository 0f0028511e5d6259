/** Ops that reshape, permute, slice, concatenate, repeat and gather, and constructors of tensors. */

import { type AtenRule, type AtenView, each } from "../aten-view.ts";
import { int64 } from "../tensor-meta.ts";

/** In ONNX, 0 in a shape copies an extent of the input, unless `allowzero` is set. */
const reshaped =
  (shape: string): AtenRule =>
  (at) =>
    at.make("Reshape", [at.tensor("self"), at.sizes(shape)], { allowzero: at.resultMeta().sizes.includes(0) ? 1 : 0 });

/** A reshape to the shape of the result, of which one extent may be unknown. */
const regrouped: AtenRule = (at) => {
  const { sizes } = at.resultMeta();
  const open = sizes.filter((size) => typeof size !== "number").length;
  if (open > 1 || sizes.includes(0)) at.decline();
  at.make("Reshape", [at.tensor("self"), at.integers(sizes.map((size) => (typeof size === "number" ? size : -1)))]);
};

const flattened: AtenRule = (at) => {
  const rank = at.rank("self");
  const [first, last] = [at.axis(at.int("start_dim", 0), rank), at.axis(at.int("end_dim", -1), rank)];
  const { sizes } = at.meta("self");
  // In ONNX, 0 copies an extent of the input.
  const before = sizes.slice(0, first).map(() => 0);
  const after = sizes.slice(last + 1).map((size) => (typeof size === "number" ? size : at.decline()));
  if (sizes.includes(0)) at.decline();
  at.make("Reshape", [at.tensor("self"), at.integers([...before, -1, ...after])]);
};

const transposed =
  (first: string, second: string): AtenRule =>
  (at) => {
    const rank = at.rank("self");
    const order = Array.from({ length: rank }, (_, i) => i);
    const [a, b] = [at.axis(at.int(first), rank), at.axis(at.int(second), rank)];
    [order[a], order[b]] = [b, a];
    at.makePermuted("self", order);
  };

/** The named axes move to their destinations; the others keep their order. */
const moved: AtenRule = (at) => {
  const rank = at.rank("self");
  const [from, to] = [at.ints("source"), at.ints("destination")].map((list) => list.map((axis) => at.axis(axis, rank)));
  if (from === undefined || to === undefined || from.length !== to.length) return at.decline();
  const others = Array.from({ length: rank }, (_, i) => i).filter((axis) => !from.includes(axis));
  const placeOf = (axis: number) => from[to.indexOf(axis)] ?? (others.shift() as number);
  at.makePermuted("self", Array.from({ length: rank }, (_, axis) => axis).map(placeOf));
};

const permuted: AtenRule = (at) => {
  const rank = at.rank("self");
  at.makePermuted(
    "self",
    at.ints("dims").map((axis) => at.axis(axis, rank)),
  );
};

const unsqueezed: AtenRule = (at) =>
  at.make("Unsqueeze", [at.tensor("self"), at.integers([at.axis(at.int("dim"), at.rank("self") + 1)])]);

const squeezed: AtenRule = (at) => {
  const rank = at.rank("self");
  const axes = at.ints("dim").map((axis) => at.axis(axis, rank));
  const own = axes.filter((axis) => at.extent("self", axis) === 1);
  if (own.length === 0) at.make("Identity", [at.tensor("self")]);
  else at.make("Squeeze", [at.tensor("self"), at.integers(own)]);
};

/** An extent of -1 keeps that of the input. In ONNX it becomes 1, as Expand broadcasts both ways. */
const expanded: AtenRule = (at) => {
  const kind = at.node.args.get("size")?.kind.name;
  const list = kind === "as_ints" ? at.ints("size") : [];
  const shape = list.includes(-1) ? at.integers(list.map((size) => (size === -1 ? 1 : size))) : at.sizes("size");
  if (kind === "as_sym_ints") at.make("Expand", [at.tensor("self"), at.emit("Abs", [shape])]);
  else at.make("Expand", [at.tensor("self"), shape]);
};

const joined: AtenRule = (at) => {
  const rank = at.resultMeta().sizes.length;
  at.make("Concat", at.tensors("tensors"), { axis: at.axis(at.int("dim", 0), rank) });
};

const stacked: AtenRule = (at) => {
  const axis = at.axis(at.int("dim", 0), at.resultMeta().sizes.length);
  const rows = at.tensors("tensors").map((one) => at.emit("Unsqueeze", [one, at.integers([axis])]));
  at.make("Concat", rows, { axis });
};

const sliced: AtenRule = (at) => {
  const axis = at.axis(at.int("dim", 0), at.rank("self"));
  const parts = [
    at.sizeOf("start", 0),
    at.sizeOf("end", 2 ** 53 - 1),
    at.integers([axis]),
    at.integers([at.int("step", 1)]),
  ];
  at.make("Slice", [at.tensor("self"), ...parts]);
};

const selected: AtenRule = (at) => {
  const axis = at.axis(at.int("dim"), at.rank("self"));
  at.make("Gather", [at.tensor("self"), at.scalar(at.int("index"), int64)], { axis });
};

/** Splits along an axis, by the extents of the results. */
function split(at: AtenView, axis: number): void {
  const lengths = at.node.made.map((_, i) => {
    const size = at.resultMeta(i).sizes[axis];
    return typeof size === "number" ? size : at.decline();
  });
  at.emitAs(
    "Split",
    [at.tensor("self"), at.integers(lengths)],
    at.node.made.map(({ name }) => name),
    { axis },
  );
}

const cut: AtenRule = (at) => split(at, at.axis(at.int("dim", 0), at.rank("self")));

const unbound: AtenRule = (at) => {
  const axis = at.axis(at.int("dim", 0), at.rank("self"));
  for (const [i, { name }] of at.node.made.entries()) {
    at.emitAs("Gather", [at.tensor("self"), at.scalar(i, int64)], [name], { axis });
  }
};

const repeated: AtenRule = (at) => {
  const added = at.ints("repeats").length - at.rank("self");
  const x = at.tensor("self");
  const axes = Array.from({ length: added }, (_, i) => i);
  const from = added === 0 ? x : at.emit("Unsqueeze", [x, at.integers(axes)]);
  at.make("Tile", [from, at.sizes("repeats")]);
};

const embedding: AtenRule = (at) => at.make("Gather", [at.tensor("weight"), at.tensor("indices")], { axis: 0 });

const picked: AtenRule = (at) =>
  at.make("Gather", [at.tensor("self"), at.tensor("index")], { axis: at.axis(at.int("dim"), at.rank("self")) });

/** Only a single tensor of indices, along the first axis, is supported. */
const indexed: AtenRule = (at) => {
  const [first, ...others] = at.tensorsOrNone("indices");
  if (first === undefined || others.length > 0) return at.decline();
  if (first.type?.kind !== "integer") at.decline();
  at.make("Gather", [at.tensor("self"), first.name], { axis: 0 });
};

/** Constant padding; the list begins with the last axis. */
const padded: AtenRule = (at) => {
  if (at.text("mode", "constant") !== "constant") at.decline();
  const pads = at.ints("pad");
  const count = pads.length / 2;
  const axes = Array.from({ length: count }, (_, i) => at.rank("self") - 1 - i);
  const [before, after] = [0, 1].map((side) => axes.map((_, i) => pads[2 * i + side] as number));
  const value = at.scalar(at.float("value", 0), at.resultType());
  const list = at.integers([...(before as number[]), ...(after as number[])]);
  at.make("Pad", [at.tensor("self"), list, value, at.integers(axes)]);
};

const rolled: AtenRule = (at) => {
  const [shifts, dims] = [at.ints("shifts"), at.ints("dims")];
  if (shifts.length !== dims.length || dims.length === 0) at.decline();
  let x = at.tensor("self");
  for (const [i, given] of dims.entries()) {
    const axis = at.axis(given, at.rank("self"));
    const extent = at.extent("self", axis);
    const at0 = extent === 0 ? 0 : (((extent - (shifts[i] as number)) % extent) + extent) % extent;
    const part = (from: number, to: number) =>
      at.emit("Slice", [x, at.integers([from]), at.integers([to]), at.integers([axis])]);
    const parts = [part(at0, extent), part(0, at0)];
    if (i === dims.length - 1) at.make("Concat", parts, { axis });
    else x = at.emit("Concat", parts, { axis });
  }
};

const scalarOf = (at: AtenView, size: string) => at.emit("Squeeze", [size, at.integers([0])]);

const range: AtenRule = (at) => {
  const type = at.resultType();
  const from = at.has("start") ? at.sizeOf("start") : at.integers([0]);
  const numbers = [from, at.sizeOf("end"), at.sizeOf("step", 1)].map((one) => scalarOf(at, one));
  const made = type.number === int64.number ? undefined : at.emit("Range", numbers);
  if (made === undefined) at.make("Range", numbers);
  else at.make("Cast", [made], { to: type.onnx });
};

const filled =
  (value: (at: AtenView) => string): AtenRule =>
  (at) =>
    at.make("Expand", [value(at), at.sizes("size")]);

const filledLike =
  (value: (at: AtenView) => string): AtenRule =>
  (at) =>
    at.make("Expand", [value(at), at.emit("Shape", [at.tensor("self")])]);

const number = (value: number) => (at: AtenView) => at.scalar(value, at.resultType());
const given = (at: AtenView) => at.operand("fill_value", at.resultType());

export const moveRules: Readonly<Record<string, AtenRule>> = {
  ...each("view.default _unsafe_view.default", reshaped("size")),
  "reshape.default": reshaped("shape"),
  "flatten.using_ints": flattened,
  "unflatten.int": regrouped,
  "unsqueeze.default": unsqueezed,
  ...each("squeeze.dim squeeze.dims", squeezed),
  ...each("transpose.int swapdims.default", transposed("dim0", "dim1")),
  "swapaxes.default": transposed("axis0", "axis1"),
  ...each("movedim.int movedim.intlist", moved),
  "permute.default": permuted,
  "t.default": (at) => at.makePermuted("self", at.rank("self") < 2 ? [0] : [1, 0]),
  "expand.default": expanded,
  "repeat.default": repeated,
  "cat.default": joined,
  "stack.default": stacked,
  "slice.Tensor": sliced,
  "select.int": selected,
  ...each("split.Tensor split_with_sizes.default split.sizes chunk.default", cut),
  "unbind.int": unbound,
  "embedding.default": embedding,
  "index_select.default": picked,
  "index.Tensor": indexed,
  ...each("pad.default constant_pad_nd.default", padded),
  "roll.default": rolled,
  ...each("arange.default arange.start arange.start_step", range),
  ...each("full.default new_full.default", filled(given)),
  ...each("zeros.default new_zeros.default", filled(number(0))),
  ...each("ones.default new_ones.default", filled(number(1))),
  "full_like.default": filledLike(given),
  "zeros_like.default": filledLike(number(0)),
  "ones_like.default": filledLike(number(1)),
};

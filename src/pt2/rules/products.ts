/** Matrix products, convolutions and attention. */

import { type AtenRule, each } from "../aten-view.ts";

/** x Wᵀ + b; the transposed weight is a view of the same storage. */
const linear: AtenRule = (at) => {
  const [x, weight] = [at.tensor("input"), at.permuted("weight", [1, 0])];
  const bias = at.optionalTensor("bias");
  if (bias === undefined) at.make("MatMul", [x, weight]);
  else at.make("Add", [at.emit("MatMul", [x, weight]), bias]);
};

const product =
  (a: string, b: string): AtenRule =>
  (at) =>
    at.make("MatMul", [at.tensor(a), at.tensor(b)]);

const sumAndProduct =
  (a: string, b: string): AtenRule =>
  (at) => {
    if (at.float("beta", 1) !== 1 || at.float("alpha", 1) !== 1) at.decline();
    at.make("Add", [at.emit("MatMul", [at.tensor(a), at.tensor(b)]), at.tensor("self")]);
  };

const convolution: AtenRule = (at) => {
  const space = at.rank("input") - 2;
  // Unbatched inputs, which lack an axis, are not supported.
  if (space < 1 || at.rank("weight") !== space + 2) at.decline();
  if (at.flag("transposed", false)) at.decline();
  const bias = at.optionalTensor("bias");
  const padding = at.node.args.get("padding")?.kind.name === "as_string" ? at.text("padding", "") : undefined;
  const pads = padding === undefined ? at.perAxis("padding", space, [0]) : [];
  const isSame = padding === "same";
  const strides = at.perAxis("stride", space, [1]);
  if (isSame && strides.some((stride) => stride !== 1)) at.decline();
  at.make("Conv", [at.tensor("input"), at.tensor("weight"), ...(bias === undefined ? [] : [bias])], {
    strides,
    dilations: at.perAxis("dilation", space, [1]),
    group: at.int("groups", 1),
    ...(isSame
      ? { auto_pad: { text: "SAME_UPPER" } }
      : { pads: padding === "valid" ? new Array<number>(2 * space).fill(0) : [...pads, ...pads] }),
  });
};

const attention: AtenRule = (at) => {
  if (at.float("dropout_p", 0) !== 0 || at.rank("query") !== 4 || at.rank("key") !== 4) at.decline();
  const mask = at.optionalTensor("attn_mask");
  const scale = at.has("scale") ? { scale: { float: at.float("scale") } } : {};
  const isCausal = at.flag("is_causal", false);
  at.make(
    "Attention",
    [at.tensor("query"), at.tensor("key"), at.tensor("value"), ...(mask === undefined ? [] : [mask])],
    {
      ...(isCausal && { is_causal: 1 }),
      ...scale,
    },
  );
};

const einsum: AtenRule = (at) =>
  at.make("Einsum", at.tensors("tensors"), { equation: { text: at.text("equation", "") } });

export const productRules: Readonly<Record<string, AtenRule>> = {
  "linear.default": linear,
  "matmul.default": product("self", "other"),
  ...each("mm.default bmm.default", product("self", "mat2")),
  "addmm.default": sumAndProduct("mat1", "mat2"),
  "baddbmm.default": sumAndProduct("batch1", "batch2"),
  ...each(
    "conv1d.default conv1d.padding conv2d.default conv2d.padding conv3d.default conv3d.padding convolution.default",
    convolution,
  ),
  "scaled_dot_product_attention.default": attention,
  "einsum.default": einsum,
};

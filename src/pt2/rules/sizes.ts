/** Sizes and arithmetic on them. Each size is a tensor with one element. */

import type { AtenRule } from "../aten-view.ts";

const size: AtenRule = (at) => {
  const axis = at.axis(at.int("dim"), at.rank("self"));
  at.make("Shape", [at.tensor("self")], { start: axis, end: axis + 1 });
};

/** The arguments of Python's operators are positional. */
const operator =
  (opType: string): AtenRule =>
  (at) => {
    const [a, b, ...others] = [...at.node.args.keys()];
    if (a === undefined || b === undefined || others.length > 0) return at.decline();
    at.make(opType, [at.sizeOf(a), at.sizeOf(b)]);
  };

export const sizeRules: Readonly<Record<string, AtenRule>> = {
  "torch.ops.aten.sym_size.int": size,
  "_operator.add": operator("Add"),
  "_operator.sub": operator("Sub"),
  "_operator.mul": operator("Mul"),
  "_operator.floordiv": operator("Div"),
  "torch.sym_max": operator("Max"),
  "torch.sym_min": operator("Min"),
};

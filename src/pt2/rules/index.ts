/** The rules that translate ATen nodes to ONNX, by target. */

import type { AtenRule } from "../aten-view.ts";
import { elementwiseRules } from "./elementwise.ts";
import { moveRules } from "./moves.ts";
import { productRules } from "./products.ts";
import { rowRules } from "./rows.ts";
import { sizeRules } from "./sizes.ts";

export const atenRules: Readonly<Record<string, AtenRule>> = Object.assign(
  Object.create(null) as Record<string, AtenRule>,
  sizeRules,
  Object.fromEntries(
    Object.entries({ ...elementwiseRules, ...moveRules, ...productRules, ...rowRules }).map(([name, rule]) => [
      `torch.ops.aten.${name}`,
      rule,
    ]),
  ),
);

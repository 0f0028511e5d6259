/** The rules that import nodes, by `domain:opType`; the domain of the standard operator set is empty. */

import type { Rule } from "../node.ts";
import { elementwiseRules } from "./elementwise.ts";
import { linearRules } from "./linear.ts";
import { normRules } from "./norms.ts";
import { quantizationRules } from "./quantization.ts";
import { reductionRules } from "./reductions.ts";
import { shapeRules } from "./shape.ts";

export const rules: ReadonlyMap<string, Rule> = new Map(
  Object.entries({
    ...{ ...elementwiseRules, ...reductionRules, ...normRules, ...shapeRules, ...linearRules, ...quantizationRules },
  }),
);

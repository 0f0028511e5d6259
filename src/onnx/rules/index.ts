/** What becomes of each node that the language has an op for, by `domain:name`; the domain of ONNX's own ops is empty. */

import type { Rule } from "../node.ts";
import { elementwiseRules } from "./elementwise.ts";
import { linearRules } from "./linear.ts";
import { normRules } from "./norms.ts";
import { quantizationRules } from "./quantization.ts";
import { reductionRules } from "./reductions.ts";
import { shapeRules } from "./shape.ts";

export const rules: ReadonlyMap<string, Rule> = new Map(
  Object.entries({
    ...{ ...elementwiseRules, ...reductionRules, ...normRules, ...shapeRules, ...linearRules },
    ...quantizationRules,
  }),
);

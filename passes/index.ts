/** The passes that come with the compiler, and the order in which they run by default. */

import type { Pass, PassRegistry } from "../src/pass/define-pass.ts";
import { canonicalize } from "./canonicalize.ts";
import { centerReaders } from "./center-readers.ts";
import { cse } from "./cse.ts";
import { dce } from "./dce.ts";
import { deferScale } from "./defer-scale.ts";
import { eliminateCentering } from "./eliminate-centering.ts";
import { foldAffine } from "./fold-affine.ts";
import { fuseElementwise } from "./fuse-elementwise.ts";
import { gradient } from "./gradient.ts";
import { layernormToRmsnorm } from "./layernorm-to-rmsnorm.ts";
import { nestReductions } from "./nest-reductions.ts";
import { raiseNorms } from "./raise-norms.ts";
import { simplifyNorms } from "./simplify-norms.ts";

/** In the order of the default pipeline; the last four are not part of it. */
export const builtinPasses: readonly Pass[] = [
  raiseNorms,
  canonicalize,
  layernormToRmsnorm,
  eliminateCentering,
  simplifyNorms,
  cse,
  dce,
  nestReductions,
  fuseElementwise,
  foldAffine,
  centerReaders,
  deferScale,
  gradient,
];

/** Names of the passes of the pipeline `default`, in order. */
export const defaultPipeline: readonly string[] = [
  "raise-norms",
  "canonicalize",
  "layernorm-to-rmsnorm",
  "eliminate-centering",
  "simplify-norms",
  "cse",
  "dce",
  "nest-reductions",
  "fuse-elementwise",
];

/** Names that stand for a whole pipeline. */
export const namedPipelines: Readonly<Record<string, readonly string[]>> = {
  default: defaultPipeline,
  O0: ["fuse-elementwise"],
  O1: defaultPipeline,
};

/** The passes that the compiler's pipelines may name. */
export const builtins: PassRegistry = { passes: builtinPasses, pipelines: namedPipelines };

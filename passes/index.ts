/** The passes that come with the compiler, and the order in which they run by default. */

import type { Pass } from "../src/pass/define-pass.ts";
import { cse } from "./cse.ts";
import { dce } from "./dce.ts";

/** In the order of the default pipeline. */
export const builtinPasses: readonly Pass[] = [cse, dce];

export const defaultPipeline: readonly string[] = [
  "raise-norms",
  "canonicalize",
  "layernorm-to-rmsnorm",
  "eliminate-centering",
  "cse",
  "dce",
  "fuse-elementwise",
].filter((name) => builtinPasses.some((pass) => pass.name === name));

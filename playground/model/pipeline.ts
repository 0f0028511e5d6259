/** The page's passes: the default pipeline, with centerings allowed to fold into constants. */

import { builtins } from "../../passes/index.ts";
import { parsePipeline, printPipeline, withPassOptions } from "../../src/pass-manager/pipeline.ts";

/** Folds as `--weights-out` does. The page needs no file for the new constants: it computes them. */
export const pipeline = printPipeline(
  withPassOptions(parsePipeline("default", builtins), "eliminate-centering", { fold: true }),
);

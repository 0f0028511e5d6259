/** The passes of the page: the default pipeline, in which centerings may move into constants. */

import { builtins } from "../../passes/index.ts";
import { parsePipeline, printPipeline, withPassOptions } from "../../src/pass-manager/pipeline.ts";

/** As `--weights-out` has them do. The page needs no file for the new constants: it computes them. */
export const pipeline = printPipeline(
  withPassOptions(parsePipeline("default", builtins), "eliminate-centering", { fold: true }),
);

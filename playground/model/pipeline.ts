/** The passes of the page: the default pipeline, in which centerings may move into constants. */

import { parsePipeline, printPipeline, withPassOptions } from "../../src/pass-manager/pipeline.ts";

/** As `--weights-out` has them do. The page needs no file for the new constants: it computes them. */
export const pipeline = printPipeline(withPassOptions(parsePipeline("default"), "eliminate-centering", { fold: true }));

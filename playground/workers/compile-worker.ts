/** Compiles in a worker, so that typing never waits. */

import { type Analysis, type AnalyzeRequest, analyze } from "../model/analyze.ts";

export interface CompileTask extends AnalyzeRequest {
  readonly version: number;
}

export interface CompileAnswer {
  readonly version: number;
  readonly analysis: Analysis;
}

addEventListener("message", ({ data }: MessageEvent<CompileTask>) => {
  const { version, ...request } = data;
  postMessage({ version, analysis: analyze(request) } satisfies CompileAnswer);
});

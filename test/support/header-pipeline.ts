import { headerPipeline } from "../../src/pass-manager/pipeline.ts";

/** The pipeline in the first comment of a program. */
export function headerText(text: string): string | undefined {
  const span = headerPipeline({ name: "f.tir", text });
  return span && text.slice(span.start, span.end).trim();
}

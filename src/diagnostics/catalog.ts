/** What `tirc explain CODE` prints: a page for every code of a diagnostic. An area is one part, one line here. */

import { checkpointPages } from "./catalog-checkpoint.ts";
import { cliPages } from "./catalog-cli.ts";
import { constPages } from "./catalog-const.ts";
import { dataPages } from "./catalog-data.ts";
import { externPages } from "./catalog-extern.ts";
import { gradientPages } from "./catalog-gradient.ts";
import { kernelPages } from "./catalog-kernel.ts";
import { lexicalPages } from "./catalog-lexical.ts";
import { linearPages } from "./catalog-linear.ts";
import { normPages } from "./catalog-norms.ts";
import { onnxPages } from "./catalog-onnx.ts";
import { passPages } from "./catalog-passes.ts";
import { pipelinePages } from "./catalog-pipelines.ts";
import { pluginPages } from "./catalog-plugins.ts";
import { archivePages } from "./catalog-pt2.ts";
import { runtimePages } from "./catalog-runtime.ts";
import { syntaxPages } from "./catalog-syntax.ts";
import { targetPages } from "./catalog-target.ts";
import { typePages } from "./catalog-types.ts";
import { verifyPages } from "./catalog-verify.ts";
import type { Page } from "./page.ts";

/** Keyed by code: `E0203`. In the order of the codes. */
export const catalog: ReadonlyMap<string, Page> = new Map(
  Object.entries<Page>({
    ...lexicalPages,
    ...syntaxPages,
    ...typePages,
    ...verifyPages,
    ...targetPages,
    ...runtimePages,
    ...passPages,
    ...pipelinePages,
    ...kernelPages,
    ...linearPages,
    ...externPages,
    ...onnxPages,
    ...archivePages,
    ...constPages,
    ...normPages,
    ...dataPages,
    ...checkpointPages,
    ...cliPages,
    ...pluginPages,
    ...gradientPages,
  }).sort(([a], [b]) => (a < b ? -1 : 1)),
);

/**
 * The page of a code, in any letter case, as text; `undefined` where there is no such code.
 * @param pages those of a plugin with the compiler's own.
 */
export function explain(code: string, pages: ReadonlyMap<string, Page> = catalog): string | undefined {
  const page = pages.get(code.toUpperCase());
  if (page === undefined) return undefined;
  const indented = (text: string) => text.replace(/^(?=.)/gm, "    ");
  const { title, explanation, wrong, fix } = page;
  return [
    `${code.toUpperCase()}: ${title}`,
    explanation,
    `For example:\n\n${indented(wrong)}`,
    `Instead:\n\n${indented(fix)}`,
  ].join("\n\n");
}

/**
 * Minifies WGSL: removes comments, and white space that separates no tokens. Names stay.
 *
 * A line break stays if the next line computes another part of the program: the source map has an entry for each line, so
 * that a device's message about a line still leads to its place in the program.
 */

import { checkKernel } from "../src/target/arguments.ts";
import type { Kernel } from "../src/target/manifest.ts";
import { mark, withMarks, withoutMarks } from "../src/target/reads.ts";
import type { TextRange } from "../src/target/source-map.ts";

/**
 * Two characters at which adjacent tokens would merge. Operators and comment openers are those of
 * https://www.w3.org/TR/WGSL/#syntactic-tokens and #comments.
 */
const joins = new RegExp(String.raw`^(?:[\w.${mark}][\w.${mark}]|--|\+\+|&&|\|\||<<|>>|->|\/\/|\/\*|[-+*/%&|^<>=!]=)$`);

const glued = (left: string, right: string) => {
  const isOne = joins.test((left.at(-1) ?? " ") + (right[0] ?? " "));
  return `${left}${isOne ? " " : ""}${right}`;
};

/** Minifies a line. Generated kernels have no comments of several lines. */
function minifyLine(line: string): string {
  const words = line.replace(/\/\/.*$/, "").split(/\s+/);
  return words.filter((word) => word !== "").reduce(glued, "");
}

/** The kernel with the same tokens in fewer characters, and with the source map and the `reads` of the new text. */
export function minifyKernel(kernel: Kernel): Kernel {
  checkKernel("minifyKernel", kernel);
  const { manifest, sourceMap } = kernel;
  const wgsl = withMarks(kernel.wgsl, manifest);
  const lines: { text: string; range: TextRange | null }[] = [];
  for (const [i, line] of wgsl.split("\n").entries()) {
    const text = minifyLine(line);
    if (text === "") continue;
    const range = sourceMap?.lines[i] ?? null;
    const last = lines.at(-1);
    if (last !== undefined && isSame(last.range, range)) last.text = glued(last.text, text);
    else lines.push({ text, range });
  }
  const reads = new Map<string, number[]>();
  const text = withoutMarks(lines.map((line) => line.text).join("\n"), reads);
  const bindings = manifest.bindings.map((one) => (one.reads ? { ...one, reads: reads.get(one.variable) ?? [] } : one));
  return {
    ...kernel,
    wgsl: text,
    manifest: { ...manifest, bindings },
    ...(sourceMap && { sourceMap: { ...sourceMap, lines: lines.map(({ range }) => range) } }),
  };
}

const isSame = (a: TextRange | null, b: TextRange | null) => a?.[0] === b?.[0] && a?.[1] === b?.[1];

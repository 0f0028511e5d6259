/** The gains of surgery, from the results of the matrix: the list in docs/onnx.md between `<!-- wins -->` markers. */

import { median, ratio } from "./page.mjs";

const percent = (before, after) => Math.round(100 * (1 - after / before));

/** The range of numbers, with two digits. */
function span(numbers) {
  const texts = numbers.toSorted((a, b) => a - b).map(ratio);
  return texts[0] === texts.at(-1) ? texts[0] : `${texts[0]} to ${texts.at(-1)}`;
}

/** A wrapped entry of the list. */
function entry(text, width = 120) {
  const lines = ["-"];
  for (const word of text.split(/\s+/)) {
    const line = `${lines.at(-1)} ${word}`;
    if (line.length <= width) lines[lines.length - 1] = line;
    else lines.push(`  ${word}`);
  }
  return lines.join("\n");
}

function launches(models) {
  const counted = models.filter((model) => model.launches !== undefined);
  const lessBy = ({ launches: { before, after } }) => before - after;
  const fewer = counted.filter((model) => lessBy(model) > 0);
  const least = Math.min(...counted.map(lessBy));
  const shares = ["t5", "llama", "gemma"].map((name) => {
    const own = fewer.filter(({ architecture, element }) => architecture === name && element === "f32");
    const shares = own.map(({ launches: { before, after } }) => percent(before, after));
    return `${name} ${Math.min(...shares)} to ${Math.max(...shares)} %`;
  });
  const gained = Math.max(...fewer.filter(({ architecture }) => !/^(t5|llama|gemma)$/.test(architecture)).map(lessBy));
  const bound = least < 0 ? `one launches ${-least} more` : "none launches more";
  return `launches. Of ${counted.length} models ${fewer.length} launch fewer kernels, and ${bound}. The gain is largest where
    each norm is eight nodes: ${shares.join(", ")} fewer, in f32. Afterwards an RMSNorm is one launch, mostly together
    with the sum before it, so no norm could launch less. The other models launch up to ${gained} kernels fewer.`;
}

function alone(norms, runtime) {
  const of = (start) => norms.filter(({ what }) => what.startsWith(start)).map((norm) => norm[runtime].ratio);
  return `${span(of("LayerNormalization"))} of its time as LayerNormalization, ${span(of("LayerNorm as a chain"))} as a
    chain, and LLaMA's ${span(of("RMSNorm"))}`;
}

function wins({ models, norms }) {
  const all = Object.values(models);
  const written = all.filter(({ changed, element }) => changed && element === "f32");
  const floor = norms.find(({ what }) => what.startsWith("an Add"));
  const whole = (runtime) => ratio(median(written.map((model) => model[runtime]?.ratio)));
  return [
    `**WebGPU**: ${launches(all)}`,
    `**wasm**: time of the norms. One of 512 x 768 takes ${alone(norms, "wasm")}.`,
    `**Native**: time of the norms. One takes ${alone(norms, "native")}. An Add of a vector, which only reads and writes
    the same rows, takes ${ratio(floor.native.ratio)} of a native LayerNormalization
    (${ratio(floor.wasm.ratio)} on wasm): natively, memory access is most of what remains.`,
    `**Whole models** of this size take about as long as before (medians of ${whole("native")} natively and
    ${whole("wasm")} on wasm of the ${written.length} models in f32 that change), as norms are a small part of their time.`,
  ]
    .map((text) => entry(text))
    .join("\n");
}

/** Replaces the list in a document. */
export function withWins(text, results) {
  const [from, to] = ["<!-- wins -->\n", "\n<!-- /wins -->"];
  const [start, end] = [text.indexOf(from), text.indexOf(to)];
  if (start < 0 || end < start) throw new Error(`docs/onnx.md has no ${from.trim()}`);
  return text.slice(0, start + from.length) + wins(results) + text.slice(end);
}

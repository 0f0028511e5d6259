/**
 * Surgery on the models of the matrix: `surgery.mjs FOLDER [--asked] [NAME...]`. For each `NAME.onnx`, writes
 * `NAME.after.onnx`, and `NAME.surgery.json` with a report on each norm, and whether a second surgery changes anything. With
 * `--asked`, all possible norms are rewritten, even if that is slower.
 */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { modelsIn } from "./models.mjs";

const { bytesInMemory, bytesOf, OnnxModel, surgery } = await import(
  new URL("../../dist/src/onnx/index.js", import.meta.url).href
);

/** The rewritten model, and the report. */
function operate(bytes, options = () => ({})) {
  const model = new OnnxModel(bytesInMemory("model.onnx", bytes), () => {
    throw new Error("weights in other files");
  });
  const result = surgery(model, options(model));
  return { result, written: Buffer.concat([...bytesOf(model.reader.source, result.pieces)]) };
}

/**
 * By default, surgery does not increase the number of kernel launches on WebGPU. An explicit op forces all possible
 * rewrites, which the expectations refer to.
 */
const asked = ({ opset }) => ({ normOp: opset >= 23 ? "rmsnorm" : "skip" });

/** A short form of the report. */
function reportOf({ norms, weights, centers, nodes, opset, launches, warnings }) {
  return {
    norms: norms.map(({ norm, centering, because, nodes, gamma, beta, writtenAs, op }) => ({
      ...{ norm, centering, nodes, gamma, beta, writtenAs, op, because: because.slice(0, 6) },
    })),
    ...{ centers, nodes, opset, launches, weights: weights.length },
    warnings: warnings.map(({ message }) => message),
  };
}

function main(words) {
  const [folder, ...chosen] = words.filter((word) => !word.startsWith("--"));
  const options = words.includes("--asked") ? asked : undefined;
  for (const name of modelsIn(folder, chosen)) {
    const bytes = readFileSync(join(folder, `${name}.onnx`));
    let report;
    try {
      const { result, written } = operate(bytes, options);
      writeFileSync(join(folder, `${name}.after.onnx`), written);
      let isFixpoint = false;
      try {
        isFixpoint = operate(written, options).written.equals(written);
      } catch (error) {
        report = { second: error.message };
      }
      const all = operate(bytes, asked).result.norms.map(({ norm, centering }) => ({ norm, centering }));
      report = { ...reportOf(result), asked: all, ...report, isFixpoint };
    } catch (error) {
      report = { error: error.stack ?? String(error) };
    }
    writeFileSync(join(folder, `${name}.surgery.json`), JSON.stringify(report, undefined, 2));
  }
}

main(process.argv.slice(2));

/**
 * Surgery on the models of the matrix: `surgery.mjs FOLDER [NAME...]`. Beside each `NAME.onnx` it writes
 * `NAME.after.onnx` and `NAME.surgery.json`: what became of each norm, and whether a second surgery changes anything.
 */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { modelsIn } from "./models.mjs";

const { bytesInMemory, bytesOf, OnnxModel, surgery } = await import(
  new URL("../../dist/src/onnx/index.js", import.meta.url).href
);

/** The bytes that surgery writes, and its report. */
export function operate(bytes) {
  const model = new OnnxModel(bytesInMemory("model.onnx", bytes), () => {
    throw new Error("weights in other files");
  });
  const result = surgery(model);
  return { result, written: Buffer.concat([...bytesOf(model.reader.source, result.pieces)]) };
}

/** One line a norm, as `tirc surgery --report` has it. */
function reportOf({ norms, weights, centers, nodes, launches, warnings }) {
  return {
    norms: norms.map(({ norm, centering, because, nodes, gamma, beta, writtenAs, op }) => ({
      ...{ norm, centering, nodes, gamma, beta, writtenAs, op, because: because.slice(0, 6) },
    })),
    ...{ centers, nodes, launches, weights: weights.length },
    warnings: warnings.map(({ message }) => message),
  };
}

function main([folder, ...chosen]) {
  for (const name of modelsIn(folder, chosen)) {
    const bytes = readFileSync(join(folder, `${name}.onnx`));
    let report;
    try {
      const { result, written } = operate(bytes);
      writeFileSync(join(folder, `${name}.after.onnx`), written);
      let isFixpoint = false;
      try {
        isFixpoint = operate(written).written.equals(written);
      } catch (error) {
        report = { second: error.message };
      }
      report = { ...reportOf(result), ...report, isFixpoint };
    } catch (error) {
      report = { error: error.stack ?? String(error) };
    }
    writeFileSync(join(folder, `${name}.surgery.json`), JSON.stringify(report, undefined, 2));
  }
}

main(process.argv.slice(2));

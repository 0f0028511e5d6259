// Folds the centering of a model's norms into its weights, and returns the new program and the new weights.
import { readFileSync } from "node:fs";
import { applyFusedRmsNorm, type Const, constantsOf, materialize, parse, print, type Tensor } from "tirc";

const text = readFileSync(new URL("models/activation.tir", import.meta.url), "utf8");
// Put your own reader of weights here: this one returns ones except for the first element.
const load = ({ type }: Const): Tensor => {
  const shape = type.shape as number[];
  const count = shape.reduce((product, extent) => product * extent, 1);
  return { element: type.element, shape, data: new Float64Array(count).fill(1).fill(3, 0, 1) };
};

const { module, norms } = applyFusedRmsNorm(parse(text));
const { module: rms, constants } = materialize(module, constantsOf(module, load), "rms.safetensors");

console.log(
  "norms",
  norms.map(({ name, centering }) => `${name}: ${centering}`),
);
console.log(
  "constants",
  constants.map(({ name, residual }) => `${name}: ${residual}`),
);
console.log(print(rms));

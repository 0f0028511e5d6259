/** Checks of the algebra of row means on a program: proofs against the numbers, and rewriting against the results. */

import { Centering } from "../../passes/centering.ts";
import { applyFusedRmsNorm } from "../../src/driver/apply-fused-rms-norm.ts";
import { constantsOf, evaluateFn, interpret } from "../../src/ir/interpret.ts";
import type { Fn, Module, Value } from "../../src/ir/ir.ts";
import type { Rows } from "../../src/ir/ops/def.ts";
import { rowMeans } from "../../src/ir/row-means.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import { isFloat } from "../../src/ir/types.ts";
import { randomConstant, randomInputs } from "../../src/testing/random-inputs.ts";

const rowsOf = ({ shape }: Value): Rows[] => [
  ...[[-1], [-2], [-2, -1]].filter((axes) => -(axes[0] as number) <= shape.length).map((axes) => ({ axes })),
  ...[2, 3].filter((block) => ((shape.at(-1) as number) ?? 1) % block === 0).map((block) => ({ axes: [-1], block })),
];

/** Something proved whose rows have another mean, if there is one; and how many claims were proved. */
export function checkProofs(module: Module): { wrong: string | undefined; proved: number } {
  const fn = module.fns[0] as Fn;
  const centering = new Centering(module.consts);
  const values = evaluateFn(fn, randomInputs(fn, 3), {}, constantsOf(module, randomConstant));
  let proved = 0;
  for (const [value, tensor] of values) {
    if (!isFloat(value.element) || value.def?.name === "constant") continue;
    for (const rows of rowsOf(value)) {
      if (!centering.meanIsZero(value, rows).proved) continue;
      proved++;
      const largest = tensor.data.reduce((most, number) => Math.max(most, Math.abs(number)), 0);
      const mean = rowMeans(tensor, rows).means.reduce((most, number) => Math.max(most, Math.abs(number)), 0);
      if (mean > 1e-12 * Math.max(1, largest))
        return { wrong: `${value.def?.name} over ${JSON.stringify(rows)}: ${mean}`, proved };
    }
  }
  return { wrong: undefined, proved };
}

/** How far results move when the norms are rewritten, and how many centerings went. */
export function checkRewrite(module: Module): { off: number; gone: number } {
  const { module: after, norms } = applyFusedRmsNorm(module);
  const inputs = randomInputs(module.fns[0] as Fn, 3);
  const run = (program: Module) => interpret(program.fns[0] as Fn, inputs, constantsOf(program, randomConstant));
  const [wanted, got] = [run(module), run(after)];
  const off = Object.entries(wanted).reduce((most, [name, { data }]) => {
    const other = (got[name] as Tensor).data;
    return data.reduce(
      (worst, value, i) => Math.max(worst, Math.abs(value - (other[i] as number)) / Math.max(1, Math.abs(value))),
      most,
    );
  }, 0);
  return { off, gone: norms.filter(({ centering }) => !["kept", "none"].includes(centering)).length };
}

/** GELU and SiLU written in primitive ops. Literals match the constants of the formula within a relative 1e-6. */

import type { Builder } from "../src/ir/builder.ts";
import { formulaTolerance } from "../src/ir/field/literal.ts";
import type { Attributes, Op, Value } from "../src/ir/ir.ts";
import type { OpName } from "../src/ir/ops/index.ts";
import { sqrtTwoOverPi } from "../src/ir/ops/math.ts";
import { sameType } from "../src/ir/types.ts";
import { any, call, type Pattern, type Products, plus, readOf, times } from "./match.ts";
import type { Raising } from "./raising.ts";

interface Activation {
  readonly name: OpName;
  readonly attributes: Attributes;
  /** Each form, with x bound to `x`. */
  readonly forms: readonly Pattern[];
}

const x = any("x");
const power = (pattern: Pattern, exponent: number) => [pattern, exponent] as const;
const one = (pattern: Pattern) => power(pattern, 1);

/** erf(x / sqrt(2)) */
const erf = call("erf", times(Math.SQRT1_2, one(x)));

/** tanh(sqrt(2 / pi) * (x + 0.044715 * x^3)), or with x factored out. */
const tanhForms = [
  times(sqrtTwoOverPi, one(plus(x, times(0.044715, power(x, 3))))),
  times(sqrtTwoOverPi, one(x), one(plus(times(0.044715, power(x, 2)), 1))),
].map((argument) => call("tanh", argument));

/** 0.5 * x * (1 + f), or x * (0.5 + 0.5 * f). */
const halved = (f: Pattern) => [
  times(0.5, one(x), one(plus(f, 1))),
  times(1, one(x), one(plus(times(0.5, one(f)), 0.5))),
];

const activations: readonly Activation[] = [
  { name: "gelu", attributes: { approximate: "none" }, forms: halved(erf) },
  { name: "gelu", attributes: { approximate: "tanh" }, forms: tanhForms.flatMap(halved) },
  {
    // x * sigmoid(x), x / (1 + exp(-x))
    name: "silu",
    attributes: {},
    forms: [
      times(1, one(x), one(call("sigmoid", x))),
      times(1, one(x), power(plus(call("exp", times(-1, one(x))), 1), -1)),
    ],
  },
];

/** The first form that matches, with its operand. */
function find(op: Op, ways: readonly Products[]): { activation: Activation; x: Value } | undefined {
  const root = readOf(op.result);
  for (const products of ways) {
    for (const activation of activations) {
      for (const form of activation.forms) {
        for (const { x } of form(root, {}, products)) {
          if (x !== undefined && sameType(x.type, op.result.type)) return { activation, x };
        }
      }
    }
  }
  return undefined;
}

const exactForms = {
  none: "0.5 * x * (1 + erf(x / sqrt(2)))",
  tanh: "0.5 * x * (1 + tanh(0.7978845608028654 * (x + 0.044715 * x^3)))",
} as const;

/** The activation whose last step is `op`. */
export function raiseActivation(op: Op, builder: Builder, raising: Raising): Value | undefined {
  if (op.name !== "mul" && op.name !== "div") return undefined;
  const found = find(op, raising.ways);
  if (found !== undefined) {
    const { name, attributes } = found.activation;
    raising.counted(name);
    return builder.emit(name, [found.x], attributes, op.result.name);
  }
  const rough = find(op, [raising.rough]);
  if (rough?.activation.name !== "gelu") return undefined;
  const because = `a constant in it is off by more than ${formulaTolerance} (relative) from the formula's`;
  const form = exactForms[rough.activation.attributes.approximate as keyof typeof exactForms];
  raising.note(op, "a GELU", { because, help: `the formula is \`${form}\`` });
  return undefined;
}

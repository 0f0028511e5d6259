/** Norms as exporters write them: each is recognized as one op, with the results of onnxruntime. */

import { describe, expect, test } from "vitest";
import { builtins } from "../../passes/index.ts";
import { interpret } from "../../src/ir/interpret.ts";
import { makeModule } from "../../src/ir/ir.ts";
import { elementCount } from "../../src/ir/tensor.ts";
import { PassManager } from "../../src/pass-manager/pass-manager.ts";
import { constantsOfModel, imported, opsOf } from "../support/import-onnx.ts";
import { type OnnxElement, onnxModel, spread } from "../support/onnx.ts";
import { Graph } from "../support/onnx-graph.ts";
import { runOnnx } from "../support/onnxruntime.ts";

const width = 6;
const shape = [2, 3, width];
type Form = (g: Graph, x: string) => string;

const meanSquare = (g: Graph, x: string) => g.op("ReduceMean", [g.op("Pow", [x, g.scalar(2)])], { axes: [-1] });
const plusEps = (g: Graph, v: string) => g.op("Add", [v, g.scalar(1e-3)]);
const centered = (g: Graph, x: string) => g.op("Sub", [x, g.op("ReduceMean", [x], { axes: [-1] })]);
const gamma = (g: Graph, y: string) => g.op("Mul", [g.weight([width]), y]);

/** What divides by the root of v + eps. */
const inverses: Readonly<Record<string, (g: Graph, x: string, v: string) => string>> = {
  "x / sqrt": (g, x, v) => g.op("Div", [x, g.op("Sqrt", [plusEps(g, v)])]),
  "x * reciprocal(sqrt)": (g, x, v) => g.op("Mul", [x, g.op("Reciprocal", [g.op("Sqrt", [plusEps(g, v)])])]),
  "x * (1 / sqrt)": (g, x, v) => g.op("Mul", [x, g.op("Div", [g.scalar(1), g.op("Sqrt", [plusEps(g, v)])])]),
  "x * pow(-0.5)": (g, x, v) => g.op("Mul", [x, g.op("Pow", [plusEps(g, v), g.scalar(-0.5)])]),
  "x / pow(0.5)": (g, x, v) => g.op("Div", [x, g.op("Pow", [plusEps(g, v), g.scalar(0.5)])]),
  // onnxruntime 1.30 fuses this to a LayerNorm of 1e-5, whatever eps is.
  "eps first": (g, x, v) => g.op("Div", [x, g.op("Sqrt", [g.op("Add", [g.scalar(1e-5), v])])]),
};

const squares: Readonly<Record<string, Form>> = {
  "mean of pow": meanSquare,
  "mean of a product": (g, x) => g.op("ReduceMean", [g.op("Mul", [x, x])], { axes: [-1] }),
  "sum of squares by n": (g, x) => g.op("Div", [g.op("ReduceSumSquare", [x], { axes: [-1] }), g.scalar(width)]),
  "sum by n": (g, x) => g.op("Mul", [g.op("ReduceSum", [g.op("Mul", [x, x]), g.integers(-1)]), g.scalar(1 / width)]),
};

async function check(form: Form, is: readonly string[], element: OnnxElement = "f32", eps = 1e-3): Promise<void> {
  const g = new Graph(element);
  const y = form(g, "x");
  const bytes = onnxModel({
    opset: 13,
    inputs: { x: { element, shape } },
    outputs: { [y]: { element } },
    weights: g.weights,
    nodes: g.nodes,
  });
  const feed = { element, shape, numbers: spread(elementCount(shape), 3) };
  const model = imported(bytes);
  const { module } = new PassManager("raise-norms", { builtins }).run(makeModule([model.fn], model.module.consts));
  const [fn] = module.fns as [typeof model.fn];
  expect(opsOf(fn).filter((name) => name !== "cast")).toEqual(is);
  const norm = fn.ops.find(({ name }) => name === "layernorm" || name === "rmsnorm");
  expect(norm?.attributes.eps).toBeCloseTo(eps, 9);
  const tensor = { element: model.fn.params[0]?.element ?? "f32", shape, data: Float64Array.from(feed.numbers) };
  const got = Object.values(interpret(fn, { x: tensor }, constantsOfModel(module, model.model)))[0];
  const wanted = Object.values(await runOnnx(bytes, { x: feed }))[0];
  const off = wanted?.data.reduce((most, value, i) => Math.max(most, Math.abs(value - (got?.data[i] as number))), 0);
  expect(off).toBeLessThan(element === "f16" ? 1e-2 : 1e-5);
}

const epsOf = (name: string) => (name === "eps first" ? 1e-5 : 1e-3);

describe("an RMSNorm", () => {
  test.each(Object.entries(inverses))("%s", (name, inverse) =>
    check((g, x) => gamma(g, inverse(g, x, meanSquare(g, x))), ["rmsnorm"], "f32", epsOf(name)),
  );
  test.each(Object.entries(squares))("%s", (_, square) =>
    check((g, x) => gamma(g, g.op("Div", [x, g.op("Sqrt", [plusEps(g, square(g, x))])])), ["rmsnorm"]),
  );
  test("of Gemma: 1 + w", () =>
    check(
      (g, x) => {
        const normal = g.op("Div", [x, g.op("Sqrt", [plusEps(g, meanSquare(g, x))])]);
        return g.op("Mul", [normal, g.op("Add", [g.weight([width]), g.scalar(1)])]);
      },
      ["add", "rmsnorm"],
    ));
  test("of LLaMA in halves: computed in f32, and scaled in f16", () => {
    const cast = (g: Graph, x: string, to: number) => g.op("Cast", [x], { to });
    return check(
      (g, x) => {
        const wide = cast(g, x, 1);
        const f32 = new Graph("f32");
        const eps = f32.scalar(1e-3);
        g.weights[`${eps}.f32`] = f32.weights[eps] as (typeof f32.weights)[string];
        g.weights["two.f32"] = { element: "f32", dims: [], numbers: [2] };
        const mean = g.op("ReduceMean", [g.op("Pow", [wide, "two.f32"])], { axes: [-1] });
        const root = g.op("Sqrt", [g.op("Add", [mean, `${eps}.f32`])]);
        return g.op("Mul", [g.weight([width]), cast(g, g.op("Div", [wide, root]), 10)]);
      },
      ["rmsnorm", "mul"],
      "f16",
    );
  });
  test("of what is a product in halves, and read in f32", () => {
    return check(
      (g, x) => {
        g.weights["eps.f32"] = { element: "f32", dims: [], numbers: [Math.fround(1e-3)] };
        g.weights["two.f32"] = { element: "f32", dims: [], numbers: [2] };
        const wide = g.op("Cast", [g.op("Mul", [x, g.scalar(3)])], { to: 1 });
        const mean = g.op("ReduceMean", [g.op("Pow", [wide, "two.f32"])], { axes: [-1] });
        const root = g.op("Sqrt", [g.op("Add", [mean, "eps.f32"])]);
        return g.op("Cast", [g.op("Div", [wide, root])], { to: 10 });
      },
      ["mul", "rmsnorm"],
      "f16",
    );
  });
});

describe("a LayerNorm", () => {
  test.each(Object.entries(inverses))("%s", (name, inverse) =>
    check(
      (g, x) => {
        const d = centered(g, x);
        return g.op("Add", [gamma(g, inverse(g, d, meanSquare(g, d))), g.weight([width])]);
      },
      ["layernorm"],
      "f32",
      epsOf(name),
    ),
  );
  test("of TensorFlow: x * s + (beta - mean * s), with s = gamma / sqrt(v + eps)", () =>
    check(
      (g, x) => {
        const mean = g.op("ReduceMean", [x], { axes: [-1] });
        const d = g.op("Sub", [x, mean]);
        const v = g.op("ReduceMean", [g.op("Mul", [d, d])], { axes: [-1] });
        const inverse = g.op("Reciprocal", [g.op("Sqrt", [plusEps(g, v)])]);
        const s = g.op("Mul", [inverse, g.weight([width])]);
        const shift = g.op("Sub", [g.weight([width]), g.op("Mul", [mean, s])]);
        return g.op("Add", [g.op("Mul", [x, s]), shift]);
      },
      ["layernorm"],
    ));
  test("of the unbiased deviation, as PyTorch writes it", () =>
    check(
      (g, x) => {
        const d = centered(g, x);
        const sum = g.op("ReduceSum", [g.op("Mul", [d, d]), g.integers(-1)]);
        const v = g.op("Div", [sum, g.scalar(width - 1)]);
        return gamma(g, g.op("Div", [d, g.op("Sqrt", [plusEps(g, v)])]));
      },
      ["mul", "layernorm"],
      "f32",
      (1e-3 * (width - 1)) / width,
    ));
});

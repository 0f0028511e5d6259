/** `tirc surgery`: what it writes, prints and rejects. That it computes the same: test/onnx/surgery*.slow.test.ts. */

import { linkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { Workplace } from "../support/cli.ts";
import { node, onnxModel, weight } from "../support/onnx.ts";
import {
  countOf,
  weightsOfDivided as data,
  divided,
  small as model,
  operated,
  smallParts as parts,
} from "../support/surgery.ts";

test("writes the model, and says what became of each norm", async () => {
  const place = new Workplace({ "m.onnx": model });
  const { code, stdout, stderr } = await place.run(["surgery", "m.onnx", "-o", "rms.onnx", "--norm-op", "skip"]);
  expect(code).toBe(0);
  expect(stdout).toBe(`1 LayerNorm: 1 without centering
2 nodes before, 3 after; WebGPU launches: 2 before, 3 after
exact, up to the rounding of 1 weight
1 LayerNorm folded, written as SkipSimplifiedLayerNormalization
  the weights that their rows are sums of are centered once
    norm (LayerNormalization)  gamma, beta added  eps 1e-5
`);
  expect(stderr).toBe("");
  expect(place.bytes("rms.onnx").equals(operated(model).written)).toBe(true);
  expect(place.files()).toEqual(["m.onnx", "rms.onnx"]);
});

test("a norm that would be slower is left, and says so", async () => {
  const place = new Workplace({ "m.onnx": model });
  const { stdout } = await place.run(["surgery", "m.onnx", "-o", "rms.onnx"]);
  expect(stdout).toBe(`1 LayerNorm: 1 left unchanged
2 nodes before, 2 after; WebGPU launches: 2 before, 2 after
1 LayerNorm left
  the model would launch more kernels on WebGPU with an RMSNorm in its place; --norm-op skip forces
  the rewrite
    norm (LayerNormalization)  gamma, beta  eps 1e-5
`);
  expect(place.bytes("rms.onnx").equals(Buffer.from(model))).toBe(true);
});

test("--verbose names the weights", async () => {
  const place = new Workplace({ "m.onnx": model });
  const { stdout } = await place.run(["surgery", "m.onnx", "--verbose", "--norm-op", "skip"]);
  expect(stdout).toContain("        centered once: `w`\n");
  expect(stdout).toMatch(/\nw_centered: row means at most \S+ of the row's largest element\n$/);
});

test("without -o nothing is written; --report and --json have the same", async () => {
  const place = new Workplace({ "m.onnx": model });
  const { stdout } = await place.run(["surgery", "m.onnx", "--json", "--report", "r.json", "--norm-op", "skip"]);
  expect(place.files()).toEqual(["m.onnx", "r.json"]);
  expect(place.read("r.json")).toBe(stdout);
  expect(JSON.parse(stdout)).toMatchObject({
    normOp: "skip",
    norms: [{ nodes: ["norm (LayerNormalization)"], tensors: ["y"], centering: "folded" }],
    weights: [{ name: "w_centered", from: "w" }],
    centers: 0,
  });
});

test("a model on stdin, and one to stdout", async () => {
  const { bytes, stderr } = await new Workplace().run(["surgery", "-", "-o", "-", "--norm-op", "skip"], {
    stdin: model,
  });
  expect(bytes.equals(operated(model).written)).toBe(true);
  expect(stderr).toContain("norm (LayerNormalization)");
});

test("--norm-op", async () => {
  const place = new Workplace({ "new.onnx": onnxModel({ ...parts, opset: 23 }), "old.onnx": model });
  await place.run(["surgery", "new.onnx", "-o", "a.onnx", "--norm-op", "rmsnorm"]);
  await place.run(["surgery", "new.onnx", "-o", "b.onnx", "--norm-op", "simplified"]);
  expect(countOf(place.bytes("a.onnx"), "RMSNormalization")).toBe(1);
  expect(countOf(place.bytes("b.onnx"), "SimplifiedLayerNormalization")).toBe(1);
  const { stdout } = await place.run(["surgery", "old.onnx", "-o", "c.onnx", "--norm-op", "rmsnorm"]);
  expect(stdout).toContain("; operator set 17 before, 23 after");
  expect(countOf(place.bytes("c.onnx"), "RMSNormalization")).toBe(1);
});

test("--norm-op rmsnorm of a model that cannot be written in set 23", async () => {
  const last = parts.nodes?.at(-1)?.output[0] as string;
  const nodes = [...(parts.nodes ?? []), node("Shrug", [last], ["shrugged"], { name: "mine" })];
  const place = new Workplace({ "m.onnx": onnxModel({ ...parts, nodes, outputs: { shrugged: { element: "f32" } } }) });
  const { code, stderr } = await place.run(["surgery", "m.onnx", "-o", "c.onnx", "--norm-op", "rmsnorm"]);
  expect([code, place.files()]).toEqual([2, ["m.onnx"]]);
  expect(stderr).toContain("error[E0748]");
  expect(stderr).toContain("because mine (Shrug) is not known to mean the same in opset 23");
});

test("--fold", async () => {
  const weights = { ...parts.weights, v: weight("f32", [4, 2], 1, 2, 3, 4, 5, 6, 7, 8) };
  const last = parts.nodes?.at(-1)?.output[0] as string;
  const nodes = [...(parts.nodes ?? []), node("MatMul", [last, "v"], ["out"])];
  const place = new Workplace({
    "m.onnx": onnxModel({ ...parts, weights, nodes, outputs: { out: { element: "f32" } } }),
  });
  const words = ["surgery", "m.onnx", "--norm-op", "rmsnorm"];
  expect((await place.run(words)).stdout).toContain(" gamma, beta folded ");
  expect((await place.run([...words, "--fold", "gamma,beta"])).stdout).toContain(" gamma folded, beta folded ");
});

test("a model without a norm is written as it was", async () => {
  const bytes = onnxModel({ ...parts, nodes: [node("MatMul", ["x", "w"], ["y"])] });
  const place = new Workplace({ "m.onnx": bytes });
  const { code, stdout, stderr } = await place.run(["surgery", "m.onnx", "-o", "n.onnx", "--diagnostics", "short"]);
  expect([code, stdout]).toEqual([0, ""]);
  expect(stderr).toBe("warning[R0601]: there is no norm in `g`, so nothing changed\n");
  expect(place.bytes("n.onnx").equals(Buffer.from(bytes))).toBe(true);
});

describe("the model that is read stays", () => {
  test.each(["m.onnx", "./m.onnx", "link.onnx"])("-o %s", async (out) => {
    const place = new Workplace({ "m.onnx": model });
    linkSync(join(place.folder, "m.onnx"), join(place.folder, "link.onnx"));
    const { code, stderr } = await place.run(["surgery", "m.onnx", "-o", out, "--diagnostics", "short"]);
    expect(code).toBe(2);
    expect(stderr).toContain("error[E0720]: `--output` would overwrite what `tirc surgery` reads");
    expect(place.bytes("m.onnx").equals(Buffer.from(model))).toBe(true);
  });
});

describe("weights in a file beside the model", () => {
  test("are read, and stay there", async () => {
    const place = new Workplace({ "in/m.onnx": divided, "in/m.data": data });
    expect((await place.run(["surgery", "in/m.onnx", "-o", "in/rms.onnx", "--norm-op", "skip"])).code).toBe(0);
    expect(countOf(place.bytes("in/rms.onnx"), "SkipSimplifiedLayerNormalization")).toBe(1);
  });

  test("are not found from another folder, unless they are there too", async () => {
    const place = new Workplace({ "in/m.onnx": divided, "in/m.data": data, "out/other": "" });
    const refused = await place.run(["surgery", "in/m.onnx", "-o", "out/rms.onnx"]);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain("error[E0751]: out/rms.onnx would not find its weights");
    expect(refused.stderr).toContain("help: write in/rms.onnx");
    place.write("out/m.data", data);
    expect((await place.run(["surgery", "in/m.onnx", "-o", "out/rms.onnx"])).code).toBe(0);
  });
});

test("a folder that is not there: nothing is written", async () => {
  const place = new Workplace({ "m.onnx": model });
  const { code, stderr } = await place.run(["surgery", "m.onnx", "-o", "no/rms.onnx", "--diagnostics", "short"]);
  expect([code, place.files()]).toEqual([2, ["m.onnx"]]);
  expect(stderr).toContain("there is no such folder");
});

/** `tirc surgery --check`, and models that exceed the memory of a process. */

import { truncateSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { create } from "@bufbuild/protobuf";
import { TensorProto_DataLocation, TensorProtoSchema } from "onnx-buf";
import { expect, test } from "vitest";
import { buildPackage, runNode } from "../support/built.ts";
import { Workplace } from "../support/cli.ts";
import { node, onnxModel, onnxType } from "../support/onnx.ts";
import { countOf, divided, small, smallParts, weightsOfDivided } from "../support/surgery.ts";

const check = (place: Workplace, ...args: string[]) =>
  place.run(["surgery", "m.onnx", "--check", "--norm-op", "skip", "--diagnostics", "short", ...args]);

test("both models run on the same inputs, whose extents are told or chosen", async () => {
  const place = new Workplace({ "m.onnx": small });
  const { code, stdout, stderr } = await check(place);
  expect(code).toBe(0);
  expect(stdout).toMatch(/\ny: \[2, 4\] is off by \S+e-[5678] at most; its largest number is \S+\n {4}before: /);
  expect(stderr).toContain("rows = 2, as it is not given (set it with --dim rows=N)");
  const told = await check(place, "--dim", "rows=7", "--seed", "3", "--json");
  expect(JSON.parse(told.stdout)).toMatchObject({
    check: { by: "onnxruntime", extents: { rows: 7 }, outputs: [{ output: "y", shape: [7, 4] }] },
  });
  expect((await check(place, "--dim", "row=7")).stderr).toContain("error[E0711]");
});

test("weights in another file are found", async () => {
  const place = new Workplace({ "m.onnx": divided, "m.data": weightsOfDivided });
  const { code, stdout } = await check(place);
  expect([code, stdout.includes("y: [2, 4] is off by")]).toEqual([0, true]);
});

test("what is dropped without a proof shows, and is no error", async () => {
  const nodes = [node("LayerNormalization", ["x", "g", "b"], ["y"])];
  const place = new Workplace({ "m.onnx": onnxModel({ ...smallParts, nodes }) });
  const { code, stdout } = await check(place, "--mode", "lossy", "--json");
  expect(code).toBe(0);
  expect(JSON.parse(stdout).check.outputs[0].difference).toBeGreaterThan(0.1);
});

test("a model that onnxruntime does not know all ops of", async () => {
  const nodes = [node("Foo", ["x"], ["y"], { domain: "own" })];
  const { code, stderr } = await check(new Workplace({ "m.onnx": onnxModel({ ...smallParts, nodes }) }));

  expect(code).toBe(1);
  expect(stderr).toContain("error[E0753]: onnxruntime cannot run m.onnx: ");
});

test("a model of more than 2 GiB: what is not centered is not read", async () => {
  const bytes = 2 ** 31 + 4096;
  const table = create(TensorProtoSchema, {
    name: "table",
    dims: [BigInt(bytes / 16), 4n],
    dataType: onnxType.f32,
    dataLocation: TensorProto_DataLocation.EXTERNAL,
    externalData: [{ key: "location", value: "m.data" }],
  });
  const model = onnxModel({
    ...smallParts,
    inputs: { ...smallParts.inputs, ids: { element: "i64", shape: ["rows"] } },
    outputs: { ...smallParts.outputs, found: { element: "f32" } },
    tensors: [table],
    nodes: [...(smallParts.nodes ?? []), node("Gather", ["table", "ids"], ["found"])],
  });
  const place = new Workplace({ "m.onnx": model, "m.data": "" });
  truncateSync(join(place.folder, "m.data"), bytes);
  const script = `process.on("exit", () => console.error("kilobytes: " + process.resourceUsage().maxRSS));
    process.argv.splice(1, 0, "tirc");
    await import(${JSON.stringify(pathToFileURL(join(buildPackage(), "dist/src/cli/main.js")).href)});`;
  const args = ["--input-type=module", "-e", script, "surgery", "m.onnx", "-o", "rms.onnx", "--norm-op", "skip"];
  const { status, stderr } = runNode(args, { cwd: place.folder });
  expect({ status, stderr }).toMatchObject({ status: 0 });
  expect(countOf(place.bytes("rms.onnx"), "SkipSimplifiedLayerNormalization")).toBe(1);
  expect(place.bytes("rms.onnx").length).toBeLessThan(4096);
  expect(Number(/kilobytes: (\d+)/.exec(stderr)?.[1])).toBeLessThan(300_000);
}, 240_000);

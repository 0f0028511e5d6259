/** `--weights-out`, `--mode`, and what dropping centerings does to the results. */

import { expect, test } from "vitest";
import { writeSafetensors } from "../../src/formats/safetensors.ts";
import { Workplace } from "../support/cli.ts";

const program = `const w: f32[6, 4] = load("old.safetensors", "w")
const b: f32[4] = load("old.safetensors", "b")
const unused: f32[2] = [1, 2]

fn f(x: f32[rows, 6]) -> (y: f32[rows, 4], z: f32[rows, 4]) {
  return layernorm(matmul(x, w) + b, axes = [-1]), matmul(x, w)
}
`;

const numbers = (count: number, from: number) => Float32Array.from({ length: count }, (_, i) => Math.sin(from + i) + 1);
const old = writeSafetensors([
  { name: "w", tensor: { element: "f32", shape: [6, 4], data: numbers(24, 0) } },
  { name: "b", tensor: { element: "f32", shape: [4], data: numbers(4, 50) } },
]);

const place = () => new Workplace({ "in/p.tir": program, "in/old.safetensors": old, "out/.keep": "" });

test("new constants are written beside the output, which refers to both files", async () => {
  const at = place();
  const line = "compile in/p.tir --emit tir -o out/q.tir --weights-out out/new.safetensors";
  const { code, stderr } = await at.run(line.split(" "));
  expect(code).toBe(0);
  expect(stderr).toMatch(
    /^out\/new\.safetensors: w_centered, row means at most [\d.]+e-\d+ of the row's largest element\n.*b_centered, .*\n$/,
  );
  expect(at.read("out/q.tir")).toBe(`const w: f32[6, 4] = load("../in/old.safetensors", "w")
const unused: f32[2] = [1, 2]
const w_centered: f32[6, 4] @centered(-1) = load("new.safetensors", "w_centered")
const b_centered: f32[4] @centered(-1) = load("new.safetensors", "b_centered")

fn f(x: f32[rows, 6]) -> (y: f32[rows, 4], z: f32[rows, 4]) {
  let t0 = matmul(x, w_centered)
  kernel {
    let t1 = t0 + b_centered
    let y = rmsnorm(t1, axes = [-1])
  }
  let z = matmul(x, w)
  return y, z
}
`);
  expect(at.bytes("in/old.safetensors").equals(old)).toBe(true);
  expect(await at.run([...line.split(" "), "--verify-each", "exact"])).toMatchObject({ code: 0 });
  // The new program declares that its rows are centered, and gives the results of the old one.
  const norms = await at.run(["explain-norms", "out/q.tir", "--json"]);
  expect(JSON.parse(norms.stdout)).toMatchObject([{ norm: "rmsnorm", centering: "none" }]);
  const results = async (file: string, name: string) => {
    const ran = await at.run(["run", file, "--device", "cpu", "--dim", "rows=5", "--compare", "--out", `y=${name}`]);
    expect(ran).toMatchObject({ code: 0 });
    const bytes = at.bytes(name);
    return new Float32Array(bytes.buffer.slice(bytes.byteOffset + bytes.length - 80, bytes.byteOffset + bytes.length));
  };
  const [one, other] = [await results("in/p.tir", "one.npy"), await results("out/q.tir", "other.npy")];
  for (const [i, value] of one.entries()) expect(Math.abs(value - (other[i] as number))).toBeLessThan(1e-6);
});

test("where nothing is new, nothing is written", async () => {
  const at = new Workplace({ "p.tir": "fn f(x: f32[n, 4]) -> f32[n, 4] { return layernorm(x, axes = [-1]) }\n" });
  const { code, stdout, stderr } = await at.run(["compile", "p.tir", "--weights-out", "new.safetensors"]);
  expect([code, stderr]).toEqual([0, "new.safetensors is not written, as there are no new constants\n"]);
  expect(stdout).toContain("@compute");
  expect(at.files()).toEqual(["p.tir"]);
});

test("a kernel binds the new constant, whose numbers are in the file", async () => {
  const text =
    "const b: f32[4] = [1, 2, 3, 6]\nfn f(x: f32[n, 4] @centered(-1)) -> f32[n, 4] { return layernorm(x + b, axes = [-1]) }\n";
  const at = new Workplace({ "p.tir": text });
  const { stdout } = await at.run(["compile", "p.tir", "--emit", "json", "--weights-out", "new.safetensors"]);
  const { manifest } = JSON.parse(stdout) as { manifest: { bindings: { name: string; constant?: boolean }[] } };
  expect(manifest.bindings.filter(({ constant }) => constant).map(({ name }) => name)).toEqual(["b_centered"]);
  const bytes = at.bytes("new.safetensors");
  const data = new Float32Array(
    bytes.buffer.slice(bytes.byteOffset + bytes.length - 16, bytes.byteOffset + bytes.length),
  );
  expect([...data]).toEqual([-2, -1, 0, 3]);
});

test("run folds constants too, and computes them", async () => {
  const at = place();
  const passes = "raise-norms,layernorm-to-rmsnorm,eliminate-centering{fold=true}";
  const ran = await at.run(["run", "in/p.tir", "--device", "cpu", "--compare", "--passes", passes, "--remarks"]);
  expect(ran).toMatchObject({ code: 0 });
  expect(ran.stderr).toContain("R0106");
});

test("lossy mode says what it does to the results", async () => {
  const at = place();
  const ran = await at.run(["run", "in/p.tir", "--device", "cpu", "--mode", "lossy", "--diagnostics", "short"]);
  expect(ran.code).toBe(0);
  const said = /mode=lossy: `y` is off by (\S+) at most, (\S+) % of it in the root mean square\n/.exec(ran.stderr);
  expect(Number(said?.[1])).toBeGreaterThan(0.05);
  expect(Number(said?.[2])).toBeGreaterThan(1);
  expect(ran.stderr).toContain("mode=lossy: `z` is off by 0.0 at most, 0.0 % of it");
  expect(ran.stderr).toContain("warning[R0103]");
  // There is no message about data if there is none, nor in exact mode.
  expect((await at.run(["compile", "in/p.tir", "--emit", "tir", "--mode", "lossy"])).stderr).not.toContain("is off by");
  expect((await at.run(["run", "in/p.tir", "--device", "cpu"])).stderr).not.toContain("is off by");
});

test("a weight that cannot be centered is refused, and nothing is written", async () => {
  const data = Float32Array.from({ length: 4 }, (_, i) => (i === 2 ? Number.NaN : i));
  const at = new Workplace({
    "p.tir": `const b: f32[4] = load("b.safetensors", "b")
fn f(x: f32[n, 4] @centered(-1)) -> f32[n, 4] { return layernorm(x + b, axes = [-1]) }
`,
    "b.safetensors": writeSafetensors([{ name: "b", tensor: { element: "f32", shape: [4], data } }]),
  });
  const { code, stdout, stderr } = await at.run(
    "compile p.tir --emit tir --weights-out new.safetensors --diagnostics short".split(" "),
  );
  expect([code, stdout]).toEqual([1, ""]);
  expect(stderr).toContain("p.tir:1:1: error[E0671]: row 0 of the new constant `b_centered` has the mean NaN");
  expect(at.files()).toEqual(["b.safetensors", "p.tir"]);
});

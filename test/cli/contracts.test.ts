/** `tirc run --compare` checks the contracts of a program's inputs. */

import { expect, test } from "vitest";
import { writeNpy } from "../../src/formats/npy.ts";
import { Workplace } from "../support/cli.ts";

const program = (element: string) => `fn f(x: ${element}[rows, 4] @centered(-1)) -> ${element}[rows, 4] {
  return layernorm(x, axes = [-1])
}
`;

const run = (element: string, ...args: string[]) => {
  const data = Float32Array.of(1, -1, 2, -2, 1, 1, 1, 0.5, 0, 0, 0, 0);
  const npy = writeNpy({ element: "f32", shape: [3, 4], data });
  const place = new Workplace({ "p.tir": program(element), "x.npy": npy });
  return place.run([
    "run",
    "p.tir",
    "--device",
    "cpu",
    ...(args.includes("--diagnostics") ? [] : ["--diagnostics", "short"]),
    ...args,
  ]);
};

test.each(["f32", "f16"])("made-up data of %s keeps the promise", async (element) => {
  const { code, stderr } = await run(element, "--compare", "--dim", "rows=50");
  expect({ code, stderr }).toEqual({
    code: 0,
    stderr: "x is random, as it is not given (set it with --in x=FILE.npy)\n",
  });
});

test("data that breaks it is an error that names the row and its mean", async () => {
  const { code, stderr } = await run("f32", "--compare", "--in", "x=x.npy", "--diagnostics", "pretty");
  expect(code).toBe(1);
  expect(stderr).toContain("p.tir:1:6: error[E0670]");
  expect(stderr).toContain("1 of 3 rows are off; the furthest, row 1, has the mean 0.875");
});

test("without --compare nothing is checked", async () => {
  expect((await run("f32", "--in", "x=x.npy")).code).toBe(0);
});

test("a constant that breaks its promise is an error too, unless it is not read", async () => {
  const consts = "const c: f32[4] @centered(-1) = [1, 2, 3, 4]\n";
  const place = new Workplace({
    "read.tir": `${consts}fn f(x: f32[2, 4]) -> f32[2, 4] { return x + c }\n`,
    "unread.tir": `${consts}fn f(x: f32[2, 4]) -> f32[2, 4] { return x + 1 }\n`,
  });
  const run = (file: string) =>
    place.run(["run", file, "--in", "x=rand", "--device", "cpu", "--compare", "--diagnostics", "short"]);
  expect(await run("read.tir")).toMatchObject({
    code: 1,
    stderr: "read.tir:1:1: error[E0670]: `c` is declared @centered(-1), but its rows do not have mean zero\n",
  });
  expect((await run("unread.tir")).code).toBe(0);
});

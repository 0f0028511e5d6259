import { expect, test } from "vitest";
import { Names } from "../../codegen/names.ts";
import { opNames } from "../../src/ir/ops/index.ts";
import { verifyProgram } from "../../src/kernel/verify.ts";
import { compileText } from "../support/compile.ts";
import { hasTint, validateWgsl } from "../support/tint.ts";

test("a name that is free stays, a taken one gets a number", () => {
  const names = new Names();
  expect(["h", "h", "h", "h_1"].map((hint) => names.define(hint))).toEqual(["h", "h_1", "h_2", "h_1_1"]);
});

test("a scope sees the names around it, not those beside it", () => {
  const outer = new Names();
  outer.define("x");
  expect([new Names(outer).define("x"), new Names(outer).define("x")]).toEqual(["x_1", "x_1"]);
});

test("with endings, all of them are kept free", () => {
  const names = new Names();
  names.define("h_mean");
  expect(names.define("h", ["", "_mean"])).toBe("h_1");
});

test("a value that is called like workgroup memory hides none", () => {
  const { program } = compileText(`fn f(x: f32[n, 768]) -> f32[n, 768] {
  let lanes_f32 = sum(x, axes = [-1], keepdims = true) * 2
  return x * sum(x * lanes_f32, axes = [-1], keepdims = true)
}`);
  expect(verifyProgram(program)).toEqual([]);
});

test("20,000 equal hints take no quadratic time", () => {
  const names = new Names();
  const last = Array.from({ length: 20_000 }, () => names.define("t")).at(-1);
  expect(last).toBe("t_19999");
});

// Words that programs may well use, and WGSL may well know: each must be usable as a local of a kernel.
const words = `${opNames.join(" ")} input output value values weight bias group row index unit step start half lane
  lanes buffer texture sampler kernel shader vertex fragment compute uniform storage function private workgroup float
  int uint bool double long short char void null self this class struct type typename sizeof const let var override
  enable requires diagnostic alias array atomic ptr ref mat2x2 vec3 mat vec number string object new delete try catch
  throw async await yield import export from as of in is not and or xor if else for while do loop break continue
  return switch case default discard continuing fallthrough true false static final abstract virtual public
  dot cross length normalize mix distance select any all countOneBits reverseBits smoothstep step fract modf frexp
  ldexp degrees radians transpose determinant refract reflect faceForward exp log sqrt _ __x x__ _x position target
  pass filter active common set get shared precise mod resource module common std move mutable package macro where
  with template super trait`.split(/\s+/);

test.skipIf(!hasTint)("Tint takes every name", async () => {
  const names = new Names();
  const lets = [...new Set(words)].map((word) => `  let ${names.define(word)} = 1;`);
  expect(await validateWgsl(`@compute @workgroup_size(1) fn main() {\n${lets.join("\n")}\n}`)).toEqual([]);
});

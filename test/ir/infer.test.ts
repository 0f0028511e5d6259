import { expect, test } from "vitest";
import { makeOp } from "../../src/ir/builder.ts";
import { signatureOf } from "../../src/ir/infer.ts";
import type { Attributes } from "../../src/ir/ir.ts";
import type { OpName } from "../../src/ir/ops/index.ts";
import { type Dim, type ElementType, printType } from "../../src/ir/types.ts";
import { diagnosticsOf } from "../support/diagnostics.ts";
import { nowhere, parameter } from "../support/ir.ts";

type Operand = readonly [ElementType, ...Dim[]] | undefined;

function make(name: OpName, operands: readonly Operand[], attributes: Attributes = {}) {
  const values = operands.map((type, i) => type && parameter(`p${i}`, type[0], ...(type.slice(1) as Dim[])));
  return makeOp(name, values, attributes, { places: { op: nowhere } });
}

const f32 = (...shape: Dim[]): Operand => ["f32", ...shape];

test.each<[OpName, Operand[], Attributes, string]>([
  ["add", [f32("rows", 768), f32(768)], {}, "f32[rows, 768]"],
  ["add", [f32("rows", 1), f32(1, "n")], {}, "f32[rows, n]"],
  ["add", [f32(), f32()], {}, "f32"],
  ["add", [f32(0), f32(1)], {}, "f32[0]"],
  ["lt", [f32(2), f32(2, 1)], {}, "bool[2, 2]"],
  ["and", [["bool", 2], ["bool"]], {}, "bool[2]"],
  ["where", [["bool", "rows", 1], ["i32", 4], ["i32"]], {}, "i32[rows, 4]"],
  ["cast", [f32("n")], { to: "i32" }, "i32[n]"],
  ["sum", [f32("rows", 4, 5)], { axes: [-1, 0] }, "f32[4]"],
  ["sum", [f32("rows", 4, 5)], { axes: [1], keepdims: true }, "f32[rows, 1, 5]"],
  ["max", [["u32", 3]], { axes: [0] }, "u32"],
  ["layernorm", [f32("rows", 4), f32(4), f32(4)], { axes: [-1] }, "f32[rows, 4]"],
  ["layernorm", [f32("b", 2, 4), f32(2, 4)], { axes: [1, 2] }, "f32[b, 2, 4]"],
  ["layernorm", [f32("b", 4), undefined, f32(4)], { axes: [-1] }, "f32[b, 4]"],
  ["groupnorm", [f32("b", 6, "h", "w"), f32(6), f32(6)], { groups: 3 }, "f32[b, 6, h, w]"],
  ["groupnorm", [f32("b", "c")], { groups: 1 }, "f32[b, c]"],
  ["reshape", [f32("rows", 12)], { shape: ["rows", 3, 4] }, "f32[rows, 3, 4]"],
  ["reshape", [f32("rows", 12)], { shape: [-1, 4, "rows"] }, "f32[3, 4, rows]"],
  ["reshape", [f32("rows", "n")], { shape: ["n", -1] }, "f32[n, rows]"],
  ["reshape", [f32()], { shape: [1, 1] }, "f32[1, 1]"],
  ["transpose", [f32("a", "b", 3)], { perm: [2, 0, -2] }, "f32[3, a, b]"],
  ["broadcast", [f32("n")], { shape: ["rows", "n"] }, "f32[rows, n]"],
  ["constant", [], { element: "i32", value: 3 }, "i32"],
  ["matmul", [f32("rows", "k"), f32("k", 4)], {}, "f32[rows, 4]"],
  ["matmul", [f32("b", 1, "n", 8), f32(3, 8, "n")], {}, "f32[b, 3, n, n]"],
  ["matmul", [f32("b", "n", 8), f32(8)], {}, "f32[b, n]"],
  ["matmul", [f32(8), f32("b", 8, 4)], {}, "f32[b, 4]"],
  ["matmul", [f32("n"), f32("n")], {}, "f32"],
  ["linear", [f32("b", "n", 8), f32("out", 8), f32("out")], {}, "f32[b, n, out]"],
  ["linear", [f32(8), f32(3, 8)], {}, "f32[3]"],
  [
    "embedding",
    [
      ["u32", "b", "n"],
      ["f16", 50257, 768],
    ],
    {},
    "f16[b, n, 768]",
  ],
  ["embedding", [["i32"], f32("count", "width")], {}, "f32[width]"],
  ["concat", [f32("n", 4), f32("n", 2), f32("n", 1)], { axis: 1 }, "f32[n, 7]"],
  ["concat", [f32(4, "n"), f32(2, "n")], { axis: -2 }, "f32[6, n]"],
  ["slice", [f32("n", 8)], { axis: -1, start: 2, end: -1 }, "f32[n, 5]"],
  ["slice", [f32("n", 8)], { axis: -1, start: -8, end: 8 }, "f32[n, 8]"],
])("%s of %j with %j", (name, operands, attributes, type) => {
  expect(printType(make(name, operands, attributes).result.type)).toBe(type);
});

test("moments has two results", () => {
  const { results } = make("moments", [f32("rows", 4)], { axes: [-1] });
  expect(results.map(({ type }) => printType(type))).toEqual(["f32[rows]", "f32[rows]"]);
});

test("attributes have one form: defaults filled in, axes from the end and sorted", () => {
  expect(make("sum", [f32(2, 3, 4)], { axes: [2, 0] }).attributes).toEqual({ axes: [-3, -1], keepdims: false });
  expect(make("slice", [f32(4, 5)], { axis: 0, start: 0, end: 2 }).attributes).toMatchObject({ axis: -2 });
  expect(make("layernorm", [f32(4)], { axes: [0] }).attributes).toEqual({ axes: [-1], eps: 1e-5 });
  expect(make("gelu", [f32(4)]).attributes).toEqual({ approximate: "none" });
  expect(make("l2norm", [f32(4)], { axes: [0] }).attributes.eps).toBe(0);
});

const axes = { axes: [-1] };

test.each<[OpName, Operand[], Attributes, string]>([
  ["add", [f32(2), ["f16", 2]], {}, "E0203: `add` takes operands of one element type, but got f32 and f16"],
  ["where", [["bool"], f32(), ["i32"]], {}, "E0203: `where` takes operands of one element type, but got f32 and i32"],
  ["exp", [["i32", 2]], {}, "E0204: `exp` does not take i32: it takes f32, f16 or bf16"],
  ["where", [f32(), f32(), f32()], {}, "E0204: `where` does not take f32: it takes bool"],
  ["mean", [["i32", 2]], axes, "E0204: `mean` does not take i32"],
  ["add", [f32(2, 3), f32(2)], {}, "E0205: [2, 3] and [2] do not broadcast in `add`: axis -1 is 3 and 2"],
  ["add", [f32("n"), f32("m")], {}, "E0205: [n] and [m] do not broadcast in `add`: axis -1 is n and m"],
  ["add", [f32("n"), f32(4)], {}, "E0205: [n] and [4] do not broadcast in `add`: axis -1 is n and 4"],
  ["add", [f32(2)], {}, "E0206: `add` needs its operand `b`\nhelp: write `add(a, b)`"],
  ["layernorm", [undefined, f32(2)], axes, "E0206: `layernorm` needs its operand `x`"],
  ["sum", [f32(2)], { axis: [0] }, "E0208: `sum` has no operand or attribute `axis`"],
  ["exp", [f32(2)], { base: 2 }, "E0208: `exp` has no operand or attribute `base`\nhelp: `exp` has no attributes"],
  ["sum", [f32(2)], {}, "E0210: `sum` needs `axes`\nhelp: add `axes = [-1]`"],
  ["cast", [f32(2)], {}, "E0210: `cast` needs `to`\nhelp: add `to = f16`"],
  ["sum", [f32(2)], { axes: -1 }, "E0211: `axes` of `sum` must be a list of whole numbers, such as [-1], not -1"],
  ["sum", [f32(2)], { axes: [0.5] }, "E0211: `axes` of `sum` must be a list of whole numbers"],
  ["sum", [f32(2)], { ...axes, keepdims: 1 }, "E0211: `keepdims` of `sum` must be true or false, not 1"],
  [
    "cast",
    [f32(2)],
    { to: "f64" },
    'E0211: `to` of `cast` must be an element type (f32, f16, bf16, f8e4m3, f8e5m2, i32, u32, i8, u8, bool), not "f64"',
  ],
  ["elu", [f32(2)], { alpha: true }, "E0211: `alpha` of `elu` must be a number, not true"],
  ...[Number.NaN, -1e-5, Infinity, 1e39].map((eps): [OpName, Operand[], Attributes, string] => [
    "rmsnorm",
    [f32(2)],
    { ...axes, eps },
    `E0211: \`eps\` of \`rmsnorm\` must be 0 or a positive number that f32 can hold, not ${eps}\nhelp: write \`eps = 1e-5\``,
  ]),
  ["var", [f32(2)], { ...axes, correction: -1 }, "E0211: `correction` of `var` must be a whole number of at least 0"],
  [
    "groupnorm",
    [f32(1, 2)],
    { groups: 0 },
    "E0211: `groups` of `groupnorm` must be a whole number of at least 1, not 0",
  ],
  ["gelu", [f32(2)], { approximate: "tan" }, 'E0211: `approximate` of `gelu` cannot be "tan"\nhelp: did you mean'],
  ["gelu", [f32(2)], { approximate: 1 }, 'E0211: `approximate` of `gelu` must be one of "none", "tanh", not 1'],
  [
    "reshape",
    [f32(2)],
    { shape: [1.5] },
    "E0211: `shape` of `reshape` must be a list of whole numbers and dimension names",
  ],
  [
    "sum",
    [f32(2, 3)],
    { axes: [2] },
    "E0212: `sum` names axis 2, which [2, 3] does not have\nnote: axes of [2, 3] run from -2 to 1",
  ],
  ["sum", [f32()], axes, "E0212: `sum` names axis -1, which [] does not have\nnote: a scalar has no axes"],
  ["sum", [f32(2, 3)], { axes: [1, -1] }, "E0213: `sum` names axis 1 twice"],
  ["sum", [f32(2, 3)], { axes: [] }, "E0214: `sum` needs at least one axis"],
  [
    "layernorm",
    [f32("rows", 4), f32("rows", 4)],
    axes,
    "E0215: `gamma` of `layernorm` must have shape [4], but has [rows, 4]",
  ],
  ["rmsnorm", [f32("rows", 4), f32(1)], axes, "E0215: `gamma` of `rmsnorm` must have shape [4], but has [1]"],
  [
    "groupnorm",
    [f32(1, 6), undefined, f32(3)],
    { groups: 2 },
    "E0215: `beta` of `groupnorm` must have shape [6], but has [3]",
  ],
  ["groupnorm", [f32(6)], { groups: 2 }, "E0216: `groupnorm` takes [batch, channel, ...], not [6]"],
  ["groupnorm", [f32(1, 6)], { groups: 4 }, "E0217: 4 groups do not divide 6 channels"],
  ["groupnorm", [f32(1, "c")], { groups: 2 }, "E0217: 2 groups do not divide c channels"],
  [
    "reshape",
    [f32(6)],
    { shape: [4] },
    "E0218: `reshape` is not possible: [6] and [4] have different numbers of elements",
  ],
  ["reshape", [f32("n")], { shape: [4] }, "E0218: `reshape` is not possible: [n] and [4] have different"],
  ["reshape", [f32(6)], { shape: [-1, -1] }, "E0218: `reshape` is not possible: only one extent can be -1"],
  ["reshape", [f32(6)], { shape: [-1, 4] }, "E0218: `reshape` is not possible: no single extent for -1 makes [-1, 4]"],
  ["reshape", [f32(6)], { shape: [-2, -3] }, "E0218: `reshape` is not possible: an extent cannot be negative"],
  [
    "transpose",
    [f32(2, 3)],
    { perm: [0] },
    "E0218: `transpose` is not possible: perm must name each of the 2 axes of [2, 3] once",
  ],
  ["transpose", [f32(2, 3)], { perm: [0, 0] }, "E0218: `transpose` is not possible: perm must name"],
  ["broadcast", [f32(2, 3)], { shape: [3] }, "E0218: `broadcast` is not possible: [2, 3] does not broadcast to [3]"],
  ["matmul", [f32(2, 3), ["f16", 3, 2]], {}, "E0203: `matmul` takes operands of one element type"],
  [
    "matmul",
    [
      ["i32", 2, 3],
      ["i32", 3, 2],
    ],
    {},
    "E0204: `matmul` does not take i32",
  ],
  ["embedding", [f32("n"), f32(8, 4)], {}, "E0204: `embedding` does not take f32: it takes i32 or u32"],
  ["matmul", [f32(), f32(2)], {}, "E0230: `a` of `matmul` must be a vector or a matrix, but is a scalar"],
  ["matmul", [f32(2), f32()], {}, "E0230: `b` of `matmul` must be a vector or a matrix, but is a scalar"],
  ["linear", [f32(), f32(2, 1)], {}, "E0230: `x` of `linear` must be [..., in], but is a scalar"],
  ["linear", [f32(4), f32(2, 3, 4)], {}, "E0230: `weight` of `linear` must be [out, in], but is [2, 3, 4]"],
  ["linear", [f32(4), f32("o", 4), f32(4)], {}, "E0230: `bias` of `linear` must be [o], but is [4]"],
  ["linear", [f32(4), f32("o", 4), f32()], {}, "E0230: `bias` of `linear` must be [o], but is a scalar"],
  ["embedding", [["i32", 3], f32(8)], {}, "E0230: `table` of `embedding` must be [count, width], but is [8]"],
  ["matmul", [f32("n", 3), f32(2, 3)], {}, "E0231: `matmul` sums over 3 of `a` and 2 of `b`"],
  ["matmul", [f32("n", "k"), f32("m", "n")], {}, "E0231: `matmul` sums over k of `a` and m of `b`"],
  ["matmul", [f32("n", 3), f32(1)], {}, "E0231: `matmul` sums over 3 of `a` and 1 of `b`"],
  [
    "matmul",
    [f32("b", "n", 3), f32("b", "n", 3)],
    {},
    "`b`\nnote: the two must be the same number or the same name\nhelp: `b` fits transposed: `transpose(b, perm = [0, 2, 1])`",
  ],
  ["linear", [f32("n", 3), f32(3, 2)], {}, "E0231: `linear` sums over 3 of `x` and 2 of `weight`"],
  ["matmul", [f32(3, 2, 4), f32(2, 4, 5)], {}, "E0232: the batch dimensions [3] and [2] of `matmul` do not broadcast"],
  ["concat", [f32(2, 3), f32(3, 2)], { axis: 0 }, "E0233: `concat` cannot join [3, 2] (`b`) to [2, 3] along axis -2"],
  ["concat", [f32(2), f32(2), f32(2, 2)], { axis: 0 }, "E0233: `concat` cannot join [2, 2] (`c`) to [2]"],
  ["concat", [f32(2), f32("n")], { axis: 0 }, "E0234: `concat` needs a number for axis -1 of `b`, which is `n`"],
  ["concat", [f32(), f32()], { axis: 0 }, "E0212: `concat` names axis 0, which [] does not have"],
  ["concat", [f32(2), f32(3)], {}, "E0210: `concat` needs `axis`\nhelp: add `axis = -1`"],
  ["concat", [f32(2), f32(3)], { axis: [0] }, "E0211: `axis` of `concat` must be one axis: a whole number, -1 for"],
  [
    "slice",
    [f32("n")],
    { axis: 0, start: 0, end: 1 },
    "E0234: `slice` needs a number for axis -1 of `x`, which is `n`",
  ],
  ["iota", [], { shape: [-1], axis: 0 }, "E0218: `iota` is not possible: an extent cannot be negative"],
  [
    "dropout",
    [f32(4), ["u32"], ["u32"]],
    { p: 1 },
    "E0211: `p` of `dropout` must be at least 0 and less than 1, not 1",
  ],
  ["dropout", [f32(4), ["u32", 4], ["u32"]], {}, "E0230: `seed` of `dropout` must be a scalar, but is [4]"],
  ["size", [], { shape: [2, -1] }, "E0218: `size` is not possible: an extent cannot be negative"],
  ["linear_index", [], { shape: [-1] }, "E0218: `linear_index` is not possible: an extent cannot be negative"],
  ["broadcast", [f32(4)], { shape: [-1, 4] }, "E0218: `broadcast` is not possible: an extent cannot be negative"],
  ["embedding_grad", [["i32", 3], f32(3, 4)], { shape: [-1, 4] }, "`shape`"],
  ["cumsum", [f32(3, 4)], { axis: 2 }, "E0212"],
  ["cumsum", [f32()], { axis: 0 }, "E0212"],
  ["slice", [f32(4)], { axis: 0, start: 0, end: 5 }, "E0235: `end` of `slice` is 5, but axis -1 has 4 elements"],
  ["slice", [f32(4)], { axis: 0, start: -5, end: 4 }, "E0235: `start` of `slice` is -5, but axis -1 has 4 elements"],
  ["slice", [f32(4)], { axis: 0, start: -1, end: 1 }, "E0235: `slice` ends at 1, before it begins at 3"],
  ["slice", [f32(4)], { axis: 0, start: 0.5, end: 1 }, "E0211: `start` of `slice` must be a whole number, not 0.5"],
])("%s of %j with %j is refused", (name, operands, attributes, message) => {
  const found = diagnosticsOf(() => make(name, operands, attributes));
  expect(found).toHaveLength(1);
  expect(found[0]).toContain(message);
});

test("a message points at the part that is wrong", () => {
  const at = (start: number) => ({ ...nowhere, start, end: start + 1 });
  const places = { op: at(0), operands: [at(1), at(2), at(4)], attributes: { axes: at(3), axis: at(5), end: at(6) } };
  const spanOf = (name: OpName, attributes: Attributes, ...operands: Operand[]) => {
    const values = operands.map((type, i) => type && parameter(`p${i}`, type[0], ...(type.slice(1) as Dim[])));
    try {
      makeOp(name, values, attributes, { places });
    } catch (caught) {
      return (caught as { diagnostics: { span: typeof nowhere }[] }).diagnostics[0]?.span.start;
    }
    return undefined;
  };
  expect(spanOf("add", {}, f32(2), ["bool", 2])).toBe(2);
  expect(spanOf("sum", { axes: [7] }, f32(2))).toBe(3);
  expect(spanOf("add", {}, f32(2), f32(3))).toBe(0);
  expect(spanOf("matmul", {}, f32(), f32(2))).toBe(1);
  expect(spanOf("matmul", {}, f32(3), f32(2))).toBe(2);
  expect(spanOf("matmul", {}, f32(3, 1, 1), f32(2, 1, 1))).toBe(2);
  expect(spanOf("linear", {}, f32(3), f32(2, 3), f32(3))).toBe(4);
  expect(spanOf("concat", { axis: 7 }, f32(3), f32(2))).toBe(5);
  expect(spanOf("concat", { axis: 0 }, f32(3), f32(2), f32(3, 3))).toBe(4);
  expect(spanOf("concat", { axis: 0 }, f32(3), f32("n"))).toBe(2);
  expect(spanOf("slice", { axis: 0, start: 0, end: 9 }, f32(3))).toBe(6);
});

test("how an op is called", () => {
  expect(signatureOf("layernorm")).toBe("layernorm(x, gamma?, beta?, axes = ..., eps = 0.00001)");
  expect(signatureOf("gelu")).toBe('gelu(x, approximate = "none")');
  expect(signatureOf("where")).toBe("where(cond, a, b)");
});

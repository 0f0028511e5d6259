import { describe, expect, test } from "vitest";
import { type Axis, indexAlong, inUnits, isVectorizable, onceAlong, stridesOf } from "../../codegen/access.ts";
import { extentOf } from "../../codegen/extent.ts";
import { read, u32 } from "../../codegen/kernel/expression.ts";
import { ExpressionPrinter } from "../../codegen/kernel/print-wgsl.ts";
import { Atom } from "../../src/ir/atoms.ts";

const printer = new ExpressionPrinter((dim) => `dims.${dim}`);
const index = read({ name: "i", type: u32, isMutable: false });
const [n, h, d] = [new Atom("n"), new Atom(12), new Atom(64)];
const axes = (...atoms: Atom[]): Axis[] => atoms.map((atom) => ({ atom, extent: extentOf(atom.extent) }));

describe("indexAlong", () => {
  const along = (buffer: Atom[], walk: Atom[]) =>
    indexAlong(stridesOf(buffer.map((atom) => [atom])), axes(...walk), index).map((term) => printer.print(term));

  test("neighbours in the walk and in the buffer are one run", () => {
    expect(along([n, h, d], [n, h, d])).toEqual(["i"]);
    expect(along([n, h, d], [n, h])).toEqual(["i * 64u"]);
    expect(along([n, h, d], [n])).toEqual(["i * 768u"]);
  });

  test("others are taken apart", () => {
    expect(along([h, n, d], [n, h])).toEqual(["(i / 12u) * 64u", "(i % 12u) * (dims.n * 64u)"]);
    expect(along([d], [n, h, d])).toEqual(["i % 64u"]);
    expect(along([n, d], [n, h, d])).toEqual(["(i / 768u) * 64u", "i % 64u"]);
  });

  test("what the buffer lacks decides nothing", () => {
    expect(along([d], [n, h])).toEqual([]);
  });
});

describe("onceAlong", () => {
  const once = (buffer: Atom[], walk: Atom[]) =>
    onceAlong(stridesOf(buffer.map((atom) => [atom])), axes(...walk), index).map((term) => printer.print(term));

  test("a buffer with every axis is written by all", () => expect(once([n, h], [n, h])).toEqual([]));
  test("one with none is written at the start", () => expect(once([d], [n, h])).toEqual(["i == 0u"]));
  test("one with some is written where the others are 0", () => {
    expect(once([n], [n, h])).toEqual(["i % 12u == 0u"]);
    expect(once([h], [n, h])).toEqual(["i / 12u == 0u"]);
  });
});

test("vectors need neighbours along the last axis", () => {
  expect(isVectorizable(stridesOf([[n], [h], [d]]), d, 4)).toBe(true);
  expect(isVectorizable(stridesOf([[n], [d], [h]]), d, 4)).toBe(false);
  const strides = inUnits(stridesOf([[n], [h], [d]]), d, 4);
  expect([...strides.values()].map(({ factor }) => factor)).toEqual([1, 16, 192]);
});

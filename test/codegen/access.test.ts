import { describe, expect, test } from "vitest";
import { type Axis, accessOf, indexAlong, onceAlong, splitUse, stridesOf } from "../../codegen/access.ts";
import { extentOf } from "../../codegen/extent.ts";
import type { Along } from "../../codegen/nodes.ts";
import { affine, within } from "../../codegen/place-along.ts";
import { ownNames, WgslPrinter } from "../../codegen/print-wgsl.ts";
import { Atom } from "../../src/ir/atoms.ts";
import { read } from "../../src/kernel/expression.ts";
import { u32 } from "../../src/kernel/types.ts";

const printer = new WgslPrinter({ ...ownNames, dimension: (dim) => `dims.${dim}` });
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

describe("a unit of four elements", () => {
  const access = (...dims: Atom[]) => accessOf({ dims: dims.map((atom) => [atom]) }, d, 4);

  test("is read as a vector where they are neighbours along the last axis", () => {
    expect(access(n, h, d)).toBe("unit");
    expect(access(n, d, h)).toBeUndefined();
    expect(access(n, h)).toBe("element");
    const { strides } = splitUse({ dims: [[n], [h], [d]] }, { vector: d, width: 4 });
    expect([...strides.values()].map(({ factor }) => factor)).toEqual([1, 16, 192]);
  });

  const walked: Along = { kind: "atom", atom: d };
  const whole = new Atom(128);
  const moved = (place: Along, dims = [n, whole]) =>
    accessOf({ dims: dims.map((atom) => [atom]), moves: new Map([[whole, place]]) }, d, 4);

  test("is read at another place where that is a multiple of four from the walk's", () => {
    expect(moved(affine(walked, 1, 64))).toBe("unit");
    expect(moved(affine(walked, 1, 62))).toBeUndefined();
    expect(moved(affine(walked, 2, 0))).toBeUndefined();
    expect(moved(affine(walked, 0, 3))).toBe("element");
    expect(moved({ kind: "reverse", of: walked, extent: extentOf(64) })).toBeUndefined();
    expect(moved(affine(walked, 1, 64), [whole, n])).toBeUndefined();
  });

  test("lies on one side of a seam", () => {
    const part = affine(walked, 1, -32);
    expect(moved(within(part, extentOf(32)))).toBe("unit");
    expect(moved(within(part, extentOf(30)))).toBeUndefined();
    expect(moved(within(affine(walked, 1, -30), extentOf(32)))).toBeUndefined();
  });

  test("is in one row where rows are reshaped", () => {
    expect(moved({ kind: "quotient", of: walked, by: 16 })).toBe("element");
    expect(moved({ kind: "remainder", of: walked, by: 16 })).toBe("unit");
    expect(moved({ kind: "remainder", of: walked, by: 6 })).toBeUndefined();
    expect(moved({ kind: "quotient", of: walked, by: 2 })).toBeUndefined();
  });
});

import { describe, expect, test } from "vitest";
import { Atom, AtomTable, leavesOf } from "../../src/ir/atoms.ts";

const extents = (atoms: Iterable<Atom>) => leavesOf(atoms).map((atom) => atom.extent);

describe("unify", () => {
  test("atoms of equal extent become one", () => {
    const table = new AtomTable();
    const [a, b] = [table.fresh("rows"), table.fresh("rows")];
    expect(table.unify(a, b)).toBeUndefined();
    expect(leavesOf(a)).toEqual(leavesOf(b));
  });

  test("the larger atom is cut at the smaller one, from the end", () => {
    const table = new AtomTable();
    const whole = table.fresh(768);
    const cut = [new Atom(12), new Atom(64)];
    expect(table.unify(whole, cut)).toBeUndefined();
    expect(extents(whole)).toEqual([12, 64]);
    expect(leavesOf(whole)).toEqual(leavesOf(cut));
  });

  test("extents that do not divide one another are refused", () => {
    const table = new AtomTable();
    expect(table.unify([new Atom(6), new Atom(4)], [new Atom(4), new Atom(6)])).toMatch(/do not divide/);
  });

  test("two names are never walked as one", () => {
    const table = new AtomTable();
    expect(table.unify(table.fresh("a"), table.fresh("b"))).toMatch(/do not divide/);
  });

  test("two axes of one tensor are never walked as one, whatever they were merged with before", () => {
    const table = new AtomTable();
    const [a, b, c] = [new Atom("n"), new Atom("n"), new Atom("n")];
    table.keepApart([a, b]);
    expect(table.unify([a], [c])).toBeUndefined();
    expect(table.unify([c], [b])).toMatch(/two axes of one tensor/);
  });

  test("a failed attempt leaves nothing behind", () => {
    const table = new AtomTable();
    const whole = table.fresh(24);
    const parts = [new Atom(5), new Atom(6)];
    expect(table.try(() => table.unify(whole, parts))).toMatch(/do not divide/);
    expect(extents(whole)).toEqual([24]);
    expect(extents(parts)).toEqual([5, 6]);
  });
});

describe("distribute", () => {
  const dims = (atoms: Atom[], shape: (number | string)[]) => {
    const result = new AtomTable().distribute(atoms, shape);
    return typeof result === "string" ? result : result.map((list) => extents(list));
  };

  test("cuts, joins and keeps axes", () => {
    expect(dims([new Atom("n"), new Atom(768)], ["n", 12, 64])).toEqual([["n"], [12], [64]]);
    expect(dims([new Atom("n"), new Atom(12), new Atom(64)], ["n", 768])).toEqual([["n"], [12, 64]]);
    expect(dims([new Atom(768)], [1, 768, 1])).toEqual([[], [768], []]);
  });

  test("refuses what cuts across axes", () => {
    expect(dims([new Atom(6), new Atom(4)], [4, 6])).toMatch(/does not end where an axis/);
    expect(dims([new Atom("a"), new Atom("b")], ["b", "a"])).toMatch(/does not end where an axis/);
  });
});

/** Unique names. */

import { expect, test } from "vitest";
import { FreshNames } from "../../src/ir/fresh-names.ts";

test("a name is handed out once, and then with a number", () => {
  const names = new FreshNames(["taken", "x_2"]);
  expect(["x", "x", "x", "y", "x"].map((name) => names.next(name))).toEqual(["x", "x_1", "x_3", "y", "x_4"]);
  expect(names.next("taken")).toBe("taken_1");
  // Generated names count as taken too.
  expect(names.next("x_1")).toBe("x_1_1");
});

test("a caller may say how a number is added", () => {
  const names = new FreshNames();
  const next = () => names.next("f_1", (n) => `f_${n + 1}`);
  expect([next(), next(), next()]).toEqual(["f_1", "f_2", "f_3"]);
});

test("numbers are counted, not tried from the first on", () => {
  const names = new FreshNames();
  let tried = 0;
  for (let i = 0; i < 1000; i++)
    names.next("x", (n) => {
      tried++;
      return `x_${n}`;
    });
  expect(tried).toBe(999);
});

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { checkShared, type Known, readHash, writeHash } from "../../playground/model/link.ts";

describe("the program in the address", () => {
  test("comes back as it was", async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: "binary" }), async (text) => {
        expect(await readHash(await writeHash({ text, target: "portable" }))).toEqual({ text, target: "portable" });
      }),
      { numRuns: 50 },
    );
  });

  test("uses only signs that an address keeps", async () => {
    const text = Array.from({ length: 500 }, (_, i) => String.fromCodePoint(32 + ((i * 7919) % 5000))).join("");
    expect(await writeHash({ text })).toMatch(/^#code=[\w-]+$/);
  });

  test("a program of 200 lines takes less room than itself", async () => {
    const text = "  let a = layernorm(x, gamma, beta, axes = [-1])\n".repeat(200);
    expect((await writeHash({ text })).length).toBeLessThan(text.length / 10);
  });

  test("an example goes by its name", async () => {
    expect(await writeHash({ example: "bert-output" })).toBe("#example=bert-output");
    expect(await readHash("#example=bert-output")).toEqual({ example: "bert-output" });
  });

  test("the target, the tab and the sizes go with it", async () => {
    const shared = { example: "vit-block", target: "gpu-f16", tab: "run", dims: { batch: "3", K_2: "64" } };
    expect(await writeHash(shared)).toBe("#example=vit-block&target=gpu-f16&tab=run&dim.batch=3&dim.K_2=64");
    expect(await readHash(await writeHash(shared))).toEqual(shared);
  });

  test("a size that is not written to its end stays out", async () => {
    expect(await writeHash({ example: "a", dims: { rows: "", n: "1.5", m: "7" } })).toBe("#example=a&dim.m=7");
  });

  test("no hash is no program", async () => {
    expect(await readHash("")).toEqual({});
  });

  test.each(["#code=%%%", "#code=AAAA", "#code=!!", "#code="])("%s is said to be damaged", async (hash) => {
    await expect(readHash(hash)).rejects.toThrow("cut off or changed on the way");
  });

  test("one that is cut off is said to be damaged", async () => {
    const hash = await writeHash({ text: "fn f(x: f32[4]) -> f32[4] { return exp(x) }" });
    await expect(readHash(hash.slice(0, -8))).rejects.toThrow("cut off or changed on the way");
  });

  test("what inflates to very much is refused", async () => {
    const hash = await writeHash({ text: " ".repeat(3_000_000) });
    await expect(readHash(hash)).rejects.toThrow("cannot be read");
  });
});

describe("what cannot be used of an address is said", () => {
  const known: Known = { examples: ["bert-output"], targets: ["portable"], tabs: ["passes", "run"] };

  test.each([
    ["#example=berd-output", {}, "the example `berd-output`, which does not exist"],
    ["#example=bert-output&target=abacus", { example: "bert-output" }, "the target `abacus`, which does not exist"],
    ["#example=bert-output&tab=__proto__", { example: "bert-output" }, "the tab `__proto__`, which does not exist"],
    ["#tab=run&dim.rows=many", { tab: "run", dims: {} }, "`rows` the extent `many`, which is not a whole number"],
    ["#dim.rows=-1&dim.n=2", { dims: { n: "2" } }, "`rows` the extent `-1`, which is not a whole number"],
  ])("%s", async (hash, usable, words) => {
    const { shared, problems } = checkShared(await readHash(hash), known);
    expect(shared).toEqual(usable);
    expect(problems).toEqual([expect.stringContaining(words)]);
  });

  test("nothing, where all of it can be", async () => {
    const hash = "#example=bert-output&target=portable&tab=passes&dim.rows=4";
    const { shared, problems } = checkShared(await readHash(hash), known);
    expect(shared).toEqual(await readHash(hash));
    expect(problems).toEqual([]);
  });
});

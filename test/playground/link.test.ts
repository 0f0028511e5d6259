import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readHash, writeHash } from "../../playground/model/link.ts";

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

import { expect, test } from "vitest";
import { programs, wrongPrograms } from "./corpus.ts";
import { expectAgreement } from "./expect-agreement.ts";
import { mutated, randomNumbers } from "./mutate.ts";

const count = Number(process.env.TIRC_FUZZ_RUNS ?? 200) * 10;

test(`the grammar and the parser agree on ${count} mutants`, { timeout: 900_000 }, () => {
  const random = randomNumbers(6);
  // In a long text one edit changes little, and matching the whole text takes long.
  const texts = [...programs(), ...wrongPrograms()].filter((text) => text.length < 1200);
  let accepted = 0;
  for (let i = 0; i < count; i++) {
    accepted += Number(expectAgreement(mutated(texts[i % texts.length] as string, random)));
  }
  expect(accepted).toBeGreaterThan(count / 20);
  expect(accepted).toBeLessThan(0.9 * count);
});

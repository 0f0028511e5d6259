import { expect, test } from "vitest";
import { programs, wrongPrograms } from "./corpus.ts";
import { expectAgreement } from "./expect-agreement.ts";
import { mutated, randomNumbers } from "./mutate.ts";

test("the grammar and the parser agree on 20,000 mutants", { timeout: 900_000 }, () => {
  const random = randomNumbers(6);
  // Of what is long, one edit changes little, and matching it as a whole takes long.
  const texts = [...programs(), ...wrongPrograms()].filter((text) => text.length < 1200);
  let accepted = 0;
  for (let i = 0; i < 20_000; i++) {
    accepted += Number(expectAgreement(mutated(texts[i % texts.length] as string, random)));
  }
  expect(accepted).toBeGreaterThan(1000);
  expect(accepted).toBeLessThan(18_000);
});

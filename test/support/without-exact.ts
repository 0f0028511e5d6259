/** For tests that run passes on hundreds of programs and compare numbers: others hold passes to exact arithmetic. */

import { afterAll, beforeAll } from "vitest";
import { verification } from "../../src/pass-manager/exact-check.ts";

/** In this file, or this `describe`, passes are checked to be well formed alone. */
export function withoutExact(): void {
  const usual = verification.byDefault;
  beforeAll(() => {
    verification.byDefault = true;
  });
  afterAll(() => {
    verification.byDefault = usual;
  });
}

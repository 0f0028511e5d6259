import { expect } from "vitest";
import { gpuTest, openTestDevice } from "./gpu.ts";

gpuTest("a test file has one device, with a name", async ({ gpu }) => {
  expect(await openTestDevice()).toBe(gpu);
  expect(gpu.description).not.toBe("");
  expect(gpu.target.limits.maxComputeInvocationsPerWorkgroup).toBeGreaterThanOrEqual(128);
});

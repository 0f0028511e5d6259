import { expect } from "vitest";
import { driverTest, gpuTest, openTestDevice } from "./gpu.ts";

gpuTest("a test file has one device, with a name", async ({ gpu }) => {
  expect(await openTestDevice()).toBe(gpu);
  expect(gpu.description).not.toBe("");
  expect(gpu.target.limits.maxComputeInvocationsPerWorkgroup).toBeGreaterThanOrEqual(128);
});

driverTest("a driver's test runs on that driver", async (gpu, driver) => {
  const software = { lavapipe: "llvmpipe", swiftshader: "SwiftShader", hardware: undefined }[driver];
  if (software === undefined) expect(gpu.description).not.toContain("software");
  else expect(gpu.description).toContain(software);
});

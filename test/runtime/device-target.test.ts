import { expect, test } from "vitest";
import { isSoftware } from "../../src/launch/choose.ts";
import { targetFromAdapter, targetFromDevice } from "../../src/runtime/device-target.ts";
import { checkTarget, defaultLimits } from "../../src/target/target.ts";
import { gpuTest } from "../support/gpu.ts";

const info = (parts: Partial<GPUAdapterInfo>) =>
  ({ vendor: "", architecture: "", device: "", description: "", ...parts }) as GPUAdapterInfo;

function adapter(features: string[], parts: Partial<GPUAdapterInfo>) {
  const limits = { ...defaultLimits, maxComputeInvocationsPerWorkgroup: 1024, maxTextureDimension1D: 8192 };
  return {
    features: new Set(features) as unknown as GPUSupportedFeatures,
    limits: limits as unknown as GPUSupportedLimits,
    info: info(parts),
  };
}

test("an adapter's profile has its useful features and the limits that the compiler asks for", () => {
  const described = { vendor: "nvidia", architecture: "hopper", subgroupMinSize: 32, subgroupMaxSize: 32 };
  expect(targetFromAdapter(adapter(["subgroups", "texture-compression-bc"], described))).toEqual({
    name: "nvidia-hopper",
    kind: "gpu",
    features: ["subgroups"],
    subgroup: { min: 32, max: 32 },
    limits: { ...defaultLimits, maxComputeInvocationsPerWorkgroup: 1024 },
  });
});

test.each([
  ["amd", 32, 64, 64],
  ["intel", 8, 32, 16],
  ["intel", 16, 32, undefined],
  ["qualcomm", 64, 128, undefined],
  ["nvidia", 32, 32, undefined],
])("kernels for %s, which takes %i to %i lanes, ask for %s", (vendor, min, max, size) => {
  const described = { vendor, subgroupMinSize: min, subgroupMaxSize: max };
  const { features, subgroup } = targetFromAdapter(adapter(["subgroups", "subgroup-size-control"], described));
  expect(subgroup).toEqual({ min, max, ...(size && { size }) });
  expect(features).toEqual(size ? ["subgroups", "subgroup-size-control"] : ["subgroups"]);
});

test("what an adapter does not say: no name, and subgroup sizes as far apart as WebGPU has them", () => {
  expect(targetFromAdapter(adapter(["shader-f16", "subgroups"], {}))).toMatchObject({
    name: "adapter",
    features: ["subgroups", "shader-f16"],
    subgroup: { min: 4, max: 128 },
  });
  expect(targetFromAdapter(adapter([], { vendor: "arm" }))).not.toHaveProperty("subgroup");
});

test.each([
  [{ architecture: "swiftshader", device: "swiftshader-device-subzero" }, true],
  [{ device: "llvmpipe (LLVM 15.0.6, 256 bits)" }, true],
  [{ description: "Microsoft Basic Render Driver" }, true],
  [{ vendor: "google", isFallbackAdapter: true }, true],
  [{ vendor: "nvidia", device: "NVIDIA H200", description: "NVIDIA: 550.54" }, false],
  [{ vendor: "apple", architecture: "metal-3" }, false],
] as const)("%j is software: %s", (parts, expected) => {
  expect(isSoftware(info(parts))).toBe(expected);
});

gpuTest("a device's profile is one that a file may hold", async ({ gpu }) => {
  const target = targetFromDevice(gpu.device);
  expect(checkTarget(JSON.parse(JSON.stringify(target)), "device")).toEqual(target);
  expect(gpu.target).toEqual(target);
});

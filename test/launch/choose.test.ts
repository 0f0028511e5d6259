/** Which of the kernels of a function a device takes, and which kernels there are to choose from. */

import { describe, expect, test } from "vitest";
import { distinctKernels } from "../../codegen/variants.ts";
import { compileVariants } from "../../src/driver/compile.ts";
import { compact } from "../../src/emit/compact-manifest.ts";
import { type DeviceTraits, formFor, lackOf } from "../../src/launch/choose.ts";
import type { Form } from "../../src/launch/types.ts";
import { parse } from "../../src/parse/parse.ts";
import type { Kernel } from "../../src/target/manifest.ts";
import { defaultLimits } from "../../src/target/target.ts";
import { handKernel } from "../support/hand-kernel.ts";

const norm = (element: string) =>
  `fn f(x: ${element}[rows, 256], y: ${element}[rows, 256]) -> ${element}[rows, 256] { return rmsnorm(x + y, axes = [-1]) }`;
const kernelsOf = (text: string) => compileVariants(parse(text)).kernels[0] as readonly Kernel[];
const norms = { f32: kernelsOf(norm("f32")), f16: kernelsOf(norm("f16")) };
const targetsOf = (kernels: readonly Kernel[]) => kernels.map(({ manifest }) => manifest.target);

/** The target of the form that a device takes. */
function targetFor(traits: DeviceTraits, forms: readonly Kernel[]): string {
  const given = forms.map(({ wgsl, manifest }): Form => [wgsl, compact(manifest)]);
  return (forms[given.indexOf(formFor(traits, given))] as Kernel).manifest.target;
}

function device(features: readonly string[], info: Partial<GPUAdapterInfo> | undefined): DeviceTraits {
  const adapterInfo =
    info && ({ vendor: "", architecture: "", device: "", description: "", ...info } as GPUAdapterInfo);
  return {
    features: new Set(features) as unknown as GPUSupportedFeatures,
    limits: defaultLimits as unknown as GPUSupportedLimits,
    ...(adapterInfo && { adapterInfo }),
  };
}

describe("a module has each kernel that differs", () => {
  test("with subgroups and without, for processors and GPUs", () => {
    expect(targetsOf(norms.f32)).toEqual(["gpu-subgroup-32", "swiftshader", "portable"]);
  });
  test("and with 16-bit floats where there are any", () => {
    expect(targetsOf(norms.f16)).toEqual([
      ...["gpu-f16-subgroup-32", "gpu-subgroup-32", "swiftshader", "gpu-f16", "portable"],
    ]);
  });
  test("of elementwise ops one for GPUs and one for processors", () => {
    const text = "fn f(x: f32[n]) -> f32[n] { return exp(x) }";
    expect(targetsOf(kernelsOf(text))).toEqual(["swiftshader", "portable"]);
  });
  test.each([4, 32, 64, 256])("and the last, for every device, is the portable one: rows of %i", (columns) => {
    const body = ["rmsnorm(x, axes = [-1])", "softmax(x, axes = [-1])", "tanh(x) * 2.0"];
    for (const value of body) {
      const forms = kernelsOf(`fn f(x: f32[rows, ${columns}]) -> f32[rows, ${columns}] { return ${value} }`);
      expect(forms.at(-1)?.manifest.target).toBe("portable");
      const gpu = targetFor(device(["subgroups"], { subgroupMinSize: 32 }), forms);
      expect(gpu).toMatch(/portable|gpu/);
    }
  });
});

describe("takes the first that runs of its kind", () => {
  const both = ["subgroups", "shader-f16"];
  test.each([
    ["a GPU with wide subgroups", both, { subgroupMinSize: 32 }, "gpu-subgroup-32", "gpu-f16-subgroup-32"],
    ["wider ones", both, { subgroupMinSize: 64 }, "gpu-subgroup-32", "gpu-f16-subgroup-32"],
    ["narrow ones", both, { subgroupMinSize: 8 }, "portable", "gpu-f16"],
    ["ones of unknown size", both, undefined, "portable", "gpu-f16"],
    ["no features asked for", [], { subgroupMinSize: 32 }, "portable", "portable"],
    ["subgroups alone", ["subgroups"], { subgroupMinSize: 32 }, "gpu-subgroup-32", "gpu-subgroup-32"],
    ["SwiftShader", ["subgroups"], { subgroupMinSize: 4, architecture: "swiftshader" }, "swiftshader", "swiftshader"],
    ["llvmpipe", both, { subgroupMinSize: 8, device: "llvmpipe-llvm" }, "swiftshader", "swiftshader"],
    ["software without features", [], { isFallbackAdapter: true }, "portable", "portable"],
  ] as const)("%s", (_, features, info, f32, f16) => {
    expect(targetFor(device(features, info), norms.f32)).toBe(f32);
    expect(targetFor(device(features, info), norms.f16)).toBe(f16);
  });

  test("the last where it runs none: that says what is missing", () => {
    const [wide] = norms.f32;
    const f16 = norms.f16.filter(({ manifest }) => manifest.requiredFeatures.includes("shader-f16"));
    expect(targetFor(device([], { subgroupMinSize: 32 }), [wide as Kernel])).toBe("gpu-subgroup-32");
    expect(targetFor(device(["subgroups"], { subgroupMinSize: 32 }), f16)).toBe("gpu-f16");
  });

  test("one for another kind of processor where there is no other", () => {
    const software = norms.f32.filter(({ manifest }) => manifest.kind === "cpu");
    expect(targetFor(device(["subgroups"], { subgroupMinSize: 32 }), software)).toBe("swiftshader");
  });
});

test("limits that the device has not", () => {
  expect(lackOf(device([], {}), { maxStorageBuffersPerShaderStage: 9 })?.[0]).toBe("E0611 no limit");
  expect(lackOf(device([], {}), { maxStorageBuffersPerShaderStage: 8 })).toBeUndefined();
});

test("kernels of one text are one: the first", () => {
  const [a, b] = [handKernel("a", { outputs: {} }), handKernel("a", { outputs: {}, target: "other" })];
  expect(distinctKernels([a, b])).toEqual([a]);
});

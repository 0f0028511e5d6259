/**
 * Which of several kernels a device takes. It is part of every generated module, so that it imports nothing.
 *
 * A kernel that was made for another kind of processor runs too, only slower; one that counts on larger subgroups than the
 * device's gives wrong numbers.
 */

import type { Kernel, Manifest } from "../../codegen/manifest.ts";

/** What a kernel, or a target, asks of a device. */
export type Needs = Pick<Manifest, "requiredFeatures" | "requiredLimits" | "requiredSubgroupSize">;

/** The parts of a device that decide. */
export type DeviceTraits = Pick<GPUDevice, "features" | "limits"> & { readonly adapterInfo?: GPUAdapterInfo };

/** Software adapters run on the processor's cores. */
export function isSoftware(info: GPUAdapterInfo): boolean {
  const text = `${info.architecture} ${info.device} ${info.description}`;
  return info.isFallbackAdapter === true || /swiftshader|llvmpipe|lavapipe|warp|basic render/i.test(text);
}

/** Whether a device gives the right numbers for what asks for so much. */
export function runsOn({ features, limits, adapterInfo }: DeviceTraits, needs: Needs): boolean {
  return (
    needs.requiredFeatures.every((feature) => features.has(feature)) &&
    Object.entries(needs.requiredLimits).every(([name, least]) => (limits as never)[name] >= least) &&
    // Where the adapter does not say, it is WebGPU's smallest.
    (needs.requiredSubgroupSize ?? 0) <= (adapterInfo?.subgroupMinSize ?? 4)
  );
}

/**
 * The kernel that a device takes of those that differ, the most demanding first: one for its kind of processor where it
 * runs one. `undefined` where it runs none.
 */
export function chooseKernel(device: DeviceTraits, kernels: readonly Kernel[]): Kernel | undefined {
  const able = kernels.filter(({ manifest }) => runsOn(device, manifest));
  const kind = device.adapterInfo && isSoftware(device.adapterInfo) ? "cpu" : "gpu";
  return able.find(({ manifest }) => manifest.kind === kind) ?? able[0];
}

/**
 * Which form of a kernel a device takes. Forms for other kinds of processors run too, only slower; one that counts on larger
 * subgroups than the device's gives wrong numbers.
 */

import type { LaunchManifest } from "./manifest.ts";
import type { LaunchProblem } from "./problems.ts";
import type { LaunchKernel, LaunchTypes } from "./types.ts";

/** What a kernel, or a target, asks of a device. */
export type Needs = Pick<LaunchManifest, "requiredFeatures" | "requiredLimits" | "requiredSubgroupSize">;

/** The parts of a device that decide. */
export type DeviceTraits = Pick<GPUDevice, "features" | "limits"> & { readonly adapterInfo?: GPUAdapterInfo };

/** Software adapters run on the processor's cores. */
export function isSoftware(info: GPUAdapterInfo): boolean {
  const text = `${info.architecture} ${info.device} ${info.description}`;
  return info.isFallbackAdapter === true || /swiftshader|llvmpipe|lavapipe|warp|basic render/i.test(text);
}

/** Subgroups may be as small as this: where the adapter does not say, WebGPU's smallest. */
export const smallestSubgroup = ({ adapterInfo }: DeviceTraits): number => adapterInfo?.subgroupMinSize ?? 4;

/** What a device lacks. Of a limit that it does not know nothing is asked. */
export function lackOf(device: DeviceTraits, needs: Needs): LaunchProblem | undefined {
  const missing = needs.requiredFeatures.filter((feature) => !device.features.has(feature));
  if (missing.length > 0) return ["E0610 no feature", ...missing];
  for (const [limit, least] of Object.entries(needs.requiredLimits)) {
    const has = device.limits[limit as keyof GPUSupportedLimits] as number;
    if (has < least) return ["E0611 no limit", limit, least, has];
  }
  const [lanes = 0, smallest] = [needs.requiredSubgroupSize, smallestSubgroup(device)];
  return smallest < lanes ? ["E0627 narrow subgroups", lanes, smallest] : undefined;
}

/** Whether a device gives the right numbers for what asks for so much. */
export const runsOn = (device: DeviceTraits, needs: Needs): boolean => lackOf(device, needs) === undefined;

/**
 * The form of a kernel that a device takes: of those that it can run the first one for its kind of processor, or else the
 * first. Where it runs none it is the kernel itself, which says what is missing.
 */
export function formFor<T extends LaunchTypes>(device: DeviceTraits, kernel: LaunchKernel<T>): LaunchKernel<T> {
  const able = (kernel.forms ?? []).filter(({ manifest }) => runsOn(device, manifest));
  const kind = device.adapterInfo && isSoftware(device.adapterInfo) ? "cpu" : "gpu";
  return able.find(({ manifest }) => manifest.kind === kind) ?? able[0] ?? kernel;
}

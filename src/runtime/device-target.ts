/** The target profile of a live adapter or device. */

import { isSoftware } from "../launch/choose.ts";
import { defaultLimits, type TargetLimits, type TargetProfile } from "../target/target.ts";
import { checkAdapter, checkDevice } from "./check-arguments.ts";

/** The feature is from 2026, and newer than TypeScript's types. */
const sizeControl = "subgroup-size-control" as GPUFeatureName;

/** The features that generated kernels can use. They are requested if the adapter has them. */
export const usefulFeatures: readonly GPUFeatureName[] = ["subgroups", sizeControl, "shader-f16"];

/**
 * The subgroup size to request, for vendors whose GPUs support several: for a Radeon its full wave, without which a row of 64
 * lanes would go through workgroup memory; for Intel the largest whose registers hold what most kernels cache of a row (`subgroupAsked`).
 */
const vendorSizes: Readonly<Record<string, number>> = { amd: 64, intel: 16, qualcomm: 64 };

/** The properties of an adapter or device that determine a target. */
export type AdapterDescription = Pick<GPUAdapter, "features" | "limits" | "info">;

/** The target of a device that is requested with all features and limits of the adapter. */
export function targetFromAdapter(adapter: AdapterDescription): TargetProfile {
  checkAdapter("targetFromAdapter", adapter);
  const { features, limits, info } = adapter;
  // subgroupMinSize and subgroupMaxSize are newer than the feature. Without them, WebGPU's bounds apply.
  const { subgroupMinSize: min = 4, subgroupMaxSize: max = 128 } = info;
  const size = Math.min(max, Math.max(min, vendorSizes[info.vendor] ?? min));
  const asks = features.has(sizeControl) && features.has("subgroups") && size > min;
  const useful = usefulFeatures.filter((one) => features.has(one) && (asks || one !== sizeControl));
  const subgroup = features.has("subgroups") ? { subgroup: { min, max, ...(asks && { size }) } } : {};
  const names = Object.keys(defaultLimits) as (keyof TargetLimits)[];
  return {
    name: [info.vendor, info.architecture].filter((part) => part !== "").join("-") || "adapter",
    kind: isSoftware(info) ? "cpu" : "gpu",
    features: useful,
    ...subgroup,
    limits: Object.fromEntries(names.map((name) => [name, limits[name]])) as unknown as TargetLimits,
  };
}

/** The target of a device, with the features and limits that it was created with. */
export function targetFromDevice(device: GPUDevice): TargetProfile {
  checkDevice("targetFromDevice", device);
  return targetFromAdapter({ features: device.features, limits: device.limits, info: device.adapterInfo });
}

/** The target profile of a live adapter or device. */

import { isSoftware } from "../launch/choose.ts";
import { defaultLimits, type TargetLimits, type TargetProfile } from "../target/target.ts";

/** It came in 2026, after the types that TypeScript has. */
const sizeControl = "subgroup-size-control" as GPUFeatureName;

/** The features that generated kernels can use; a device is asked for them where the adapter has them. */
export const usefulFeatures: readonly GPUFeatureName[] = ["subgroups", sizeControl, "shader-f16"];

/**
 * The subgroup size to ask for, by the vendor of a GPU that may choose: of a Radeon that of its waves without which a row of 64
 * lanes goes through workgroup memory, of an Intel one the widest whose registers hold what lanes keep of a row.
 */
const vendorSizes: Readonly<Record<string, number>> = { amd: 64, intel: 16, qualcomm: 64 };

/** The parts of an adapter, or of a device, that a target is made from. */
export type AdapterDescription = Pick<GPUAdapter, "features" | "limits" | "info">;

/** What may be counted on when all that the adapter has is asked for. */
export function targetFromAdapter({ features, limits, info }: AdapterDescription): TargetProfile {
  // subgroupMinSize and subgroupMaxSize came after the feature: without them the sizes are WebGPU's bounds.
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

/** What may be counted on with the features and limits that the device was made with. */
export function targetFromDevice(device: GPUDevice): TargetProfile {
  return targetFromAdapter({ features: device.features, limits: device.limits, info: device.adapterInfo });
}

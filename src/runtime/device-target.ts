/** The target profile of a live adapter or device. */

import { defaultLimits, type TargetLimits, type TargetProfile } from "../../codegen/target.ts";
import { isSoftware } from "../launch/choose.ts";

/** The features that generated kernels can use; a device is asked for them where the adapter has them. */
export const usefulFeatures = ["subgroups", "shader-f16"] as const satisfies readonly GPUFeatureName[];

/** The parts of an adapter, or of a device, that a target is made from. */
export type AdapterDescription = Pick<GPUAdapter, "features" | "limits" | "info">;

/** What may be counted on when all that the adapter has is asked for. */
export function targetFromAdapter({ features, limits, info }: AdapterDescription): TargetProfile {
  const useful = usefulFeatures.filter((feature) => features.has(feature));
  // subgroupMinSize and subgroupMaxSize came after the feature: without them the sizes are WebGPU's bounds.
  const { subgroupMinSize: min = 4, subgroupMaxSize: max = 128 } = info;
  const subgroup = useful.includes("subgroups") ? { subgroup: { min, max } } : {};
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

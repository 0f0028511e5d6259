/**
 * Which form of a kernel a device uses. Forms for other kinds of processors work too, but slower. A form that relies on larger
 * subgroups than the device's would compute wrong results.
 */

import type { Needs } from "./compact.ts";
import type { LaunchProblem } from "./problems.ts";
import type { Form } from "./types.ts";

/** The properties of a device on which the choice depends. */
export type DeviceTraits = Pick<GPUDevice, "features" | "limits"> & { readonly adapterInfo?: GPUAdapterInfo };

/** Whether the adapter is a software implementation, which runs on the processor's cores. */
export function isSoftware(info: GPUAdapterInfo): boolean {
  const names = `${[info.architecture, info.device, info.description]}`;
  return info.isFallbackAdapter || /swiftshader|llvmpipe|lavapipe|warp|basic render/i.test(names);
}

/** The first requirement that the device does not meet. */
export function lackOf({ features, limits, adapterInfo }: DeviceTraits, needs: Needs = {}): LaunchProblem | undefined {
  for (const [name, least] of Object.entries(needs)) {
    const isSubgroup = name === "subgroupMinSize";
    const limit = limits[name as keyof GPUSupportedLimits] as number | undefined;
    // If the adapter does not report it, subgroups may be as small as WebGPU's minimum.
    const has = isSubgroup ? (adapterInfo?.[name] ?? 4) : ((limit ?? features.has(name)) as number);
    const is = isSubgroup ? "E0627 narrow subgroups" : limit ? "E0611 no limit" : "E0610 no feature";
    if (has < least) return [is, name, least, has];
  }
  return undefined;
}

/**
 * The form of a kernel that a device uses: of those that it can run, the first for its kind of processor, or else the
 * first. If it can run none, the last, which is the least demanding.
 */
export function formFor(device: DeviceTraits, forms: readonly Form[]): Form {
  const able = forms.filter(([, { needs }]) => !lackOf(device, needs));
  const isCpu = device.adapterInfo && isSoftware(device.adapterInfo);
  return able.find(([, { cpu }]) => !cpu === !isCpu) ?? able[0] ?? (forms.at(-1) as Form);
}

/** The visitor's GPU, or why it is not available. */

import { isSoftware } from "../../src/launch/choose.ts";
import { targetFromAdapter, usefulFeatures } from "../../src/runtime/device-target.ts";
import type { TargetProfile } from "../../src/target/target.ts";

export interface Gpu {
  readonly device: GPUDevice;
  readonly description: string;
}

/** Why there is no GPU, as a message for the visitor. */
export interface NoGpu {
  readonly reason: string;
}

async function findAdapter(): Promise<GPUAdapter | NoGpu> {
  // `gpu` is missing in browsers without WebGPU and on pages that are not served securely.
  const gpu: GPU | undefined = navigator.gpu;
  if (gpu === undefined) {
    return isSecureContext
      ? { reason: "This browser has no WebGPU." }
      : { reason: "Browsers offer WebGPU only to pages served over https or from this machine." };
  }
  try {
    const adapter = await gpu.requestAdapter({ powerPreference: "high-performance" });
    return adapter ?? { reason: "This browser has WebGPU, but found no GPU that it supports." };
  } catch (caught) {
    return { reason: `This browser's WebGPU failed to start: ${(caught as Error).message}` };
  }
}

function isAdapter(found: GPUAdapter | NoGpu): found is GPUAdapter {
  return !("reason" in found);
}

/** A profile of the visitor's adapter, as plain data. */
export async function adapterTarget(): Promise<TargetProfile | NoGpu> {
  const adapter = await findAdapter();
  return isAdapter(adapter) ? targetFromAdapter(adapter) : adapter;
}

export async function openGpu(): Promise<Gpu | NoGpu> {
  const adapter = await findAdapter();
  if (!isAdapter(adapter)) return adapter;
  const wanted = [...usefulFeatures, "timestamp-query" as const].filter((name) => adapter.features.has(name));
  try {
    const device = await adapter.requestDevice({ requiredFeatures: wanted, requiredLimits: limitsOf(adapter) });
    return { device, description: describe(adapter.info) };
  } catch (caught) {
    return { reason: `The browser found a GPU but could not open it: ${(caught as Error).message}` };
  }
}

/** The limits of which kernels may need more than every device has. */
function limitsOf({ limits }: GPUAdapter): Record<string, number> {
  const names = [
    "maxBufferSize",
    "maxStorageBufferBindingSize",
    "maxStorageBuffersPerShaderStage",
    "maxComputeWorkgroupStorageSize",
    "maxComputeInvocationsPerWorkgroup",
    "maxComputeWorkgroupSizeX",
  ] as const;
  return Object.fromEntries(names.map((name) => [name, limits[name]]));
}

function describe(info: GPUAdapterInfo): string {
  const name = info.description || [info.vendor, info.architecture].filter(Boolean).join(" ") || "the GPU";
  return isSoftware(info) ? `${name} (software)` : name;
}

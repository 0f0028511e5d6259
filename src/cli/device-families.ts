/** The target for each family of devices, for `tirc targets` and docs/targets.md. */

/** A family of cards or drivers. */
interface DeviceFamily {
  readonly name: string;
  /** `subgroupMinSize` and `subgroupMaxSize` of the adapter. */
  readonly subgroups: string;
  readonly f16: string;
  /** The name of the most suitable built-in target. */
  readonly target: string;
}

/**
 * Subgroup sizes as drivers report them to WebGPU: Vulkan's minSubgroupSize and maxSubgroupSize, D3D12's WaveLaneCountMin
 * (Dawn, PhysicalDeviceVk.cpp, PhysicalDeviceD3D12.cpp, PhysicalDeviceMTL.mm).
 */
export const deviceFamilies: readonly DeviceFamily[] = [
  { name: "NVIDIA, Turing (2018) and later", subgroups: "32", f16: "yes", target: "gpu-f16-subgroup-32" },
  { name: "NVIDIA, older", subgroups: "32", f16: "no", target: "gpu-subgroup-32" },
  { name: "AMD RDNA (RX 5000 and later)", subgroups: "32 to 64", f16: "yes", target: "gpu-f16-subgroup-32" },
  { name: "AMD Vega, Instinct", subgroups: "64", f16: "yes", target: "gpu-f16-subgroup-32" },
  { name: "AMD, GCN before Vega", subgroups: "64", f16: "some", target: "gpu-subgroup-64" },
  { name: "Intel (Xe2: at least 16)", subgroups: "8 to 32", f16: "yes", target: "gpu-f16" },
  { name: "Apple, where Metal reports 32", subgroups: "32", f16: "yes", target: "gpu-f16-subgroup-32" },
  { name: "Apple, in browsers that report 4 to 64", subgroups: "4 to 64", f16: "yes", target: "gpu-f16" },
  { name: "Qualcomm Adreno 6xx and later", subgroups: "64 to 128", f16: "yes", target: "gpu-f16-subgroup-32" },
  { name: "ARM Mali, Valhall and later", subgroups: "16", f16: "yes", target: "gpu-f16" },
  { name: "SwiftShader (Chrome without a GPU)", subgroups: "4", f16: "no", target: "swiftshader" },
  { name: "llvmpipe (Mesa), with AVX", subgroups: "8", f16: "yes", target: "lavapipe" },
  { name: "WARP (Windows without a GPU)", subgroups: "4", f16: "yes", target: "swiftshader" },
];

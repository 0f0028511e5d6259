/**
 * WebGPU in Node, through the package `webgpu`: the machine's GPU or Vulkan driver, else SwiftShader from npm. In Deno, which
 * has its own WebGPU (with `--unstable-webgpu`), through that.
 *
 * @module tirc/runtime/node
 */

import * as deviceErrors from "../diagnostics/areas/devices.ts";
import { aString, checkOptions, listOf } from "../diagnostics/arguments.ts";
import { fail } from "../diagnostics/diagnostic.ts";
import { isSoftware } from "../launch/choose.ts";
import type { TargetProfile } from "../target/target.ts";
import { targetFromDevice, usefulFeatures } from "./device-target.ts";
import { findSwiftShader } from "./node-swiftshader.ts";
import { hasVulkanDriver, inTurn, loadLibrary, withVulkanDriver } from "./node-vulkan.ts";

/** A device in Node, its description, and its target. */
export interface OpenedDevice {
  readonly device: GPUDevice;
  readonly adapterInfo: GPUAdapterInfo;
  /** The adapter for display: its name, its driver, and `software` if it is not a GPU. */
  readonly description: string;
  /** The target to compile for. */
  readonly target: TargetProfile;
  /** Frees the device, so that Node can exit. */
  close(): void;
}

/** Options of `openDevice`. */
export interface OpenOptions {
  /** Features that the device must have. */
  readonly requiredFeatures?: readonly GPUFeatureName[];
  /**
   * A part of the name of the adapter, case-insensitive: `nvidia`, `llvmpipe`; `swiftshader` is the
   * one from npm. The default is the environment variable TIRC_ADAPTER, else the machine's fastest adapter, else
   * SwiftShader.
   */
  readonly adapter?: string | undefined;
}

const swiftShaderName = "swiftshader";

/** Full resolution of timestamps, for measurements. */
const dawnOptions = ["enable-dawn-features=allow_unsafe_apis", "disable-dawn-features=timestamp_quantization"];

/**
 * Opens a device with all limits of the adapter and the features that kernels can use. Throws TircError: E0620 and
 * E0621 without a working `webgpu` package, E0622 without an adapter (of that name), E0623 and E0624 if the adapter is
 * not sufficient.
 */
export async function openDevice(options: OpenOptions = {}): Promise<OpenedDevice> {
  checkOptions("openDevice", options, {
    requiredFeatures: listOf("names of features", aString),
    adapter: { ...aString, what: "a part of the name of an adapter" },
  });
  const webgpu = await loadWebgpu();
  const notes: string[] = [];
  const wanted = options.adapter ?? (process.env.TIRC_ADAPTER || undefined);
  const name = wanted?.toLowerCase();
  let adapter: GPUAdapter | null = null;
  if (name !== swiftShaderName) adapter = await systemAdapter(webgpu, name, notes);
  if (name === undefined || name === swiftShaderName) adapter ??= await swiftShaderAdapter(webgpu, notes);
  if (!adapter) fail(deviceErrors.noAdapter(notes, wanted));
  return requestDevice(adapter, options);
}

/** Dawn's null adapter. It runs nothing, but its compiler checks WGSL like that of any other adapter. */
export async function openNullDevice(): Promise<OpenedDevice> {
  const webgpu = await loadWebgpu();
  const adapter = await instance(webgpu, "null", ["backend=null"]).requestAdapter();
  if (!adapter) fail(deviceErrors.noAdapter(["Dawn's null backend did not load"]));
  return requestDevice(adapter, {});
}

/** The provider of adapters: the package, or the runtime itself. */
interface Webgpu {
  create(options: string[]): GPU;
  /** Whether it is the runtime's, which finds drivers by itself. */
  readonly isOwn?: true;
}

async function loadWebgpu(): Promise<Webgpu> {
  const { gpu } = (globalThis as { readonly navigator?: { readonly gpu?: GPU } }).navigator ?? {};
  if (gpu !== undefined) return { create: () => gpu, isOwn: true };
  try {
    return await import("webgpu");
  } catch (caught) {
    const { code, message } = caught as NodeJS.ErrnoException;
    if (code === "ERR_MODULE_NOT_FOUND") fail(deviceErrors.noWebgpuPackage(message));
    fail(deviceErrors.webgpuPackageBroken(message));
  }
}

/** Instances by name. They are never released: if one is collected, Dawn aborts the process at the next use of its devices. */
const instances = new Map<string, GPU>();

function instance(webgpu: Webgpu, name: string, options: string[]): GPU {
  let gpu = instances.get(name);
  if (gpu === undefined) {
    gpu = webgpu.create(options);
    instances.set(name, gpu);
  }
  return gpu;
}

/** The machine's own adapter. Without a Vulkan driver, Dawn is not tried, as it would print warnings. */
async function systemAdapter(webgpu: Webgpu, name: string | undefined, notes: string[]): Promise<GPUAdapter | null> {
  if (process.platform === "linux" && webgpu.isOwn !== true) {
    if (!hasVulkanDriver()) {
      notes.push("no Vulkan driver is registered");
      return null;
    }
    const hasLoader = loadLibrary("libvulkan.so.1") || loadLibrary(findSwiftShader()?.loader ?? "");
    if (!hasLoader) {
      notes.push("a Vulkan driver is registered, but the Vulkan loader (libvulkan.so.1) is not installed");
      return null;
    }
  }
  const options = { powerPreference: "high-performance" } as const;
  const adapter = await inTurn(() => instance(webgpu, "system", dawnOptions).requestAdapter(options));
  if (!adapter) notes.push("Dawn found no graphics driver that it works with");
  if (!adapter || name === undefined || isNamed(adapter, name)) return adapter;
  // Dawn's own option chooses among several adapters. It throws if none has the name.
  const named = instance(webgpu, `system ${name}`, [...dawnOptions, `adapter=${name}`]);
  const other = await inTurn(() => named.requestAdapter(options)).catch(() => null);
  if (other && isNamed(other, name)) return other;
  notes.push(`the machine's adapter is ${describe(adapter.info)}`);
  return null;
}

const isNamed = (adapter: GPUAdapter, name: string) => describe(adapter.info).toLowerCase().includes(name);

async function swiftShaderAdapter(webgpu: Webgpu, notes: string[]): Promise<GPUAdapter | null> {
  const swiftShader = findSwiftShader();
  if (swiftShader === undefined) {
    notes.push("SwiftShader is not installed (Linux x64, the npm package `@sparticuz/chromium`)");
    return null;
  }
  if (webgpu.isOwn !== true && !loadLibrary("libvulkan.so.1") && !loadLibrary(swiftShader.loader)) {
    notes.push(`the Vulkan loader does not load: ${swiftShader.loader}`);
    return null;
  }
  const adapter = await withVulkanDriver(swiftShader.driver, () =>
    instance(webgpu, "swiftshader", dawnOptions).requestAdapter(),
  );
  // A worker thread has a copy of the environment, so that the loader does not see its changes.
  if (!adapter) notes.push("SwiftShader is installed, but gave no adapter (it needs Node's main thread)");
  return adapter;
}

async function requestDevice(adapter: GPUAdapter, { requiredFeatures = [] }: OpenOptions): Promise<OpenedDevice> {
  const description = describe(adapter.info);
  const missing = requiredFeatures.filter((feature) => !adapter.features.has(feature));
  if (missing.length > 0) fail(deviceErrors.noFeature(description, missing));
  const wanted = [...usefulFeatures, "timestamp-query" as const].filter((feature) => adapter.features.has(feature));
  let device: GPUDevice;
  try {
    device = await adapter.requestDevice({
      requiredFeatures: [...new Set([...wanted, ...requiredFeatures])],
      requiredLimits: limitsOf(adapter),
    });
  } catch (caught) {
    fail(deviceErrors.noDevice(description, (caught as Error).message));
  }
  const { info } = adapter;
  return { device, adapterInfo: info, description, target: targetFromDevice(device), close: () => device.destroy() };
}

function limitsOf(adapter: GPUAdapter): Record<string, number> {
  const { limits } = adapter;
  const names: string[] = [];
  for (const name in limits) names.push(name);
  return Object.fromEntries(
    names
      .map((name) => [name, limits[name as keyof GPUSupportedLimits]] as const)
      .filter((entry): entry is readonly [string, number] => typeof entry[1] === "number"),
  );
}

/** The adapter for display: `NVIDIA H200 (NVIDIA: 550.54)`, `SwiftShader driver 5.0.0 (software)`. */
function describe(info: GPUAdapterInfo): string {
  // wgpu reports a number as the device, and the name as the description.
  const isNumbered = /^\d+$/.test(info.device);
  const device = isNumbered ? info.description : info.device.replace(/-+$/, "");
  const name = device || info.architecture || info.vendor || "adapter";
  const parts = [isNumbered ? "" : info.description, isSoftware(info) ? "software" : ""].filter((part) => part !== "");
  return parts.length > 0 ? `${name} (${parts.join(", ")})` : name;
}

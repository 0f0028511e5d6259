/** TensorFlow.js in Node, on the device of the tests. */

import * as tf from "@tensorflow/tfjs-core";
import { afterAll } from "vitest";
import { globals } from "webgpu";
import type { OpenedDevice } from "../../src/runtime/node.ts";

let isOpen = false;

/** tfjs on the device of the tests, until the tests of the file are done. */
export async function openTfjs({ device, adapterInfo }: OpenedDevice): Promise<void> {
  if (isOpen) return;
  isOpen = true;
  // It takes Node for a worker without a canvas, and asks whether its buffers are GPUBuffers.
  Object.defineProperty(globalThis, "navigator", { value: { gpu: {}, userAgent: "node" }, configurable: true });
  Object.assign(globalThis, globals, { self: globalThis, WorkerGlobalScope: class {} });
  const { WebGPUBackend } = await import("@tensorflow/tfjs-backend-webgpu");
  if (tf.findBackendFactory("webgpu")) tf.removeBackend("webgpu");
  tf.registerBackend("webgpu", () => new WebGPUBackend(device, adapterInfo), 3);
  await tf.setBackend("webgpu");
  await tf.ready();
}

afterAll(() => {
  if (isOpen) tf.removeBackend("webgpu");
});

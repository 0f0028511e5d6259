/** The device that kernels run on in tests: the machine's GPU, its software Vulkan, or SwiftShader from npm. */

import { afterAll, inject, test } from "vitest";
import { type OpenedDevice, openDevice } from "../../src/runtime/node.ts";
import { noDeviceNote } from "./global-setup.ts";

const { noDevice } = inject("platform");

/** Whether kernels run on this machine. */
export const hasDevice = noDevice === undefined;

let opened: Promise<OpenedDevice> | undefined;

/** The one device of this test file. It is freed after the file's last test. Throws where there is none. */
export function openTestDevice(): Promise<OpenedDevice> {
  opened ??= openDevice();
  return opened;
}

afterAll(async () => (await opened)?.close());

/** `test` for what needs a device in another process: skipped, with the reason, where there is none. */
export const deviceTest = test.extend<{ here: true }>({
  here: [
    async ({ skip }, use) => {
      if (noDevice !== undefined) skip(`${noDeviceNote}: ${noDevice}`);
      await use(true);
    },
    { auto: true },
  ],
});

/**
 * `test` with the fixture `gpu`, the device of `openTestDevice`. A test that names it is skipped, with the reason, where
 * there is no device: `gpuTest("adds", async ({ gpu }) => { ... })`.
 */
export const gpuTest = test.extend<{ gpu: OpenedDevice }>({
  gpu: async ({ skip }, use) => {
    if (noDevice !== undefined) skip(`${noDeviceNote}: ${noDevice}`);
    await use(await openTestDevice());
  },
});

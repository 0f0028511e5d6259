/**
 * The device that kernels run on in tests (global-setup.ts says which), and each driver for tests of arithmetic, in
 * which drivers differ: both in software, and that of the machine's GPU where it has one.
 */

import { afterAll, inject, test } from "vitest";
import { type OpenedDevice, openDevice } from "../../src/runtime/node.ts";
import { adapterOf, type Driver, noDeviceNote } from "./global-setup.ts";

const { noDevice, drivers = {}, hardware } = inject("platform");

let opened: Promise<OpenedDevice> | undefined;

/** The only device of this test file, freed after the file's last test. Throws if there is none. */
export function openTestDevice(): Promise<OpenedDevice> {
  opened ??= openDevice();
  return opened;
}

const ofDriver = new Map<TestedDriver, Promise<OpenedDevice>>();

/** The devices for tests of arithmetic. */
type TestedDriver = Driver | "hardware";

afterAll(async () => {
  const all = [opened, ...ofDriver.values()];
  // Another file of the same process opens its own.
  opened = undefined;
  ofDriver.clear();
  for (const device of all) (await device)?.close();
});

/** `test` for cases that need a device in another process: skipped, with the reason, if there is none. */
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

/**
 * A test on SwiftShader and one on lavapipe, each skipped, with the reason, where its driver is not installed; and one on
 * the machine's GPU where it has one: `driverTest("adds", async (gpu, driver) => { ... })`.
 */
export function driverTest(
  name: string,
  body: (gpu: OpenedDevice, driver: TestedDriver, skip: (note: string) => never) => Promise<void>,
  timeout?: number,
): void {
  const adapters = { ...adapterOf, ...(hardware !== undefined && { hardware }) };
  for (const [driver, adapter] of Object.entries(adapters) as [TestedDriver, string][]) {
    const run = async ({ skip }: { skip: (note: string) => never }) => {
      const missing = noDevice ?? (driver === "hardware" ? undefined : drivers[driver]);
      if (missing !== undefined) skip(`${noDeviceNote}: ${missing}`);
      if (!ofDriver.has(driver)) ofDriver.set(driver, openDevice({ adapter }));
      await body(await (ofDriver.get(driver) as Promise<OpenedDevice>), driver, skip);
    };
    test(`${name}, on ${driver}`, run, timeout);
  }
}

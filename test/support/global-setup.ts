/**
 * Finds out once, before all tests, what kernels can run on here, prints it, and hands it to the tests. When all are
 * done it says how many tests had to be skipped for want of a device.
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestCase, TestProject } from "vitest/node";
import { TircError } from "../../src/diagnostics/diagnostic.ts";
import { isSoftware } from "../../src/launch/choose.ts";
import { openDevice, openNullDevice } from "../../src/runtime/node.ts";

/** Software drivers, and what their adapters are called. */
export const adapterOf = { swiftshader: "swiftshader", lavapipe: "llvmpipe" } as const;
export type Driver = keyof typeof adapterOf;
/** By driver, why it is not here; `undefined` where it is. */
type Drivers = { readonly [D in Driver]?: string | undefined };

/** What there is to test with. `noDevice` and `noTint` say why not. */
interface TestPlatform {
  readonly device?: string;
  readonly drivers?: Drivers;
  /** The name of the machine's adapter where that is a GPU. */
  readonly hardware?: string | undefined;
  readonly noDevice?: string;
  readonly noTint?: string;
}

declare module "vitest" {
  export interface ProvidedContext {
    platform: TestPlatform;
    /** Whether each file has a process of its own. */
    isAlone?: boolean;
  }
}

/** Begins the note of every test skipped for want of a device, so that they can be counted. */
export const noDeviceNote = "needs a WebGPU device";

export default async function setup(project: TestProject): Promise<void> {
  // Each project sets up, in modules of its own.
  const known = globalThis as { platformOfTests?: Promise<TestPlatform> };
  const isFirst = known.platformOfTests === undefined;
  known.platformOfTests ??= findPlatform();
  const platform = await known.platformOfTests;
  project.provide("platform", platform);
  if (isFirst) {
    console.log(describe(platform));
    makeFolder(project);
  }
  project.vitest.onClose(() => reportSkipped(project));
}

/** The folder of the run's temporary folders: workers are stopped without a chance to remove their own. */
function makeFolder(project: TestProject): void {
  const folder = mkdtempSync(join(tmpdir(), "tirc-test-"));
  process.env.TIRC_TEST_FOLDER = folder;
  project.vitest.onClose(() => rmSync(folder, { recursive: true, force: true }));
}

/**
 * SwiftShader where npm brought it, so that all machines test on the same driver; else what the machine has.
 * TIRC_ADAPTER names another. TIRC_TEST_DEVICE=none: as on a machine without any.
 */
async function findPlatform(): Promise<TestPlatform> {
  if (process.env.TIRC_TEST_DEVICE === "none") {
    return { noDevice: "TIRC_TEST_DEVICE is `none`", ...(await findTint()) };
  }
  const drivers = await findDrivers();
  const hardware = await findHardware();
  // Workers and the processes that tests start inherit it.
  if (drivers.swiftshader === undefined) process.env.TIRC_ADAPTER ??= adapterOf.swiftshader;
  try {
    const { description, close } = await openDevice();
    close();
    return { device: description, drivers, hardware };
  } catch (caught) {
    return { noDevice: reasonOf(caught), drivers, ...(await findTint()) };
  }
}

/** The software drivers on which arithmetic is tested side by side, and why one is not here. */
async function findDrivers(): Promise<Drivers> {
  const found: Record<string, string | undefined> = {};
  for (const [driver, adapter] of Object.entries(adapterOf)) {
    try {
      (await openDevice({ adapter })).close();
    } catch (caught) {
      found[driver] = reasonOf(caught);
    }
  }
  return found;
}

async function findHardware(): Promise<string | undefined> {
  try {
    const { adapterInfo, description, close } = await openDevice();
    close();
    return isSoftware(adapterInfo) ? undefined : description;
  } catch {
    return undefined;
  }
}

async function findTint(): Promise<{ noTint?: string }> {
  try {
    (await openNullDevice()).close();
    return {};
  } catch (caught) {
    return { noTint: reasonOf(caught) };
  }
}

function reasonOf(caught: unknown): string {
  if (!(caught instanceof TircError)) return String(caught);
  return caught.diagnostics.flatMap(({ message, notes }) => [message, ...notes]).join("; ");
}

function describe({ device, noDevice, noTint }: TestPlatform): string {
  if (device !== undefined) return `kernels run on ${device}`;
  if (noTint === undefined)
    return `kernels do not run here, Tint checks them and the interpreter computes: ${noDevice}`;
  return `kernels neither run here nor are they checked, the interpreter alone computes: ${noDevice}; ${noTint}`;
}

function reportSkipped(project: TestProject): void {
  const skipped: TestCase[] = [];
  for (const module of project.vitest.state.getTestModules()) {
    for (const test of module.children.allTests("skipped")) {
      const result = test.result();
      if (result.state === "skipped" && result.note?.startsWith(noDeviceNote)) skipped.push(test);
    }
  }
  if (skipped.length > 0) console.log(`${skipped.length} tests skipped: each ${noDeviceNote}`);
}

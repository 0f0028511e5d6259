/** What this machine has of Vulkan (Linux), and how to run with a driver that it has not. */

import { readdirSync, statSync } from "node:fs";
import { constants, homedir } from "node:os";
import { join } from "node:path";

/** Environment variables that name drivers, the newer first (it wins in a loader that knows both). */
const driverVariables = ["VK_DRIVER_FILES", "VK_ICD_FILENAMES"];

/** dlopen's flag of glibc and musl that Node has no name for: the library stays when the handle is closed. */
const RTLD_NODELETE = 0x1000;

/**
 * Whether a driver is registered where the Vulkan loader looks for one (LoaderDriverInterface.md, "Driver discovery").
 */
export function hasVulkanDriver(env: NodeJS.ProcessEnv = process.env): boolean {
  if ([...driverVariables, "VK_ADD_DRIVER_FILES"].some((name) => env[name])) return true;
  const split = (list: string | undefined, otherwise: string) => (list || otherwise).split(":");
  const roots = [
    env.XDG_CONFIG_HOME || join(homedir(), ".config"),
    ...split(env.XDG_CONFIG_DIRS, "/etc/xdg"),
    "/etc",
    "/usr/local/etc",
    env.XDG_DATA_HOME || join(homedir(), ".local/share"),
    ...split(env.XDG_DATA_DIRS, "/usr/local/share:/usr/share"),
  ];
  return roots.some((root) => hasManifest(join(root, "vulkan/icd.d")));
}

function hasManifest(folder: string): boolean {
  try {
    return readdirSync(folder).some((name) => name.endsWith(".json") && statSync(join(folder, name)).isFile());
  } catch {
    return false;
  }
}

/**
 * Loads a shared library into the process for good; false when it cannot be. Dawn asks for `libvulkan.so.1` by that
 * name, and is given the one that is already there.
 */
export function loadLibrary(path: string): boolean {
  // To dlopen the empty path is the process itself.
  if (path === "") return false;
  const flags = constants.dlopen.RTLD_NOW | constants.dlopen.RTLD_GLOBAL | RTLD_NODELETE;
  try {
    process.dlopen({ exports: {} }, path, flags);
    return true;
  } catch (caught) {
    // It is no addon, which Node notes after having loaded it, and Bun in other words.
    return /did not self-register|napi_register_module_v1' not found/.test((caught as Error).message);
  }
}

let last: Promise<unknown> = Promise.resolve();

/** Runs what the environment of the process matters to when all that came before is done: it is the same for all. */
export function inTurn<T>(work: () => Promise<T>): Promise<T> {
  const done = last.then(work);
  last = done.catch(() => {});
  return done;
}

/** Runs `work` in its turn, with `driver` as the only Vulkan driver. The environment is the process's, and is put back. */
export const withVulkanDriver = <T>(driver: string, work: () => Promise<T>): Promise<T> =>
  inTurn(() => withDriver(driver, work));

async function withDriver<T>(driver: string, work: () => Promise<T>): Promise<T> {
  const before = driverVariables.map((name) => [name, process.env[name]] as const);
  for (const name of driverVariables) process.env[name] = driver;
  try {
    return await work();
  } finally {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  }
}

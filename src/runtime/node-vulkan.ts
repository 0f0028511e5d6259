/** Detection of Vulkan drivers on this machine (Linux), and use of a driver that is not registered. */

import { readdirSync, statSync } from "node:fs";
import { constants, homedir } from "node:os";
import { join } from "node:path";

/** Environment variables that name drivers. The newer comes first, and takes precedence in loaders that know both. */
const driverVariables = ["VK_DRIVER_FILES", "VK_ICD_FILENAMES"];

/** A flag of dlopen in glibc and musl that Node does not define: the library stays loaded after its handle is closed. */
const RTLD_NODELETE = 0x1000;

/**
 * Whether a driver is registered in a location that the Vulkan loader searches (LoaderDriverInterface.md, "Driver discovery").
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
 * Loads a shared library into the process permanently; false if that fails. Dawn loads `libvulkan.so.1` by
 * name, and gets the library that is already loaded.
 */
export function loadLibrary(path: string): boolean {
  // For dlopen, the empty path is the process itself.
  if (path === "") return false;
  const flags = constants.dlopen.RTLD_NOW | constants.dlopen.RTLD_GLOBAL | RTLD_NODELETE;
  try {
    process.dlopen({ exports: {} }, path, flags);
    return true;
  } catch (caught) {
    // Node and Bun report, in different words, that the library is not an addon, after they have loaded it.
    return /did not self-register|napi_register_module_v1' not found/.test((caught as Error).message);
  }
}

let last: Promise<unknown> = Promise.resolve();

/** Runs work that depends on the environment of the process, which is shared, after all earlier such work is done. */
export function inTurn<T>(work: () => Promise<T>): Promise<T> {
  const done = last.then(work);
  last = done.catch(() => {});
  return done;
}

/** Runs `work` in its turn, with `driver` as the only Vulkan driver. The environment of the process is restored afterwards. */
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

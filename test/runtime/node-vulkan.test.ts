import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { hasVulkanDriver, loadLibrary, withVulkanDriver } from "../../src/runtime/node-vulkan.ts";
import { temporaryFolder } from "../support/built.ts";

test("a driver is one that a variable names, or a manifest in a folder of the loader's", () => {
  const folder = temporaryFolder();
  const icd = join(folder, "vulkan/icd.d");
  mkdirSync(icd, { recursive: true });
  // The machine's own folders are searched too, so the test checks only what one more folder changes.
  const without = hasVulkanDriver({ XDG_DATA_HOME: folder, XDG_DATA_DIRS: folder });
  writeFileSync(join(icd, "readme.txt"), "");
  mkdirSync(join(icd, "folder.json"));
  expect(hasVulkanDriver({ XDG_DATA_HOME: folder, XDG_DATA_DIRS: folder })).toBe(without);
  writeFileSync(join(icd, "driver.json"), "{}");
  expect(hasVulkanDriver({ XDG_DATA_HOME: folder })).toBe(true);
  expect(hasVulkanDriver({ XDG_CONFIG_DIRS: `/nowhere:${folder}` })).toBe(true);
  expect(hasVulkanDriver({ VK_ICD_FILENAMES: "/nowhere/driver.json" })).toBe(true);
});

test("a library that is not there does not load", () => {
  expect(loadLibrary("/nowhere/libvulkan.so.1")).toBe(false);
  expect(loadLibrary("")).toBe(false);
});

test("the environment is as before, whatever the work did", async () => {
  const before = { ...process.env };
  const seen = await withVulkanDriver("/a.json", async () => [
    process.env.VK_DRIVER_FILES,
    process.env.VK_ICD_FILENAMES,
  ]);
  expect(seen).toEqual(["/a.json", "/a.json"]);
  await expect(withVulkanDriver("/a.json", () => Promise.reject(new Error("no")))).rejects.toThrow("no");
  expect({ ...process.env }).toEqual(before);
});

test("two that begin at the same time have the environment one after the other", async () => {
  const before = { ...process.env };
  const seen = await Promise.all(
    ["/a.json", "/b.json"].map((driver) =>
      withVulkanDriver(driver, async () => {
        await new Promise((done) => setTimeout(done, 5));
        return process.env.VK_DRIVER_FILES;
      }),
    ),
  );
  expect(seen).toEqual(["/a.json", "/b.json"]);
  expect({ ...process.env }).toEqual(before);
});

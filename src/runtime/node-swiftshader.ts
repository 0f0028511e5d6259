/**
 * SwiftShader, a software Vulkan driver, and a Vulkan loader, from the npm package `@sparticuz/chromium`: a WebGPU
 * adapter for machines without one. The package contains an archive, which is unpacked once into the user's
 * cache.
 */

import { createHash, randomUUID } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { homedir, tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { brotliDecompressSync } from "node:zlib";
import { roundUp } from "../launch/counts.ts";

interface SwiftShader {
  /** The path of libvulkan.so.1. */
  readonly loader: string;
  /** The path of the driver's manifest for Vulkan loaders. */
  readonly driver: string;
}

const files = ["libvulkan.so.1", "libvk_swiftshader.so", "vk_swiftshader_icd.json"];

/** SwiftShader, unpacked; `undefined` if the package is not installed or this is not Linux on x64. */
export function findSwiftShader(): SwiftShader | undefined {
  if (process.platform !== "linux" || process.arch !== "x64") return undefined;
  const archive = findArchive();
  if (archive === undefined) return undefined;
  const bytes = readFileSync(archive);
  // The name depends on the contents, so that another version of the package is unpacked into another folder.
  const name = `swiftshader-${createHash("sha256").update(bytes).digest("hex").slice(0, 16)}`;
  const folder = join(cacheFolder(), name);
  if (!isComplete(folder)) unpack(bytes, folder);
  return { loader: join(folder, "libvulkan.so.1"), driver: join(folder, "vk_swiftshader_icd.json") };
}

/** The archive is in `bin` at the package's root, above its main file. */
function findArchive(): string | undefined {
  let folder: string;
  try {
    folder = dirname(createRequire(import.meta.url).resolve("@sparticuz/chromium"));
  } catch {
    return undefined;
  }
  for (; folder !== dirname(folder) && basename(folder) !== "node_modules"; folder = dirname(folder)) {
    const archive = join(folder, "bin", "swiftshader.tar.br");
    if (existsSync(archive)) return archive;
  }
  return undefined;
}

/** A folder that only this user can write to, as its files are loaded into the process. */
function cacheFolder(): string {
  const folder = join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "tirc");
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const probe = join(folder, `.${randomUUID()}`);
    writeFileSync(probe, "");
    rmSync(probe);
    return folder;
  } catch {
    const own = mkdtempSync(join(tmpdir(), "tirc-"));
    process.once("exit", () => rmSync(own, { recursive: true, force: true }));
    return own;
  }
}

function isComplete(folder: string): boolean {
  return files.every((file) => existsSync(join(folder, file)));
}

/** Unpacks into a temporary folder and renames it, so that no process sees an incomplete folder. */
function unpack(archive: Uint8Array, folder: string): void {
  const aside = `${folder}.${randomUUID()}`;
  mkdirSync(aside, { mode: 0o700 });
  for (const { name, data } of readTar(brotliDecompressSync(archive))) {
    if (files.includes(name)) writeFileSync(join(aside, name), data, { mode: 0o700 });
  }
  try {
    if (!isComplete(folder)) rmSync(folder, { recursive: true, force: true });
    renameSync(aside, folder);
  } catch (caught) {
    if (!isComplete(folder)) throw caught;
  } finally {
    rmSync(aside, { recursive: true, force: true });
  }
}

/** The regular files of a tar archive (POSIX ustar: 512-byte header, data padded to 512). */
function* readTar(bytes: Uint8Array): Generator<{ name: string; data: Uint8Array }> {
  const text = (start: number, length: number) => {
    return Buffer.from(bytes.subarray(start, start + length))
      .toString("latin1")
      .replace(/\0.*$/s, "");
  };
  for (let at = 0; at + 512 <= bytes.length && bytes[at] !== 0; ) {
    const size = Number.parseInt(text(at + 124, 12).trim(), 8);
    const type = text(at + 156, 1);
    if (type === "" || type === "0") {
      yield { name: text(at, 100).replace(/^\.\//, ""), data: bytes.subarray(at + 512, at + 512 + size) };
    }
    at += 512 + roundUp(size, 512);
  }
}

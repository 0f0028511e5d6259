/**
 * A headless Chromium with WebGPU on any x64 Linux: the build in `@sparticuz/chromium`, with its SwiftShader as the
 * adapter and the libraries that minimal systems lack. Unpacked once to the user's cache.
 */
import { execFileSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { brotliDecompressSync } from "node:zlib";
import { chromium } from "playwright-core";

/** The package's folder; its main file is in a subfolder. */
function packageFolder() {
  let folder = dirname(createRequire(import.meta.url).resolve("@sparticuz/chromium"));
  while (!existsSync(join(folder, "bin", "chromium.br"))) folder = dirname(folder);
  return folder;
}

/** Why the browser is not available on this machine, or `undefined` if it is. */
export function whyNoChromium() {
  return process.platform === "linux" && process.arch === "x64" ? undefined : "needs Linux on x64";
}

/** The folder of the unpacked browser. Unpacks to a temporary name and renames, so no process sees a partial folder. */
function unpacked() {
  const from = packageFolder();
  const { version } = JSON.parse(readFileSync(join(from, "package.json"), "utf8"));
  const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "tirc");
  const folder = join(cache, `chromium-${version}`);
  if (existsSync(folder)) return folder;
  const aside = join(cache, `${randomUUID()}.tmp`);
  mkdirSync(aside, { recursive: true, mode: 0o700 });
  const inflate = (name) => brotliDecompressSync(readFileSync(join(from, "bin", name)));
  writeFileSync(join(aside, "chromium"), inflate("chromium.br"), { mode: 0o700 });
  for (const name of ["al2023.tar.br", "fonts.tar.br", "swiftshader.tar.br"]) {
    execFileSync("tar", ["-x", "-C", aside], { input: inflate(name) });
  }
  // The package's own list of folders is for another environment.
  const dirs = [join(folder, "fonts"), "/usr/share/fonts"].map((dir) => `<dir>${dir}</dir>`).join("");
  const cacheDir = `<cachedir>${join(folder, "font-cache")}</cachedir>`;
  writeFileSync(join(aside, "fonts.conf"), `<?xml version="1.0"?>\n<fontconfig>${dirs}${cacheDir}</fontconfig>\n`);
  try {
    renameSync(aside, folder);
  } catch (caught) {
    rmSync(aside, { recursive: true, force: true });
    if (!existsSync(folder)) throw caught;
  }
  return folder;
}

/**
 * Starts the browser; `close()` stops it.
 * @param {{ webgpu?: boolean }} options whether pages have WebGPU, by default true.
 */
export function launchChromium({ webgpu = true } = {}) {
  const folder = unpacked();
  const gpu = ["--enable-unsafe-webgpu", "--enable-features=Vulkan", "--use-webgpu-adapter=swiftshader"];
  return chromium.launch({
    executablePath: join(folder, "chromium"),
    args: ["--no-sandbox", "--disable-dev-shm-usage", ...(webgpu ? gpu : ["--disable-features=WebGPU"])],
    // NSS and other libraries that minimal systems lack.
    env: {
      ...process.env,
      LD_LIBRARY_PATH: [folder, join(folder, "lib"), process.env.LD_LIBRARY_PATH].filter(Boolean).join(":"),
      VK_ICD_FILENAMES: join(folder, "vk_swiftshader_icd.json"),
      FONTCONFIG_FILE: join(folder, "fonts.conf"),
    },
  });
}

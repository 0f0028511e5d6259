/** The libraries that `tirc bench` compares with, if the user's project has them. */

import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Peer } from "../../bench/bench.ts";
import type { OpenedDevice } from "../../runtime/node.ts";
import type { PeerContext } from "./context.ts";
import { actAsPage } from "./page.ts";

/** A peer: its name, its package, and the packages it needs. */
interface PeerEntry {
  readonly packages: readonly string[];
  /** Loads its packages, and returns a function that opens the peer. */
  readonly open: (load: PeerContext["load"]) => Promise<(context: PeerContext) => Promise<Peer>>;
}

const entries = {
  "jax-js": { packages: ["@jax-js/jax"], open: async () => (await import("./jax.ts")).openJax },
  tfjs: {
    packages: ["@tensorflow/tfjs-core", "@tensorflow/tfjs-backend-webgpu"],
    open: async () => (await import("./tfjs.ts")).openTfjs,
  },
  "onnxruntime-web": {
    packages: ["onnxruntime-web"],
    // It is loaded before there is a page; otherwise it would look for its WebAssembly as in a page.
    open: async (load) =>
      (await import("./onnxruntime.ts")).openOnnxruntime(await load("onnxruntime-web/dist/ort.webgpu.mjs")),
  },
} as const satisfies Record<string, PeerEntry>;

export const peerNames = Object.keys(entries) as (keyof typeof entries)[];

/** Those of `names` that are installed in the project of a folder; for the others the reason. */
export async function openPeers(
  names: readonly string[],
  opened: OpenedDevice,
  folder: string,
): Promise<{ readonly peers: readonly Peer[]; readonly missing: Readonly<Record<string, string>> }> {
  const wanted = peerNames.filter((name) => names.includes(name));
  const installed = wanted.filter((name) => entries[name].packages.every((one) => folderOf(one, folder) !== undefined));
  const missing: Record<string, string> = {};
  for (const name of wanted)
    if (!installed.includes(name)) missing[name] = `npm install ${entries[name].packages.join(" ")}`;
  if (installed.length === 0) return { peers: [], missing };
  const load = async (name: string) => import(pathToFileURL(moduleOf(name, folder)).href);
  const loaded = await Promise.all(installed.map(async (name) => [name, await entries[name].open(load)] as const));
  const adapter = await actAsPage(opened);
  const peers: Peer[] = [];
  for (const [name, open] of loaded) {
    try {
      peers.push(await open({ ...opened, adapter, load }));
    } catch (caught) {
      missing[name] = (caught instanceof Error ? caught.message : String(caught)).split("\n")[0] as string;
    }
  }
  return { peers, missing };
}

/** The folder of a package, as resolved by modules in `folder`. */
function folderOf(name: string, folder: string): string | undefined {
  const own = join(folder, "node_modules", name);
  if (existsSync(join(own, "package.json"))) return own;
  const above = dirname(folder);
  return above === folder ? undefined : folderOf(name, above);
}

/** An entry of `exports`: a path, or a choice by conditions. */
type Export = string | { readonly [condition: string]: Export } | null | undefined;

function chosen(entry: Export): string | undefined {
  if (typeof entry === "string") return entry;
  if (entry === null || entry === undefined) return undefined;
  for (const [condition, inner] of Object.entries(entry)) {
    const found = ["node", "import", "default"].includes(condition) ? chosen(inner) : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The module that `import` of `name` would load in a folder. */
function moduleOf(name: string, folder: string): string {
  const parts = name.split("/");
  const own = parts.splice(0, name.startsWith("@") ? 2 : 1).join("/");
  const root = folderOf(own, folder) ?? folder;
  const { exports, main = "index.js" } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
    exports?: Record<string, Export>;
    main?: string;
  };
  const path = parts.length === 0 ? "." : `./${parts.join("/")}`;
  return join(root, chosen(exports?.[path]) ?? (path === "." ? main : path));
}

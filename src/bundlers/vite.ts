/**
 * The Vite plugin: imports `.tir` files as modules.
 *
 * @module tirc/vite
 */

import { tirc } from "./plugin.ts";

export type { TircPluginOptions } from "./plugin.ts";

/** The plugin: add `tirc()` to the plugins of the build. */
const plugin = tirc.vite;

export default plugin;
// Makes `require` return the plugin, not the namespace, in Node 20.19 and later (nodejs.org/api/modules.html).
export { plugin as "module.exports" };

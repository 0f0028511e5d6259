/**
 * `.tir` files as modules in esbuild.
 *
 * @module tirc/esbuild
 */

import { tirc } from "./plugin.ts";

export type { TircPluginOptions } from "./plugin.ts";

/** The plugin: add `tirc()` to the plugins of the build. */
const plugin = tirc.esbuild;

export default plugin;
// What `require` gives in Node 20.19 and later, instead of the namespace (nodejs.org/api/modules.html).
export { plugin as "module.exports" };

/**
 * `.tir` files as modules in webpack.
 *
 * @module tirc/webpack
 */

import { tirc } from "./plugin.ts";

export type { TircPluginOptions } from "./plugin.ts";

/** The plugin: add `tirc()` to the plugins of the build. */
const plugin = tirc.webpack;

export default plugin;
// What `require` gives in Node 20.19 and later, instead of the namespace (nodejs.org/api/modules.html).
export { plugin as "module.exports" };

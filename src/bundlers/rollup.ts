/**
 * `.tir` files as modules in Rollup.
 *
 * @module tirc/rollup
 */

import { tirc } from "./plugin.ts";

export type { TircPluginOptions } from "./plugin.ts";

/** The plugin: `tirc({ target: "portable" })` among those of the build. */
export default tirc.rollup;

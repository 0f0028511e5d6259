/** `.tir` files as modules in Rollup. */

import { tirc } from "./plugin.ts";

export type { TircPluginOptions } from "./plugin.ts";

export default tirc.rollup;

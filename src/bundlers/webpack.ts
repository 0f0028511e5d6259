/** `.tir` files as modules in webpack. */

import { tirc } from "./plugin.ts";

export type { TircPluginOptions } from "./plugin.ts";

export default tirc.webpack;

/** `.tir` files as modules in Rspack. */

import { tirc } from "./plugin.ts";

export type { TircPluginOptions } from "./plugin.ts";

export default tirc.rspack;

/** `.tir` files as modules in Vite. */

import { tirc } from "./plugin.ts";

export type { TircPluginOptions } from "./plugin.ts";

export default tirc.vite;

/** `.tir` files as modules in esbuild. */

import { tirc } from "./plugin.ts";

export type { TircPluginOptions } from "./plugin.ts";

export default tirc.esbuild;

/**
 * What `tsc` knows of imported `.tir` files that have no declaration beside them: `"types": ["tirc/modules"]`.
 */
declare module "*.tir";

declare module "*.tir?wgsl" {
  const wgsl: string;
  export default wgsl;
}

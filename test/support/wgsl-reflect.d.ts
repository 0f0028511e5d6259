// The package's main file is a CommonJS one that Node takes for an ES module; this one loads, but has no types of its own.
declare module "wgsl_reflect/wgsl_reflect.module.js" {
  export * from "wgsl_reflect";
}

/** The library: parse, transform and compile `.tir` programs. Runs anywhere; `tirc/runtime` runs the kernels. */

export { generateKernel } from "../codegen/generate.ts";
export type { Binding, Dispatch, Kernel, Manifest, ManifestDim, Storage } from "../codegen/manifest.ts";
export { type Range, type SourceMap, spanOfLine } from "../codegen/source-map.ts";
export {
  builtinTargets,
  defaultLimits,
  parseTarget,
  portableTarget,
  type TargetLimits,
  type TargetProfile,
  targetByName,
} from "../codegen/target.ts";
export { builtinPasses, defaultPipeline } from "../passes/index.ts";
export {
  applyFusedRmsNorm,
  type CenteringMode,
  type CenteringOutcome,
  type FusedRmsNormOptions,
  type FusedRmsNormResult,
  type NormRecord,
} from "./apply-fused-rms-norm.ts";
export {
  type CompileOptions,
  type CompileResult,
  compile,
  type OptimizeOptions,
  optimize,
} from "./compile.ts";
export { catalog, explain } from "./diagnostics/catalog.ts";
export {
  type Diagnostic,
  error,
  fail,
  type Label,
  remark,
  type Severity,
  type Source,
  type Span,
  TircError,
  warning,
} from "./diagnostics/diagnostic.ts";
export { renderJson } from "./diagnostics/json.ts";
export { renderPretty } from "./diagnostics/pretty.ts";
export { renderShort } from "./diagnostics/short.ts";
export { type EmitModuleOptions, emitDeclarations, emitModule, exportNames } from "./emit-module.ts";
export { Builder, copyOp, makeOp, rewriteFn, withOperands } from "./ir/builder.ts";
export { sameFn, sameModule } from "./ir/equal.ts";
export { type Constants, constantsOf, interpret } from "./ir/interpret.ts";
export {
  type Attributes,
  type AttributeValue,
  type Const,
  type ConstData,
  constantValue,
  definedBy,
  dimensionNames,
  type Fn,
  type Module,
  makeFn,
  makeModule,
  Op,
  presentOperands,
  type Result,
  type Uses,
  usesOf,
  Value,
} from "./ir/ir.ts";
export { type OpName, opNames, ops } from "./ir/ops/index.ts";
export { print, printFn } from "./ir/print.ts";
export { specialize } from "./ir/specialize.ts";
export type { Tensor } from "./ir/tensor.ts";
export { type Dim, type ElementType, elementTypes, printType, type Shape, type TensorType } from "./ir/types.ts";
export { verifyFn } from "./ir/verify.ts";
export { type Materialized, materialize, type NewConstant } from "./materialize.ts";
export { format } from "./parse/format.ts";
export { type ParseOptions, parse } from "./parse/parse.ts";
export { definePass, type OptionDef, type OptionDefs, type Pass, type PassContext } from "./pass/define-pass.ts";
export type { Instrument, PassEnd, PassFailed, PassStart } from "./pass-manager/instrument.ts";
export { dump, type PrintIrOptions, printIr, reproducer, statistics, timing } from "./pass-manager/instruments.ts";
export {
  PassFailure,
  PassManager,
  type PassManagerOptions,
  type PassResult,
  type PassTiming,
  type PassWithOptions,
} from "./pass-manager/pass-manager.ts";
export { namedPipelines, parsePipeline, printPipeline, type Step } from "./pass-manager/pipeline.ts";
export { type RenderSourceMapOptions, renderSourceMap, type SourceMapV3 } from "./render-source-map.ts";

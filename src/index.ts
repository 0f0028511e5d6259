/**
 * The library: parse, transform and compile `.tir` programs. Runs anywhere; `tirc/runtime` runs the kernels.
 *
 * @module tirc
 */

export { generateKernel } from "../codegen/generate.ts";
export { minifyKernel } from "../codegen/minify.ts";
export { distinctKernels } from "../codegen/variants.ts";
export { builtinPasses, builtins, defaultPipeline, namedPipelines } from "../passes/index.ts";
export * as patterns from "../passes/patterns.ts";
export type { PluginPlace } from "./diagnostics/areas/plugins.ts";
export type { Miss } from "./diagnostics/areas/rewrites.ts";
export {
  type Diagnostic,
  type DiagnosticExtras,
  type Edit,
  error,
  type Fix,
  fail,
  type Help,
  type Label,
  type Labels,
  type Proposal,
  proposal,
  remark,
  type Severity,
  type Source,
  type Span,
  TircError,
  warning,
} from "./diagnostics/diagnostic.ts";
export { type JsonDiagnostic, renderJson } from "./diagnostics/json.ts";
export type { Page } from "./diagnostics/page.ts";
export type { Place } from "./diagnostics/place.ts";
export { type PrettyOptions, renderPretty } from "./diagnostics/pretty.ts";
export type { Refusal as KernelRefusal } from "./diagnostics/refusals.ts";
export { renderShort } from "./diagnostics/short.ts";
export {
  applyFusedRmsNorm,
  type CenteringMode,
  type FusedRmsNormOptions,
  type FusedRmsNormResult,
} from "./driver/apply-fused-rms-norm.ts";
export { type CheckOptions, kernelProblems } from "./driver/check.ts";
export {
  type CompileOptions,
  type CompileResult,
  type CompileVariantsOptions,
  type CompileVariantsResult,
  compile,
  compileVariants,
  type OptimizeOptions,
  optimize,
  type ProductOption,
} from "./driver/compile.ts";
export {
  type Counterexample,
  type Equivalence,
  type EquivalentOptions,
  equivalent,
  type FunctionEquivalence,
  type UnlikeLoad,
} from "./driver/equivalent.ts";
export { type FunctionGradient, type GradientOptions, type GradientResult, gradient } from "./driver/gradient.ts";
export { type Materialized, materialize, type NewConstant } from "./driver/materialize.ts";
export { type CenteringOutcome, type NormRecord, normRecords } from "./driver/norm-records.ts";
export { definePlugin, type Plugin } from "./driver/plugin.ts";
export {
  type EmitModuleOptions,
  type EmittedFunction,
  type EmittedPlan,
  emitDeclarations,
  emitModule,
  exportNames,
} from "./emit/module.ts";
export { type RenderSourceMapOptions, renderSourceMap, type SourceMapV3 } from "./emit/source-map.ts";
export {
  Builder,
  copyOp,
  makeOp,
  type OpOptions,
  type Replacement,
  type RewriteRule,
  rewrite,
  rewriteFn,
  withOperands,
} from "./ir/builder.ts";
export { sameFn, sameModule } from "./ir/equal.ts";
export type { Assumption, Difference } from "./ir/field/compare.ts";
export type {
  AnyNumbers,
  Arithmetic,
  Law,
  LawOfValue,
  Meaning,
  PositiveNumber,
  PositiveRows,
  ScaledOrder,
} from "./ir/field/laws.ts";
export type { Places } from "./ir/infer.ts";
export { type Constants, constantsOf, interpret } from "./ir/interpret.ts";
export {
  type Attributes,
  type AttributeValue,
  type ComputedData,
  type Const,
  type ConstData,
  constantValue,
  definedBy,
  dimensionNames,
  type Fn,
  isOp,
  type Module,
  makeFn,
  makeModule,
  Op,
  type OpInit,
  type OpName,
  type OpOf,
  type OpRows,
  type OwnOps,
  presentOperands,
  type Result,
  type Uses,
  usesOf,
  Value,
} from "./ir/ir.ts";
export type { AttributeDef, AttributeDefs, AttributeOf, AttributesOf, AttributeTypes } from "./ir/ops/attributes.ts";
export type {
  CompositeDef,
  ConstantDef,
  Cost,
  ElementwiseDef,
  ExternDef,
  Facts,
  IndexDef,
  IndexMap,
  KernelContext,
  LinearDef,
  NormDef,
  NormView,
  NumberType,
  OpDef,
  OperandDef,
  ReductionDef,
  Refusal,
  Rows,
  Segment,
  ShapeDef,
  ZeroMean,
  ZeroMeanWay,
} from "./ir/ops/def.ts";
export type { Emitter } from "./ir/ops/emitter.ts";
export { opNames, ops } from "./ir/ops/index.ts";
export type { ElementwiseMeaning, LinearMeaning, Operands, ReductionMeaning } from "./ir/ops/meaning.ts";
export type { Bound, Numerics } from "./ir/ops/numerics.ts";
export { type OwnOp, registerOps } from "./ir/ops/own.ts";
export type { Counts, Division, MergedResult, PartialReduction } from "./ir/ops/parts.ts";
export type { Adjoint, Pullback, Term, Terms, Vjp } from "./ir/ops/vjp.ts";
export type { WgslFunction } from "./ir/ops/wgsl-functions.ts";
export { print, printFn } from "./ir/print.ts";
export { type Extents, specialize } from "./ir/specialize.ts";
export type { Tensor } from "./ir/tensor.ts";
export { type Dim, type ElementType, elementTypes, printType, type Shape, type TensorType } from "./ir/types.ts";
export { verifyFn } from "./ir/verify.ts";
export * as kernel from "./kernel/index.ts";
export { type FormatOptions, format } from "./parse/format.ts";
export { type ParseOptions, parse } from "./parse/parse.ts";
export {
  type Assumed,
  definePass,
  type OptionDef,
  type OptionDefs,
  type OptionValue,
  type OptionValues,
  type Pass,
  type PassContext,
  type PassRegistry,
} from "./pass/define-pass.ts";
export type {
  CenterOutcome,
  CenterResolved,
  Fact,
  Kept,
  KernelCut,
  MovedTo,
  NormMet,
  NotRaised,
  NotSimplified,
  PassOutput,
  Provenance,
  RowsCentered,
  StandardizationMet,
} from "./pass/facts.ts";
export type { Proof } from "./pass/proof.ts";
export type { Traced } from "./pass/trail.ts";
export type { Verification } from "./pass-manager/exact-check.ts";
export type { History, PassRun } from "./pass-manager/history.ts";
export type { Instrument, PassEnd, PassFailed, PassStart } from "./pass-manager/instrument.ts";
export {
  dump,
  type PrintIrOptions,
  printIr,
  reproducer,
  statistics,
  timing,
  type Write,
} from "./pass-manager/instruments.ts";
export {
  type PassAssumption,
  PassFailure,
  type PassList,
  PassManager,
  type PassManagerOptions,
  type PassResult,
  type PassTiming,
  type PassWithOptions,
} from "./pass-manager/pass-manager.ts";
export {
  type Options as StepOptions,
  parsePipeline,
  printPipeline,
  type Step,
} from "./pass-manager/pipeline.ts";
export { comparePlan, type PlanDifference } from "./plan/exact.ts";
export { interpretPlan } from "./plan/interpret.ts";
export { planManifest } from "./plan/manifest.ts";
export {
  type DerivedExtent,
  type Launch,
  launchesOf,
  type OpaqueStep,
  opaqueStepsOf,
  type Plan,
  type PlanBuffer,
  type Step as PlanStep,
  type Tile,
} from "./plan/plan.ts";
export { printPlan } from "./plan/print.ts";
export { verifyPlan } from "./plan/verify.ts";
export type { Choice, TunedSchedule } from "./target/choice.ts";
export type { Binding, Dispatch, Kernel, Manifest, ManifestDim, Storage, Variant } from "./target/manifest.ts";
export type {
  Accuracy,
  KernelOptions,
  ReductionOption,
  Rounding,
  ScheduleOption,
  SplitReductions,
} from "./target/options.ts";
export type { Rates } from "./target/rates.ts";
export { type SourceMap, spanOfLine, type TextRange } from "./target/source-map.ts";
export {
  builtinTargets,
  defaultLimits,
  moduleTargets,
  parseTarget,
  portableTarget,
  type TargetLimits,
  type TargetProfile,
  targetByName,
} from "./target/target.ts";

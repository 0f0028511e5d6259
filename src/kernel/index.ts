/** The kernel IR: expressions and their constructors, statements, buffers and reductions. */

export type { Buffer, Storage } from "./buffer.ts";
export type {
  BinaryOperator,
  BuiltinFunction,
  Expression,
  ExpressionOf,
  KernelFunction,
  Operand,
  UnaryOperator,
  Variable,
} from "./expression.ts";
export { binary, call, select, unary } from "./expression.ts";
export type { Define } from "./function.ts";
export { monoid } from "./monoids.ts";
export type {
  BlockContext,
  Fields,
  Reduction,
  ReductionParts,
  ReductionResult,
  Remainder,
  Results,
  RowContext,
  Seen,
  Shifted,
  State,
  StepContext,
} from "./reduction.ts";
export { reductionOf } from "./reduction.ts";
export type { Axis, Program, Progress, Statement, Statements, Target, Turns } from "./statement.ts";
export type { Scalar, Type, Width } from "./types.ts";

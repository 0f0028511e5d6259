/** A kernel's program: its expressions, with what makes them, its statements and buffers. */

export type { Buffer, Storage } from "./buffer.ts";
export type {
  BinaryOperator,
  BuiltinFunction,
  Expression,
  ExpressionOf,
  KernelFunction,
  Operand,
  Scalar,
  Type,
  UnaryOperator,
  Variable,
  Width,
} from "./expression.ts";
export { binary, call, select, unary } from "./expression.ts";
export type { Axis, Program, Progress, Statement, Target } from "./statement.ts";

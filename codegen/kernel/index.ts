/** The types of a kernel's program: its expressions, statements and buffers. */

export type { Buffer, Storage } from "./buffer.ts";
export type {
  BinaryOperator,
  BuiltinFunction,
  Expression,
  ExpressionOf,
  KernelFunction,
  Scalar,
  Type,
  UnaryOperator,
  Variable,
  Width,
} from "./expression.ts";
export type { Axis, Program, Progress, Statement, Target } from "./statement.ts";

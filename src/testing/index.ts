/**
 * File-based tests of passes, as tirc tests its own passes. Runs in Node, under any test runner.
 *
 * @module tirc/testing
 */

export type { Plugin } from "../driver/plugin.ts";
export type { Const, Fn, Result, Value } from "../ir/ir.ts";
export { randomNumbers } from "../ir/random.ts";
export type { Tensor } from "../ir/tensor.ts";
export type { ElementType, TensorType } from "../ir/types.ts";
export { type Filetest, type FiletestOptions, filetests, runFiletest } from "./filetests.ts";
export { randomConstant, randomInputs } from "./random-inputs.ts";
export { numberDifference } from "./same-numbers.ts";

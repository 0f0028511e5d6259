/** How rows of the op table write other ops: what a norm or a composite op is, and derivatives. */

import type { Attributes, OpName, Value } from "../ir.ts";
import type { ElementType } from "../types.ts";

/** Builds ops in a function that is under construction. */
export interface Emitter {
  /** The result of an op, which is not itself written out in others: what is written out is not looked at again. */
  emit(name: OpName, operands: readonly (Value | undefined)[], attributes?: Attributes, valueName?: string): Value;
  /** The value of a literal. */
  constant(element: ElementType, value: number): Value;
}

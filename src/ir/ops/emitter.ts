/** How rows of the op table build other ops: definitions of norms and composite ops, and derivatives. */

import type { Attributes, OpName, Value } from "../ir.ts";
import type { ElementType } from "../types.ts";

/** Builds ops in a function that is under construction. */
export interface Emitter {
  /** The result of an op, which must not be a composite itself: expansions are not expanded again. */
  emit(name: OpName, operands: readonly (Value | undefined)[], attributes?: Attributes, valueName?: string): Value;
  /** The value of a literal. */
  constant(element: ElementType, value: number): Value;
}

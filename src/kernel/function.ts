/** Functions of a kernel: named intermediate values, and a result. */

import { type Expression, type KernelFunction, read, type Variable } from "./expression.ts";
import type { Type } from "./types.ts";

/** Gives a value a name. @param note a comment in the kernel's text. */
export type Define = (name: string, value: Expression, note?: string) => Expression;

/** @param summary what it computes, or "" if its name says so. */
export function defineFunction<Name extends string>(
  name: string,
  summary: string,
  parameters: Readonly<Record<Name, Type>>,
  body: (args: Readonly<Record<Name, Expression>>, define: Define) => Expression,
): KernelFunction {
  const named = (of: string, type: Type): Variable => ({ name: of, type, isMutable: false });
  const variables = Object.entries<Type>(parameters).map(([of, type]) => named(of, type));
  const steps: KernelFunction["steps"][number][] = [];
  const args = Object.fromEntries(variables.map((variable) => [variable.name, read(variable)]));
  const result = body(args as Record<Name, Expression>, (of, value, note) => {
    const variable = named(of, value.type);
    steps.push({ variable, value, ...(note !== undefined && { note }) });
    return read(variable);
  });
  return { name, summary, parameters: variables, steps, result };
}

/** Programs in which the values have other names: names are hints, and must not matter. */

import { copyOp } from "../../src/ir/builder.ts";
import { type Fn, type Module, makeFn, makeModule, type Op, type Value } from "../../src/ir/ir.ts";
import type { Imported } from "../../src/onnx/import.ts";

/** For the results of a function's ops, in order: those of the next, so that each name is another's. */
export function nextNames(fn: Fn): (string | undefined)[] {
  const names = fn.ops.flatMap(({ results }) => results.map(({ name }) => name));
  return [...names.slice(1), ...names.slice(0, 1)];
}

/** No names at all. */
export const noNames = (fn: Fn): undefined[] => fn.ops.flatMap(({ results }) => results.map(() => undefined));

/** The function with these names for the results of its ops, and the provenance of its ops and values. */
function renamedFn(fn: Fn, names: readonly (string | undefined)[]) {
  const ops = new Map<Op, Op>();
  const values = new Map<Value, Value>();
  const now = (value: Value) => values.get(value) ?? value;
  let at = 0;
  for (const op of fn.ops) {
    const resultNames = op.results.map(() => names[at++]);
    const copy = copyOp(op, { operands: op.operands.map((value) => value && now(value)), resultNames });
    ops.set(op, copy);
    for (const [i, result] of op.results.entries()) values.set(result, copy.results[i] as Value);
  }
  const results = fn.results.map(({ name, value }) => ({ name, value: now(value) }));
  return { fn: makeFn({ ...fn, ops: [...ops.values()], results }), ops, now };
}

type Naming = (fn: Fn) => readonly (string | undefined)[];

export function renamedModule(module: Module, naming: Naming): Module {
  return makeModule(
    module.fns.map((fn) => renamedFn(fn, naming(fn)).fn),
    module.consts,
  );
}

export function renamedImport(imported: Imported, naming: Naming): Imported {
  const [only] = imported.module.fns as [Fn];
  const { fn, ops, now } = renamedFn(only, naming(only));
  return {
    ...imported,
    module: makeModule([fn], imported.module.consts),
    values: new Map([...imported.values].map(([tensor, value]) => [tensor, now(value)])),
    tensors: new Map([...imported.tensors].map(([value, tensor]) => [now(value), tensor])),
    kept: new Map([...imported.kept].map(([op, node]) => [ops.get(op) ?? op, node])),
  };
}

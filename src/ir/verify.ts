/** Verifies that a function is well formed. Runs after every pass. */

import * as verifyErrors from "../diagnostics/areas/verifier.ts";
import { type Diagnostic, TircError } from "../diagnostics/diagnostic.ts";
import { checkFn } from "./arguments.ts";
import { completeAttributes, inferTypes } from "./infer.ts";
import { type Fn, isLeaf, type Op, presentOperands, type Value } from "./ir.ts";
import { printType, sameType } from "./types.ts";

const nameOf = (value: Value) => value.name ?? value.def?.name ?? "?";

/** Checks the op's attributes and types against the op table. */
function verifyOp(op: Op): Diagnostic[] {
  const types = op.operands.map((operand) => operand?.type);
  const places = { op: op.span };
  try {
    const complete = completeAttributes(op.name, op.attributes, types, places);
    const normal = Object.keys(complete).every((key) => String(complete[key]) === String(op.attributes[key]));
    if (!normal) return [verifyErrors.attributes(op.span, op.name)];
    const inferred = inferTypes(
      op.name,
      types,
      complete,
      places,
      op.results.map((result) => result.type),
    );
    return inferred.flatMap((type, i) => {
      const has = op.results[i]?.type;
      if (has !== undefined && sameType(has, type)) return [];
      return [
        verifyErrors.wrongType(op.span, op.name, has === undefined ? "missing" : printType(has), printType(type)),
      ];
    });
  } catch (failure) {
    if (failure instanceof TircError) return [...failure.diagnostics];
    throw failure;
  }
}

/** All violations in a function; empty if it is well formed. */
export function verifyFn(fn: Fn): Diagnostic[] {
  checkFn("verifyFn", fn);
  const problems: Diagnostic[] = [];
  const defined = new Set<Value>();
  const define = (value: Value) => {
    if (defined.has(value)) problems.push(verifyErrors.definedTwice(value.span, nameOf(value)));
    defined.add(value);
  };
  const closed = new Set<number>();
  let kernel: number | undefined;
  for (const param of fn.params) define(param);
  for (const op of fn.ops) {
    for (const operand of presentOperands(op)) {
      if (!defined.has(operand)) problems.push(verifyErrors.undefinedOperand(op.span, op.name, nameOf(operand)));
    }
    problems.push(...verifyOp(op));
    for (const result of op.results) define(result);
    if (isLeaf(op) || op.kernel === kernel) continue;
    if (kernel !== undefined) closed.add(kernel);
    if (op.kernel !== undefined && closed.has(op.kernel)) problems.push(verifyErrors.kernelGap(op.span, op.kernel));
    kernel = op.kernel;
  }
  const names = new Set<string>();
  if (fn.results.length === 0) problems.push(verifyErrors.noResults(fn.span));
  for (const { name, value } of fn.results) {
    if (names.has(name)) problems.push(verifyErrors.resultNameTwice(fn.span, name));
    if (!defined.has(value)) problems.push(verifyErrors.undefinedResult(fn.span, name));
    names.add(name);
  }
  return problems;
}

/** Checks that a pass has not changed the signature, on which callers rely. */
export function verifySignature(before: Fn, after: Fn): Diagnostic[] {
  const describe = (items: readonly { name: string; type: Value["type"] }[]) =>
    items.map(({ name, type }) => `${name}: ${printType(type)}`).join(", ");
  const params = (fn: Fn) => describe(fn.params.map((p) => ({ name: nameOf(p), type: p.type })));
  const results = (fn: Fn) => describe(fn.results.map((r) => ({ name: r.name, type: r.value.type })));
  if (params(before) !== params(after)) {
    return [verifyErrors.resultChanged(after.span, "parameters", params(before), params(after))];
  }
  if (results(before) === results(after)) return [];
  return [verifyErrors.resultChanged(after.span, "results", results(before), results(after))];
}

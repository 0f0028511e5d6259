/** Checks the claims of a pass about values for consistency. */

import type { Fn, Value } from "../ir/ir.ts";
import { quoted } from "../ir/naming.ts";
import { sameType } from "../ir/types.ts";
import type { Fact, PassOutput, Provenance } from "./facts.ts";
import { valuesOf } from "./trail.ts";

/** The inconsistencies, a sentence each. Empty if the pass makes no claims. */
export function wrongClaims(given: Fn, { fn: made, provenance, facts = [] }: PassOutput): string[] {
  if (provenance === undefined && facts.length === 0) return [];
  const before = new Set(valuesOf(given));
  const after = made === given ? before : new Set(valuesOf(made));
  return [
    ...(provenance === undefined ? [] : wrongProvenance({ given, made, before, after }, provenance)),
    ...facts.flatMap((fact) => wrongFact(fact, before, after)),
  ];
}

interface Functions {
  readonly given: Fn;
  readonly made: Fn;
  readonly before: ReadonlySet<Value>;
  readonly after: ReadonlySet<Value>;
}

function wrongProvenance({ given, made, before, after }: Functions, provenance: Provenance): string[] {
  const wrong: string[] = [];
  for (const [value, now] of provenance) {
    if (!before.has(value))
      wrong.push(`${quoted(value)} has an entry, but is not a value of the function before the pass`);
    for (const other of [now].flat()) {
      const name = `${quoted(other)}, which stands for ${quoted(value)},`;
      if (!after.has(other)) wrong.push(`${name} is not a value of the function after the pass`);
      else if (!sameType(value.type, other.type)) wrong.push(`${name} has another type`);
    }
  }
  for (const value of before) {
    if (!after.has(value) && !provenance.has(value)) wrong.push(`${quoted(value)} is gone, but has no entry`);
  }
  const standsFor = (value: Value, other: Value | undefined) => {
    const now = provenance.get(value) ?? value;
    return other !== undefined && [now].flat().includes(other);
  };
  for (const [i, param] of given.params.entries()) {
    if (!standsFor(param, made.params[i])) wrong.push(`the parameter ${quoted(param)} does not stand for itself`);
  }
  for (const [i, { name, value }] of given.results.entries()) {
    if (!standsFor(value, made.results[i]?.value)) wrong.push(`the result \`${name}\` does not stand for itself`);
  }
  return wrong;
}

/** The values that a fact is about: of the function before the pass, and after it. */
function valuesIn(fact: Fact): { readonly given: readonly Value[]; readonly made: readonly Value[] } {
  switch (fact.kind) {
    case "not raised":
    case "not simplified":
      return { given: [fact.value], made: [] };
    case "norm met":
      return { given: [fact.norm], made: Object.values(fact.rewritten ?? {}) };
    case "standardization met":
      return { given: [fact.norm, fact.center], made: [] };
    case "center resolved": {
      const moved = fact.outcome === "folded" || fact.outcome === "moved" ? fact.to : undefined;
      return { given: [fact.center, ...(moved?.constants ?? []), ...(moved?.values ?? [])], made: [] };
    }
    case "rows centered":
      return { given: [fact.value], made: [] };
    case "kernel cut":
      return { given: fact.op.results, made: [] };
    default:
      return fact satisfies never;
  }
}

function wrongFact(fact: Fact, before: ReadonlySet<Value>, after: ReadonlySet<Value>): string[] {
  const { given, made } = valuesIn(fact);
  const wrong = (value: Value, where: string) =>
    `${quoted(value)}, of which it says "${fact.kind}", is not a value of ${where}`;
  return [
    ...given.filter((value) => !before.has(value)).map((value) => wrong(value, "the function before the pass")),
    ...made.filter((value) => !after.has(value)).map((value) => wrong(value, "the function after the pass")),
  ];
}

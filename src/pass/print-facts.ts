/** Prints facts as the remarks of a pass. */

import * as kernelMessages from "../diagnostics/areas/kernels.ts";
import * as remarks from "../diagnostics/areas/rewrites.ts";
import type { Diagnostic } from "../diagnostics/diagnostic.ts";
import { printBytes } from "../ir/bytes.ts";
import type { Value } from "../ir/ir.ts";
import { quoted } from "../ir/naming.ts";
import type { CenterResolved, Fact, Kept, MovedTo } from "./facts.ts";
import { explain } from "./proof.ts";

type FactOf<K extends Fact["kind"]> = Extract<Fact, { readonly kind: K }>;

/** @param most the number of steps of a proof that are visited. */
type Printer<K extends Fact["kind"]> = (fact: FactOf<K>, most: number) => Diagnostic | undefined;

const printers: { readonly [K in Fact["kind"]]: Printer<K> } = {
  "not raised": ({ value, norm, miss }) => remarks.notRaised(value.span, norm, miss),
  "not simplified": ({ value, what, miss }) => remarks.notSimplified(value.span, what, miss),
  "norm met": ({ norm }) => (norm.def?.name === "groupnorm" ? remarks.groupNormStays(norm.span) : undefined),
  "standardization met": () => undefined,
  "center resolved": centerRemark,
  "rows centered": () => undefined,
  "kernel cut": ({ op: { span, name }, why, stored }) => {
    if (typeof why === "string") return kernelMessages.staysOutside(span, name, why);
    const between = stored.map((value) => ({ name: quoted(value), bytes: printBytes(value.type) }));
    return kernelMessages.newKernel(span, name, why, between);
  },
};

/** The numbers of values that all remarks together and each of them may visit: a residual stream can be arbitrarily long. */
const mostLooked = 2 ** 18;
const leastLooked = 16;

/** The number of values that each of `count` remarks may visit. */
export const mostLookedFor = (count: number) => Math.max(leastLooked, Math.floor(mostLooked / Math.max(count, 1)));

/** The remarks for the facts of a pass. */
export function printFacts(facts: readonly Fact[]): Diagnostic[] {
  const most = mostLookedFor(facts.filter(({ kind }) => kind === "center resolved").length);
  return facts.flatMap((fact) => (printers[fact.kind] as Printer<Fact["kind"]>)(fact as never, most) ?? []);
}

/** The remark for a centering; none if no pass examined it. */
export function centerRemark(fact: CenterResolved, most: number): Diagnostic | undefined {
  const { span, def } = fact.center;
  const x = quoted(def?.operand(0) as Value);
  switch (fact.outcome) {
    case "proved": {
      const { lines, ...rest } = explain(fact.proof, most);
      return remarks.centeringProved(span, x, lines, rest);
    }
    case "folded":
    case "moved": {
      const { values, isCut } = fact.to;
      const constants = fact.to.constants.map(quoted);
      if (fact.outcome === "folded") return remarks.centeringFolded(span, x, constants, { isCut });
      const places = values.map((value) => ({ name: quotedPlace(value), span: value.span }));
      return remarks.centeringMoved(span, x, places, constants, { isCut });
    }
    case "kept":
      return fact.kept.miss && remarks.centeringStays(span, x, fact.kept.miss, whyUnmoved(fact.kept));
    case "lossy":
      return remarks.centeringDropped(span, x, fact.miss);
    default:
      return fact satisfies never;
  }
}

function whyUnmoved({ beginsStream, blocked }: Kept): string[] {
  if (beginsStream) return ["a stream begins here, and is centered here for all norms that read it"];
  return blocked === undefined ? [] : [`it does not move: ${blocked}`];
}

/** A value in backquotes. Without a name, its place, which the remark shows, says more than its text. */
const quotedPlace = (value: Value) =>
  value.name === undefined && value.span.source.labels === undefined ? "what is computed there" : quoted(value);

/** The values that are centered instead, in backquotes. */
export function printMoved({ constants, values }: MovedTo): { constants: string[]; movedTo: string[] } {
  return { constants: constants.map(quoted), movedTo: values.map(quotedPlace) };
}

/**
 * Numbers of a kernel as terms: what is computed, in which order, of which elements. Kernels that give the same term give
 * the same bits on a device that computes each of its operations in one way.
 */

import { type Arithmetic, float32 } from "../../src/kernel/arithmetic.ts";

/** Two are one object if they are the same. */
interface Term {
  readonly id: number;
  readonly text: string;
}
/** A term, or a number that is known. */
export type TermNumber = number | Term;

/** All terms of a comparison. */
export class Terms implements Arithmetic<TermNumber> {
  private readonly all = new Map<string, Term>();

  /** @param args that it is made of: terms by their numbers. */
  term(name: string, ...args: readonly TermNumber[]): Term {
    const text = `${name}(${args.map((arg) => (typeof arg === "number" ? String(arg) : `#${arg.id}`)).join()})`;
    const found = this.all.get(text) ?? { id: this.all.size, text };
    this.all.set(text, found);
    return found;
  }

  /** The number where all parts are known, else the term. */
  private of(name: string, args: readonly TermNumber[], compute: (numbers: readonly number[]) => number): TermNumber {
    return args.every((arg) => typeof arg === "number") ? compute(args) : this.term(name, ...args);
  }

  literal: Arithmetic<TermNumber>["literal"] = float32.literal;
  negate: Arithmetic<TermNumber>["negate"] = (a, scalar) =>
    this.of(`-${scalar}`, [a], ([x]) => float32.negate(x as number, scalar));
  binary: Arithmetic<TermNumber>["binary"] = (operator, a, b, from, to) =>
    this.of(operator, [a, b], ([x, y]) => float32.binary(operator, x as number, y as number, from, to));
  call: Arithmetic<TermNumber>["call"] = (name, args, scalar) =>
    this.of(name, args, (numbers) => float32.call(name, numbers, scalar));
  library: Arithmetic<TermNumber>["library"] = (name, args) =>
    this.of(`${name}_`, args, (numbers) => float32.library(name, numbers));
  converted: Arithmetic<TermNumber>["converted"] = (value, from, to) =>
    from === to ? value : this.of(`${from} to ${to}`, [value], ([x]) => float32.converted(x as number, from, to));
  select: Arithmetic<TermNumber>["select"] = (no, yes, condition) =>
    typeof condition === "number"
      ? float32.select(0, 1, condition) === 0
        ? no
        : yes
      : this.term("select", no, yes, condition);
  stored: Arithmetic<TermNumber>["stored"] = (value) => value;
}

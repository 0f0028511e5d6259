/**
 * Symbolic extents: what nodes compute from the extents of a model's inputs.
 *
 * - extent: an integer, or a polynomial with integer coefficients in normal form; equal extents have equal keys.
 * - atom: a variable of the polynomials: a named dimension, or an operation on extents that is not itself a polynomial
 *   (floor(a / b), min, max, broadcast).
 * - least: a lower bound of an extent. Dimensions of inputs are at least 1.
 */

/** An operation that polynomials cannot express. */
interface Operation {
  readonly kind: "floor" | "truncated" | "ratio" | "min" | "max" | "broadcast";
  readonly of: readonly Extent[];
}

interface Atom {
  readonly key: string;
  readonly least: number;
  /** Undefined for a dimension, whose name is the key. */
  readonly operation: Operation | undefined;
}

interface Term {
  readonly factor: number;
  /** Sorted, and repeated for powers. */
  readonly atoms: readonly Atom[];
}

/** A polynomial that is not a number. */
class Polynomial {
  /** The leading term first. */
  readonly terms: readonly Term[];
  readonly key: string;

  constructor(terms: readonly Term[]) {
    this.terms = terms;
    this.key = terms.map(({ factor, atoms }) => [factor, ...atoms.map(({ key }) => key)].join("*")).join(" + ");
  }

  /** The atom, if the polynomial is a single one. */
  get atom(): Atom | undefined {
    const [term, ...others] = this.terms;
    return others.length === 0 && term?.factor === 1 && term.atoms.length === 1 ? term.atoms[0] : undefined;
  }
}

export type Extent = number | Polynomial;

export const keyOf = (extent: Extent): string => (typeof extent === "number" ? String(extent) : extent.key);
export const isSame = (a: Extent, b: Extent): boolean => keyOf(a) === keyOf(b);

/** No real model has larger polynomials. */
const mostTerms = 48;
const mostFactors = 10;

/** Whether an extent is small enough to compute with. */
export function isTractable(extent: Extent): boolean {
  const fits = ({ factor, atoms }: Term) =>
    Number.isInteger(factor) && Math.abs(factor) < 2 ** 48 && atoms.length <= mostFactors;
  if (typeof extent === "number") return true;
  return extent.terms.length <= mostTerms && extent.terms.every(fits);
}

const termsOf = (extent: Extent): readonly Term[] => {
  if (typeof extent === "number") return extent === 0 ? [] : [{ factor: extent, atoms: [] }];
  return extent.terms;
};

/** Graded lexicographic order: multiplication preserves it, which exact division relies on. */
function byDegree(a: readonly Atom[], b: readonly Atom[]): number {
  if (a.length !== b.length) return b.length - a.length;
  const at = a.findIndex(({ key }, i) => key !== b[i]?.key);
  return at < 0 ? 0 : (a[at] as Atom).key < (b[at] as Atom).key ? -1 : 1;
}

function normal(terms: readonly Term[]): Extent {
  const sums = new Map<string, Term>();
  for (const { factor, atoms } of terms) {
    const key = atoms.map((atom) => atom.key).join("*");
    sums.set(key, { factor: (sums.get(key)?.factor ?? 0) + factor, atoms });
  }
  const rest = [...sums.values()].filter(({ factor }) => factor !== 0);
  if (rest.every(({ atoms }) => atoms.length === 0)) return rest[0]?.factor ?? 0;
  return new Polynomial(rest.sort((a, b) => byDegree(a.atoms, b.atoms)));
}

/** The sum of any number of extents, more than a call may have arguments. */
export const sum = (extents: readonly Extent[]): Extent => normal(extents.flatMap((extent) => [...termsOf(extent)]));
export const add = (...extents: readonly Extent[]): Extent => sum(extents);
export const negate = (extent: Extent): Extent => multiply(extent, -1);
export const subtract = (a: Extent, b: Extent): Extent => add(a, negate(b));

const sorted = (atoms: readonly Atom[]) => atoms.toSorted((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));

export function multiply(...extents: readonly Extent[]): Extent {
  return extents.reduce<Extent>((product, extent) => {
    const [left, right] = [termsOf(product), termsOf(extent)];
    const terms = left.flatMap((a) =>
      right.map((b) => ({ factor: a.factor * b.factor, atoms: sorted([...a.atoms, ...b.atoms]) })),
    );
    return normal(terms);
  }, 1);
}

/** a / b, if that is a polynomial with integer coefficients. */
export function divideExactly(a: Extent, b: Extent): Extent | undefined {
  const [lead] = termsOf(b);
  if (lead === undefined) return undefined;
  const quotient: Term[] = [];
  for (let rest = a, steps = 0; steps <= mostTerms; steps++) {
    const [first] = termsOf(rest);
    if (first === undefined) return normal(quotient);
    const atoms = without(first.atoms, lead.atoms);
    const factor = first.factor / lead.factor;
    if (atoms === undefined || !Number.isInteger(factor)) return undefined;
    quotient.push({ factor, atoms });
    rest = subtract(rest, multiply(b, normal([{ factor, atoms }])));
  }
  return undefined;
}

function without(atoms: readonly Atom[], divisor: readonly Atom[]): readonly Atom[] | undefined {
  const left = [...atoms];
  for (const { key } of divisor) {
    const at = left.findIndex((atom) => atom.key === key);
    if (at < 0) return undefined;
    left.splice(at, 1);
  }
  return left;
}

/** A lower bound of an extent; minus infinity if none is known. */
export function least(extent: Extent): number {
  if (typeof extent === "number") return extent;
  if (!isTractable(extent)) return -Infinity;
  // Substitute atom = atom.least + x with x >= 0: if no coefficient is negative, the constant term is the bound.
  const beyond = (atom: Atom): Extent =>
    add(atom.least, new Polynomial([{ factor: 1, atoms: [{ key: atom.key, least: 0, operation: undefined }] }]));
  if (extent.terms.some(({ atoms }) => atoms.some((atom) => atom.least === -Infinity))) return -Infinity;
  const terms = extent.terms.map(({ factor, atoms }) => multiply(factor, ...atoms.map(beyond)));
  const moved = termsOf(add(...terms));
  const isSum = moved.every(({ factor, atoms }) => factor > 0 || atoms.length === 0);
  return isSum ? (moved.find(({ atoms }) => atoms.length === 0)?.factor ?? 0) : -Infinity;
}

/** Whether two extents are equal; undefined if that depends on the dimensions. */
export function areEqual(a: Extent, b: Extent): boolean | undefined {
  if (isSame(a, b)) return true;
  const difference = subtract(a, b);
  return least(difference) > 0 || least(negate(difference)) > 0 ? false : undefined;
}

/** Whether a < b; undefined if that depends on the dimensions. */
export function isLess(a: Extent, b: Extent): boolean | undefined {
  if (least(subtract(b, a)) > 0) return true;
  return least(subtract(a, b)) >= 0 ? false : undefined;
}

const gcd = (a: number, b: number): number => (b === 0 ? Math.abs(a) : gcd(b, a % b));

/** The atoms of one model, and the operations that introduce them. */
export class Extents {
  private readonly atoms = new Map<string, Atom>();

  /** The dimension called `name`; the first call sets its lower bound. */
  dimension(name: string, smallest = 1): Polynomial {
    return this.atom(name, smallest, undefined);
  }

  private atom(key: string, smallest: number, operation: Operation | undefined): Polynomial {
    let atom = this.atoms.get(key);
    if (atom === undefined) {
      // A short key: the keys of nested operations would otherwise grow exponentially.
      atom = { key: operation === undefined ? key : `@${this.atoms.size}`, least: smallest, operation };
      this.atoms.set(key, atom);
    }
    return new Polynomial([{ factor: 1, atoms: [atom] }]);
  }

  private operation(kind: Operation["kind"], smallest: number, ...of: readonly Extent[]): Polynomial {
    return this.atom(`${kind}(${of.map(keyOf).join(", ")})`, smallest, { kind, of });
  }

  /** floor(a / b) for b > 0. */
  floorDivide(a: Extent, b: Extent): Extent {
    const exact = divideExactly(a, b);
    if (exact !== undefined) return exact;
    if (typeof b !== "number") return this.operation("floor", least(a) >= 0 ? 0 : -Infinity, a, b);
    // floor((b q + r) / b) = q + floor(r / b)
    const whole = normal(termsOf(a).map(({ factor, atoms }) => ({ factor: Math.floor(factor / b), atoms })));
    const rest = subtract(a, multiply(whole, b));
    if (typeof rest === "number") return add(whole, Math.floor(rest / b));
    const nested = this.floorOfFloor(rest, b);
    if (nested !== undefined) return add(whole, nested);
    const common = rest.terms.reduce((all, { factor }) => gcd(all, factor), b);
    const [top, bottom] = [divideExactly(rest, common) as Extent, b / common];
    return add(whole, this.operation("floor", Math.floor(least(top) / bottom), top, bottom));
  }

  /** floor((floor(x / m) + k) / b) = floor((x + k m) / (m b)). */
  private floorOfFloor(rest: Polynomial, b: number): Extent | undefined {
    const [term, constant, ...others] = rest.terms;
    const inner = term?.atoms.length === 1 && term.factor === 1 ? term.atoms[0]?.operation : undefined;
    if (inner?.kind !== "floor" || others.length > 0 || (constant?.atoms.length ?? 0) > 0) return undefined;
    const [x, m] = inner.of as [Extent, Extent];
    if (typeof m !== "number") return undefined;
    return this.floorDivide(add(x, (constant?.factor ?? 0) * m), m * b);
  }

  /** a / b rounded toward zero, as integer division does. */
  truncatedDivide(a: Extent, b: Extent): Extent {
    if (least(a) >= 0 && least(b) > 0) return this.floorDivide(a, b);
    return divideExactly(a, b) ?? this.operation("truncated", -Infinity, a, b);
  }

  /** a / b as a real number, for `floor` and `ceil` to round. */
  ratio(a: Extent, b: Extent): Extent {
    return divideExactly(a, b) ?? this.operation("ratio", -Infinity, a, b);
  }

  /** An extent with all its ratios brought to a common denominator. */
  private fraction(extent: Extent): { top: Extent; bottom: Extent } {
    let [top, bottom] = [0 as Extent, 1 as Extent];
    for (const { factor, atoms } of termsOf(extent)) {
      const ratios = atoms.flatMap(({ operation }) => (operation?.kind === "ratio" ? [operation] : []));
      const others = atoms.filter(({ operation }) => operation?.kind !== "ratio");
      const own = multiply(normal([{ factor, atoms: others }]), ...ratios.map(({ of }) => of[0] as Extent));
      const divisor = multiply(...ratios.map(({ of }) => of[1] as Extent));
      const isCommon = isSame(divisor, bottom);
      top = isCommon ? add(top, own) : add(multiply(top, divisor), multiply(own, bottom));
      if (!isCommon) bottom = multiply(bottom, divisor);
    }
    return { top, bottom };
  }

  floor(extent: Extent): Extent {
    const { top, bottom } = this.fraction(extent);
    return this.floorDivide(top, bottom);
  }

  ceil(extent: Extent): Extent {
    const { top, bottom } = this.fraction(extent);
    return this.floorDivide(add(top, bottom, -1), bottom);
  }

  /** a - b * floor(a / b) for b > 0. */
  remainder(a: Extent, b: Extent): Extent {
    return subtract(a, multiply(b, this.floorDivide(a, b)));
  }

  minimum(a: Extent, b: Extent): Extent {
    return this.extreme("min", a, b, isLess);
  }

  maximum(a: Extent, b: Extent): Extent {
    return this.extreme("max", a, b, (x, y) => isLess(y, x));
  }

  private extreme(kind: "min" | "max", a: Extent, b: Extent, isBeyond: typeof isLess): Extent {
    const isSecond = isBeyond(b, a);
    if (isSecond !== undefined) return isSecond ? b : a;
    const isFirst = isBeyond(a, b);
    if (isFirst !== undefined) return isFirst ? a : b;
    return this.operation(kind, Math[kind](least(a), least(b)), ...inOrder([a, b]));
  }

  /** The extent to which these broadcast: the one that is not 1, whichever that is. */
  broadcast(extents: readonly Extent[]): Extent {
    const parts = extents.flatMap((extent) => {
      const operation = typeof extent === "number" ? undefined : extent.atom?.operation;
      return operation?.kind === "broadcast" ? operation.of : [extent];
    });
    const others = new Map(parts.filter((extent) => extent !== 1).map((extent) => [keyOf(extent), extent]));
    const list = inOrder([...others.values()]);
    const number = list.find((extent) => typeof extent === "number");
    // Any two extents that are known to exceed 1 are equal, or the model does not run.
    const sure = number ?? list.find((extent) => least(extent) > 1);
    if (list.length < 2 || sure !== undefined) return sure ?? list[0] ?? 1;
    return this.operation("broadcast", 1, ...list);
  }
}

const inOrder = (extents: readonly Extent[]) => extents.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));

/** The value of an extent, given the values of its dimensions. */
export function evaluate(extent: Extent, of: (name: string) => number): number {
  return termsOf(extent).reduce((sum, { factor, atoms }) => {
    return sum + atoms.reduce((product, atom) => product * valueOfAtom(atom, of), factor);
  }, 0);
}

function valueOfAtom({ key, operation }: Atom, of: (name: string) => number): number {
  if (operation === undefined) return of(key);
  return operations[operation.kind](...(operation.of.map((extent) => evaluate(extent, of)) as [number, number]));
}

const operations: { readonly [Kind in Operation["kind"]]: (a: number, b: number, ...others: number[]) => number } = {
  floor: (a, b) => Math.floor(a / b),
  truncated: (a, b) => Math.trunc(a / b),
  ratio: (a, b) => a / b,
  min: Math.min,
  max: Math.max,
  broadcast: (...all) => all.find((value) => value !== 1) ?? 1,
};

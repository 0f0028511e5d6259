/**
 * Lines from the parts of one statement. A line that is too long is broken after a comma, or before an operator, where
 * the brackets are least deep.
 */

export interface Atom {
  readonly text: string;
  /** Whether a space stands before it, if it does not begin a line. */
  readonly spaced: boolean;
  /** How many brackets are around a break before it; `undefined` where no line may be broken. */
  readonly breakDepth: number | undefined;
  /** Whether a line must begin with it. */
  readonly beginsLine: boolean;
  /** A `//` comment: the line ends with it. */
  readonly endsLine: boolean;
}

export const widestLine = 100;

function widthOf(text: string): number {
  // What follows a comment of several lines stands on its last.
  return text.length - (text.lastIndexOf("\n") + 1);
}

/** The atoms on one line; nothing but a `//` comment at their end breaks it. */
export function flat(atoms: readonly Atom[]): string {
  return atoms.map((atom, i) => (i > 0 && atom.spaced ? ` ${atom.text}` : atom.text)).join("");
}

/** The atoms in lines: the first indented by `indent` spaces, the others by `hang`. */
export function layout(atoms: readonly Atom[], indent: number, hang: number): string[] {
  const lines: string[] = [];
  let at = 0;
  while (at < atoms.length) {
    const margin = " ".repeat(lines.length === 0 ? indent : hang);
    const end = lineEnd(atoms, at, margin.length);
    lines.push(margin + flat(atoms.slice(at, end)));
    at = end;
  }
  return lines;
}

/** Where the line that begins with atom `start` ends: before the atom of that index. */
function lineEnd(atoms: readonly Atom[], start: number, margin: number): number {
  let width = margin;
  let best: number | undefined;
  for (let i = start; i < atoms.length; i++) {
    const atom = atoms[i] as Atom;
    if (i > start && atom.beginsLine) return i;
    const depth = atom.breakDepth;
    if (i > start && depth !== undefined && depth <= (atoms[best ?? i]?.breakDepth ?? depth)) best = i;
    width = atom.text.includes("\n") ? widthOf(atom.text) : width + atom.text.length + (atom.spaced ? 1 : 0);
    // A comment does not count: it would only push the code before it around.
    if (atom.endsLine) return i + 1;
    if (width > widestLine && best !== undefined) return best;
  }
  return atoms.length;
}

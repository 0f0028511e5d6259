/**
 * Lays the atoms of one statement out in lines. A line that is too long is broken after a comma or before an operator,
 * at the lowest bracket depth.
 */

export interface Atom {
  readonly text: string;
  /** Whether a space comes before it, unless it begins a line. */
  readonly spaced: boolean;
  /** The bracket depth of a line break before it; `undefined` if no break is allowed. */
  readonly breakDepth: number | undefined;
  /** Whether a line must begin with it. */
  readonly beginsLine: boolean;
  /** Whether the line must end after it, as after a `//` comment. */
  readonly endsLine: boolean;
}

export const widestLine = 100;

function widthOf(text: string): number {
  // Text after a multi-line comment continues on the comment's last line.
  return text.length - (text.lastIndexOf("\n") + 1);
}

/** The atoms on one line; only a `//` comment can end them. */
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

/** The index of the atom after the line that begins with atom `start`. */
function lineEnd(atoms: readonly Atom[], start: number, margin: number): number {
  let width = margin;
  let best: number | undefined;
  for (let i = start; i < atoms.length; i++) {
    const atom = atoms[i] as Atom;
    if (i > start && atom.beginsLine) return i;
    const depth = atom.breakDepth;
    if (i > start && depth !== undefined && depth <= (atoms[best ?? i]?.breakDepth ?? depth)) best = i;
    width = atom.text.includes("\n") ? widthOf(atom.text) : width + atom.text.length + (atom.spaced ? 1 : 0);
    // The width of a comment is ignored: counting it would only break the code before it differently.
    if (atom.endsLine) return i + 1;
    if (width > widestLine && best !== undefined) return best;
  }
  return atoms.length;
}

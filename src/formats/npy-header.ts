/**
 * Parses the header of a .npy file: a Python dictionary with the keys `descr` (a string, or a list for structured types),
 * `fortran_order` and `shape`. Takes linear time.
 */

export interface NpyHeader {
  /** The type's name in NumPy: `<f4`; `records` for a structured type. */
  readonly type: string;
  readonly isFortran: boolean;
  readonly shape: readonly number[];
}

/** The header is not valid; the message is a clause. */
export class BadHeader extends Error {}

/** NumPy's limit. */
const mostDimensions = 64;

/** Throws BadHeader. */
export function readNpyHeader(text: string): NpyHeader {
  const scanner = new Scanner(text);
  const found: { -readonly [Key in keyof NpyHeader]?: NpyHeader[Key] } = {};
  if (!scanner.takes("{")) throw new BadHeader("it is not a dictionary");
  while (!scanner.takes("}")) {
    const key = scanner.string();
    if (key === undefined || !scanner.takes(":")) throw new BadHeader("it is not a dictionary");
    if (key === "descr") found.type = scanner.string() ?? scanner.list() ?? invalid(key);
    else if (key === "fortran_order") found.isFortran = scanner.boolean() ?? invalid(key);
    else if (key === "shape") found.shape = scanner.tuple() ?? invalid(key);
    else throw new BadHeader(`it has the unknown key \`${key}\``);
    if (!scanner.takes(",") && !scanner.isBefore("}")) invalid(key);
  }
  const { type = invalid("descr"), isFortran = invalid("fortran_order"), shape = invalid("shape") } = found;
  return { type, isFortran, shape };
}

function invalid(key: string): never {
  throw new BadHeader(`it has no valid \`${key}\``);
}

class Scanner {
  private readonly text: string;
  private at = 0;

  constructor(text: string) {
    this.text = text;
  }

  /** Skips blanks and matches a pattern. No pattern needs backtracking. */
  private match(pattern: RegExp): string | undefined {
    for (const sticky of [/\s*/y, pattern]) {
      sticky.lastIndex = this.at;
      const [found] = sticky.exec(this.text) ?? [];
      if (found === undefined) return undefined;
      this.at += found.length;
      if (sticky === pattern) return found;
    }
    return undefined;
  }

  isBefore(char: string): boolean {
    this.match(/(?:)/y);
    return this.text[this.at] === char;
  }

  takes(char: string): boolean {
    if (!this.isBefore(char)) return false;
    this.at++;
    return true;
  }

  string(): string | undefined {
    return this.match(/'[^']*'|"[^"]*"/y)?.slice(1, -1);
  }

  boolean(): boolean | undefined {
    const word = this.match(/True|False/y);
    return word === undefined ? undefined : word === "True";
  }

  /** Skips a list, which may be nested. */
  list(): "records" | undefined {
    let depth = 0;
    do {
      const token = this.match(/'[^']*'|"[^"]*"|[^'"]/y);
      if (token === undefined || (depth === 0 && token !== "[")) return undefined;
      depth += Number(token === "[") - Number(token === "]");
    } while (depth > 0);
    return "records";
  }

  tuple(): number[] | undefined {
    if (!this.takes("(")) return undefined;
    const extents: number[] = [];
    while (!this.takes(")")) {
      // Python 2 writes long integers with an L.
      const digits = this.match(/\d+L?/y);
      if (digits === undefined || !(this.takes(",") || this.isBefore(")"))) return undefined;
      extents.push(Number(digits.replace("L", "")));
      if (extents.length > mostDimensions) throw new BadHeader(`its shape has more than ${mostDimensions} dimensions`);
    }
    return extents;
  }
}

/** Reads the header of a .npy file: a Python dictionary with the keys `descr`, `fortran_order` and `shape`. */

import { isRecord } from "../diagnostics/arguments.ts";

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

/** Throws BadHeader. Takes linear time. */
export function readNpyHeader(text: string): NpyHeader {
  const { descr, fortran_order: isFortran, shape, ...others } = parsed(text);
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) throw new BadHeader(`it has the unknown key \`${unknown}\``);
  // A list describes a structured type.
  const type = Array.isArray(descr) ? "records" : typeof descr === "string" ? descr : invalid("descr");
  if (typeof isFortran !== "boolean") invalid("fortran_order");
  if (!Array.isArray(shape) || !shape.every((extent) => Number.isInteger(extent) && extent >= 0)) invalid("shape");
  if (shape.length > mostDimensions) throw new BadHeader(`its shape has more than ${mostDimensions} dimensions`);
  return { type, isFortran, shape };
}

/** Strings, booleans, the ends of tuples, commas before an end, and the `L` that Python 2 appends to integers. */
const unlikeJson = /'([^']*)'|"([^"]*)"|True|False|[()]|,(?=\s*[)\]}])|(?<=\d)L/g;

/** A dictionary of Python, whose literals are written as JSON. */
function parsed(text: string): Readonly<Record<string, unknown>> {
  const replacements: Readonly<Record<string, string>> = { True: "true", False: "false", "(": "[", ")": "]" };
  const json = text.replace(unlikeJson, (token, single?: string, double?: string) => {
    const content = single ?? double;
    return content === undefined ? (replacements[token] ?? "") : JSON.stringify(content);
  });
  try {
    const value: unknown = JSON.parse(json);
    if (isRecord(value)) return value;
  } catch {
    // Reported like any other value that is not a dictionary.
  }
  throw new BadHeader("it is not a dictionary");
}

function invalid(key: string): never {
  throw new BadHeader(`it has no valid \`${key}\``);
}

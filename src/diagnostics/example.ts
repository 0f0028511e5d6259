/** The programs of the catalog. */

/** A function of one tensor that consists of these lines. */
export function body(...lines: readonly string[]): string {
  return ["fn f(x: f32[rows, 768]) -> f32[rows, 768] {", ...lines.map((line) => `  ${line}`), "}"].join("\n");
}

export function program(...lines: readonly string[]): string {
  return lines.join("\n");
}

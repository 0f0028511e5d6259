/** Norms in a table, for people: columns as wide as what is in them; the reasons on lines of their own. */

import type { NormRecord } from "../norm-records.ts";

type Norm = Pick<NormRecord, "gamma" | "beta" | "eps" | "centering" | "because">;

const affine = ({ gamma, beta }: Norm) => [gamma ? "gamma" : "", beta ? "beta" : ""].filter(Boolean).join(" ");

/** Of what a file of f32 holds: 9.999999747378752e-6 is 1e-5. */
export const shortEps = (eps: number) => (eps === 0 ? "0" : Number(eps.toPrecision(7)).toExponential());

/** @param norms each with its first cells: where it is, and what. */
export function normTable(norms: readonly (Norm & { readonly cells: readonly string[] })[]): string[] {
  const rows = norms.map((norm) => [...norm.cells, affine(norm) || "-", `eps ${shortEps(norm.eps)}`, norm.centering]);
  const widths = (rows[0] ?? []).map((_, i) =>
    rows.reduce((most, row) => Math.max(most, (row[i] as string).length), 0),
  );
  return rows.flatMap((row, i) => {
    const line = row.map((cell, c) => cell.padEnd(widths[c] as number)).join("  ");
    return [line.trimEnd(), ...(norms[i] as Norm).because.map((reason) => `    ${reason}`)];
  });
}

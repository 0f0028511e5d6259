/** A human-readable table of norms, with the reasons on lines of their own. */

import type { NormRecord } from "../driver/norm-records.ts";
import { columns } from "./columns.ts";

type Norm = Pick<NormRecord, "gamma" | "beta" | "eps" | "centering" | "because">;

const affine = ({ gamma, beta }: Norm) => [gamma ? "gamma" : "", beta ? "beta" : ""].filter(Boolean).join(" ");

/** Undoes the rounding to f32: 9.999999747378752e-6 is printed as 1e-5. */
export const shortEps = (eps: number) => (eps === 0 ? "0" : Number(eps.toPrecision(7)).toExponential());

/** @param norms each with its first cells: its place and its kind. */
export function normTable(norms: readonly (Norm & { readonly cells: readonly string[] })[]): string[] {
  const rows = norms.map((norm) => [...norm.cells, affine(norm) || "-", `eps ${shortEps(norm.eps)}`, norm.centering]);
  return columns(rows).flatMap((line, i) => [line, ...(norms[i] as Norm).because.map((reason) => `    ${reason}`)]);
}

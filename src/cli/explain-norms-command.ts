/** `tirc explain-norms`: every norm of a file, and what became of its centering. */

import { applyFusedRmsNorm, type CenteringMode, type NormRecord } from "../apply-fused-rms-norm.ts";
import { lineColumn } from "../diagnostics/diagnostic.ts";
import { parse } from "../parse/parse.ts";
import type { Arguments, Word } from "./arguments.ts";
import { readText, shownPath } from "./files.ts";
import type { Session } from "./session.ts";

export async function explainNormsCommand(args: Arguments, session: Session): Promise<number> {
  const { io } = session;
  const path = (args.operands[0] as Word).text;
  const module = parse(readText(path, io), { file: shownPath(path, "stdin") });
  const mode = (args.value("--mode")?.text ?? "exact") as CenteringMode;
  const { norms, remarks } = applyFusedRmsNorm(module, { mode });
  if (args.has("--json")) io.stdout(`${JSON.stringify(norms.map(asData), null, 2)}\n`);
  else io.stdout(table(norms));
  session.report(remarks.filter(({ code }) => code === "R0601"));
  return 0;
}

function placeOf({ span }: NormRecord) {
  return { file: span.source.name, ...lineColumn(span.source, span.start) };
}

function asData(record: NormRecord) {
  const { span: _, ...rest } = record;
  return { ...rest, ...placeOf(record) };
}

const affine = ({ gamma, beta }: NormRecord) => [gamma ? "gamma" : "", beta ? "beta" : ""].filter(Boolean).join(" ");

/** Columns as wide as what is in them; the reasons on lines of their own. */
function table(norms: readonly NormRecord[]): string {
  const rows = norms.map((record) => {
    const { file, line, column } = placeOf(record);
    return [
      `${file}:${line}:${column}`,
      record.fn,
      record.norm,
      affine(record) || "-",
      `eps ${record.eps === 0 ? 0 : record.eps.toExponential()}`,
      record.centering,
    ];
  });
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((row) => (row[i] as string).length)));
  return rows
    .map((row, i) => {
      const line = row.map((cell, c) => cell.padEnd(widths[c] as number)).join("  ");
      const because = (norms[i] as NormRecord).because.map((reason) => `    ${reason}\n`);
      return `${line.trimEnd()}\n${because.join("")}`;
    })
    .join("");
}

/** `tirc explain-norms`: every norm of a file, and what became of its centering. */

import { applyFusedRmsNorm, type CenteringMode } from "../apply-fused-rms-norm.ts";
import { lineColumn } from "../diagnostics/diagnostic.ts";
import { jsonText } from "../diagnostics/json.ts";
import type { NormRecord } from "../norm-records.ts";
import { parse } from "../parse/parse.ts";
import type { Arguments, Word } from "./arguments.ts";
import { readText, shownPath } from "./files.ts";
import { normTable } from "./norm-table.ts";
import type { Session } from "./session.ts";

export async function explainNormsCommand(args: Arguments, session: Session): Promise<number> {
  const { io } = session;
  const path = (args.operands[0] as Word).text;
  const module = parse(readText(path, io), { file: shownPath(path, "stdin") });
  const mode = (args.value("--mode")?.text ?? "exact") as CenteringMode;
  const { norms, remarks } = applyFusedRmsNorm(module, { mode });
  if (args.has("--json")) session.output(`${jsonText(norms.map(asData), 2)}\n`);
  else session.print(table(norms));
  session.report(remarks.filter(({ code }) => code === "R0601"));
  return 0;
}

function placeOf({ span }: NormRecord) {
  return { file: span.source.name, ...lineColumn(span.source, span.start) };
}

function asData(record: NormRecord) {
  const { span: _span, centers: _centers, ...rest } = record;
  return { ...rest, ...placeOf(record) };
}

function table(norms: readonly NormRecord[]): string[] {
  return normTable(
    norms.map((record) => {
      const { file, line, column } = placeOf(record);
      return { ...record, cells: [`${file}:${line}:${column}`, record.fn, record.norm] };
    }),
  );
}

/** `tirc explain-norms`: every norm of a file, and what became of its centering. */

import { lineColumn } from "../diagnostics/source.ts";
import { applyFusedRmsNorm, type CenteringMode } from "../driver/apply-fused-rms-norm.ts";
import type { NormRecord } from "../driver/norm-records.ts";
import { parse } from "../parse/parse.ts";
import { normTable } from "../report/norm-table.ts";
import { headline, normLines } from "../report/surgery-report.ts";
import type { NormReport } from "../surgery/norm-report.ts";
import { surgery } from "../surgery/surgery.ts";
import type { Arguments } from "./arguments.ts";
import { explainCheckpoint } from "./checkpoint-command.ts";
import { isFolder } from "./checkpoint-files.ts";
import { readText, shownPath } from "./files.ts";
import { isModel, openModel } from "./model-files.ts";
import { loadPlugins } from "./plugins.ts";
import type { Session } from "./session.ts";

export async function explainNormsCommand(args: Arguments, session: Session): Promise<number> {
  const { io } = session;
  const path = args.operand.text;
  if (isModel(path)) return explainModel(path, args, session);
  if (isFolder(path, io)) return explainCheckpoint(args, session);
  await loadPlugins(args, session);
  const module = parse(readText(path, io), { file: shownPath(path, "stdin") });
  const mode = (args.value("--mode")?.text ?? "exact") as CenteringMode;
  const { norms, remarks } = applyFusedRmsNorm(module, { mode });
  session.result(args.has("--json"), norms.map(asData), table(norms));
  session.report(remarks.filter(({ code }) => code === "R0601"));
  return 0;
}

/** The outcome of `tirc surgery` on a model, without writing it. */
function explainModel(path: string, args: Arguments, session: Session): number {
  const mode = args.value("--mode")?.text as CenteringMode | undefined;
  const result = surgery(openModel(path, session.io), { mode: mode === "lossy" ? "lossy" : "exact" });
  const norms = mode === "off" ? result.norms.map(untouched) : result.norms;
  const lines = norms.length > 0 ? [headline({ ...result, norms }), ...normLines(norms, true)] : [];
  session.result(args.has("--json"), norms, lines);
  session.report(result.warnings);
  return 0;
}

const untouched = (norm: NormReport): NormReport =>
  norm.norm === "layernorm"
    ? { ...norm, centering: "kept", because: ["mode=off"], constants: [], movedTo: [], beginsStream: false }
    : norm;

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

/** `tirc surgery`: the LayerNorms of an ONNX model as RMSNorms, in a model beside it. */

import { basename, dirname, join, resolve } from "node:path";
import { fail } from "../diagnostics/diagnostic.ts";
import { surgeryErrors } from "../diagnostics/errors-surgery.ts";
import { jsonText } from "../diagnostics/json.ts";
import type { OnnxModel } from "../onnx/model.ts";
import { bytesOf } from "../onnx/write.ts";
import { normOpTypes } from "../surgery/emit.ts";
import { type NormReport, type Surgery, type SurgeryOptions, surgery } from "../surgery/surgery.ts";
import type { Arguments, Word } from "./arguments.ts";
import { kindOf } from "./files.ts";
import { normTable } from "./norm-table.ts";
import { openOnnx, weightsRead } from "./onnx-files.ts";
import { Outputs, writtenBy } from "./outputs.ts";
import { type Io, linesOf, type Session } from "./session.ts";
import { checkModels, type OutputCheck } from "./surgery-check.ts";

export async function surgeryCommand(args: Arguments, session: Session): Promise<number> {
  const { io } = session;
  const path = (args.operands[0] as Word).text;
  const out = args.value("--output");
  const model = openOnnx(path, io);
  const written = [...writtenBy(args, "--output"), ...writtenBy(args, "--report")];
  const outputs = new Outputs(args, session, written, weightsRead(model, path));
  if (out !== undefined) checkWeights(model, path, out, io);
  const mode = args.value("--mode")?.text as SurgeryOptions["mode"];
  const normOp = args.value("--norm-op")?.text as SurgeryOptions["normOp"];
  const result = surgery(model, { ...(mode && { mode }), ...(normOp && { normOp }) });
  if (out !== undefined) outputs.write(out.text, bytesOf(model.reader.source, result.pieces));
  const checks = args.has("--check") ? await checkModels(model, path, result.pieces, args, session) : undefined;
  const report = `${jsonText({ ...asData(result), ...(checks && { checks }) }, 2)}\n`;
  const reportFile = args.value("--report")?.text;
  if (reportFile !== undefined) outputs.write(reportFile, report);
  session.report([...result.warnings, ...(args.has("--remarks") ? result.remarks : [])]);
  for (const line of summary(result)) session.say(`${out?.text ?? model.file}: ${line}`);
  const isStdoutTaken = [out?.text, reportFile].includes("-");
  const lines = args.has("--json") ? linesOf(report) : [...table(result.norms), ...(checks ?? []).map(checkLine)];
  if (isStdoutTaken) session.tell(lines);
  else session.print(lines);
  const wrong = mode === "lossy" ? [] : (checks ?? []).filter((check) => isOff(model, check));
  session.report(
    wrong.map(({ output, difference, largest }) => surgeryErrors.differs(output, short(difference), short(largest))),
  );
  return wrong.length > 0 ? 1 : 0;
}

const short = (number: number) =>
  number === 0 || number >= 0.01 ? String(Number(number.toPrecision(2))) : number.toExponential(1);

const checkLine = ({ output, shape, difference, largest }: OutputCheck) =>
  `${output}: [${shape.join(", ")}] is off by ${short(difference)} at most; its largest number is ${short(largest)}`;

/** By more than rounding explains. */
function isOff({ graph }: OnnxModel, { output, difference, largest }: OutputCheck): boolean {
  const isHalf = graph.outputs.some(({ name, elementType }) => name === output && elementType === 10);
  return difference > (isHalf ? 2e-2 : 1e-3) * largest;
}

/** Weights in other files must be found from where the model is written to. */
function checkWeights({ locations, file }: OnnxModel, path: string, out: Word, io: Io): void {
  if (out.text === "-" || path === "-") return;
  const [from, to] = [dirname(path), dirname(out.text)];
  if (resolve(io.cwd, from) === resolve(io.cwd, to)) return;
  for (const location of locations) {
    if (location === "" || kindOf(join(to, location), io) === "file") continue;
    fail(surgeryErrors.weightsElsewhere(out.span, out.text, location, join(dirname(file), basename(out.text))));
  }
}

function asData({ norms, weights, centers, normOp, nodes, launches }: Surgery) {
  return { normOp: normOpTypes[normOp], norms, weights, centers, nodes, ...(launches && { launches }) };
}

const counted = (count: number, what: string) => `${count} ${what}${count === 1 ? "" : "s"}`;

function summary({ norms, weights, centers, normOp }: Surgery): string[] {
  const rewritten = norms.filter(({ norm, centering }) => norm === "layernorm" && centering !== "left").length;
  if (rewritten === 0) return [];
  const centered = weights.map(
    ({ name, residual }) => `${name}, row means at most ${residual.toExponential(1)} of the row's largest element`,
  );
  const all = `${counted(rewritten, "LayerNorm")} written as ${normOpTypes[normOp]}, ${counted(centers, "centering")} left`;
  return [...centered, all];
}

function table(norms: readonly NormReport[]): string[] {
  return normTable(norms.map((norm) => ({ ...norm, beta: norm.beta !== "none", cells: [placeOf(norm), norm.norm] })));
}

/** `ln.0 (LayerNormalization)`; of several nodes the first and the last. */
function placeOf({ nodes }: NormReport): string {
  const [first, last] = [nodes[0] as string, nodes.at(-1) as string];
  return nodes.length === 1 ? first : `${first} to ${last}`;
}

/** `tirc surgery`: rewrites the LayerNorms of a model as RMSNorms, and writes the new model. */

import { basename, dirname, join, resolve } from "node:path";
import * as cliErrors from "../diagnostics/areas/command.ts";
import * as surgeryErrors from "../diagnostics/areas/surgery.ts";
import { type Diagnostic, fail } from "../diagnostics/diagnostic.ts";
import { jsonText } from "../diagnostics/json.ts";
import { types } from "../onnx/data-types.ts";
import type { OnnxModel } from "../onnx/model.ts";
import { bytesOf } from "../onnx/write.ts";
import { Pt2Model } from "../pt2/model.ts";
import type { Check, OutputCheck } from "../report/check-outcome.ts";
import { surgeryPage } from "../report/surgery-page.ts";
import {
  checkLines,
  exactLine,
  fromFloat64,
  headline,
  normLines,
  short,
  sizeLine,
  wrapped,
} from "../report/surgery-report.ts";
import { foldable } from "../surgery/norm-forms.ts";
import { type Surgery, type SurgeryOptions, surgery } from "../surgery/surgery.ts";
import { type Arguments, checkStream, type Word } from "./arguments.ts";
import { checkpointSurgeryCommand, foldedBy } from "./checkpoint-command.ts";
import { isFolder } from "./checkpoint-files.ts";
import { kindOf } from "./files.ts";
import { openModel, weightsRead } from "./model-files.ts";
import { Outputs, writtenBy } from "./outputs.ts";
import { type Io, linesOf, type Session } from "./session.ts";
import { checkModels } from "./surgery-check.ts";

export async function surgeryCommand(args: Arguments, session: Session): Promise<number> {
  const { io } = session;
  checkStream([...args.operands, ...args.paths("--in")], "stdin");
  const path = args.operand.text;
  if (isFolder(path, io)) return checkpointSurgeryCommand(args, session);
  if (args.has("--keep-tied")) {
    const why = "only a checkpoint's tables can be tied";
    fail(cliErrors.notFor(args.spanOf("--keep-tied"), "--keep-tied", "a model", why));
  }
  const out = args.value("--output");
  const model = openModel(path, io);
  const written = ["--output", "--report", "--html"].flatMap((option) => writtenBy(args, option));
  const outputs = new Outputs(args, session, written, weightsRead(model, path));
  if (out !== undefined) checkWeights(model, path, out, io);
  const mode = args.value("--mode")?.text as SurgeryOptions["mode"];
  const normOp = args.value("--norm-op")?.text as SurgeryOptions["normOp"];
  const fold = foldedBy(args, foldable);
  const dequantize = args.has("--dequantize");
  const result = surgery(model, {
    ...(mode && { mode }),
    ...(normOp && { normOp }),
    ...(fold && { fold }),
    dequantize,
  });
  const isChecked = checkOptions.some((option) => args.has(option));
  const check = isChecked ? await checkModels(model, result.graph, args, session) : undefined;
  const wrong = check === undefined ? [] : problems(check, model, mode);
  const isWritten = out !== undefined && (wrong.length === 0 || args.has("--keep"));
  if (isWritten) outputs.write(out.text, bytesOf(result.source, result.pieces));
  const report = `${jsonText({ ...asData(result, model), ...(check && { check }) }, 2)}\n`;
  const [reportFile, page] = [args.value("--report")?.text, args.value("--html")?.text];
  if (reportFile !== undefined) outputs.write(reportFile, report);
  if (page !== undefined) outputs.write(page, surgeryPage({ model, result, ...(check && { check }) }));
  session.report([...result.warnings, ...(args.has("--remarks") ? result.remarks : [])]);
  const isStdoutTaken = [out?.text, reportFile, page].includes("-");
  const lines = args.has("--json") ? linesOf(report) : forPeople(result, check, args.has("--verbose"));
  if (isStdoutTaken) session.tell(lines);
  else session.print(lines);
  session.report(wrong);
  if (out !== undefined && !isWritten) session.say(`${out.text} is not written; --keep writes it anyway`);
  return wrong.length > 0 ? 1 : 0;
}

/** Options for a check require `--check`. */
const checkOptions = ["--check", "--time", "--in", "--dim", "--seed", "--keep"];

function forPeople(result: Surgery, check: Check | undefined, isVerbose: boolean): string[] {
  const { norms, weights } = result;
  const head =
    norms.length === 0
      ? []
      : [...wrapped(headline(result, check), 0), ...wrapped(sizeLine(result), 0), ...exactLine(result)];
  const centered = weights.map(
    ({ name, residual }) => `${name}: row means at most ${short(residual)} of the row's largest element`,
  );
  return [
    ...head,
    ...normLines(norms, isVerbose),
    ...(isVerbose ? centered : []),
    ...(check === undefined ? [] : checkLines(check)),
  ];
}

/** The faults that a check finds. Modes other than `exact` change the function, but must compute something. */
function problems(check: Check, model: OnnxModel, mode: SurgeryOptions["mode"]): Diagnostic[] {
  const accuracies = "because" in check.float64 ? [] : check.float64.outputs;
  const off = check.outputs.flatMap((one) => {
    const accuracy = accuracies.find(({ output }) => output === one.output);
    // A result that is closer to float64 than before is not a mistake of the rewritten model.
    const isNearer = accuracy !== undefined && accuracy.after <= accuracy.before;
    if (mode === "lossy" || isNearer || !isOff(model, one)) return [];
    const { output, difference, largest } = one;
    return [surgeryErrors.differs(output, short(difference), short(largest), accuracy && fromFloat64(accuracy))];
  });
  const { outputs } = check;
  // A constant among outputs that vary may be intended, and so may one that is constant in float64 as well.
  const isNothing = ({ output, worthless, nans, largest }: OutputCheck) => {
    const known = accuracies.find((one) => one.output === output);
    const isConfirmed = known !== undefined && largest > 0 && known.before <= 1e-5 * largest;
    return worthless !== undefined && (nans > 0 || (isNone && !isConfirmed));
  };
  const isNone = outputs.every(({ worthless }) => worthless !== undefined);
  const empty = outputs
    .filter(isNothing)
    .map(({ output, worthless }) => surgeryErrors.nothingCompared(output, worthless ?? ""));
  return [...off, ...empty];
}

/** By more than rounding explains. */
function isOff({ graph }: OnnxModel, { output, difference, largest }: OutputCheck): boolean {
  const isHalf = graph.outputs.some(({ name, elementType }) => name === output && elementType === types.half);
  return difference > (isHalf ? 2e-2 : 1e-3) * largest;
}

/** Weights in other files must be found from the place of the new model. */
function checkWeights(model: OnnxModel, path: string, out: Word, io: Io): void {
  const { locations, file } = model;
  if (model instanceof Pt2Model) return;
  if (out.text === "-" || path === "-") return;
  const [from, to] = [dirname(path), dirname(out.text)];
  if (resolve(io.cwd, from) === resolve(io.cwd, to)) return;
  for (const location of locations) {
    if (location === "" || kindOf(join(to, location), io) === "file") continue;
    fail(surgeryErrors.weightsElsewhere(out.span, out.text, location, join(dirname(file), basename(out.text))));
  }
}

/** A PyTorch program has no ONNX operator set. */
function asData(
  { norms, weights, centers, normOp, nodes, opset, launches, exactness, assumed }: Surgery,
  model: OnnxModel,
) {
  return {
    normOp,
    nodes,
    ...(!(model instanceof Pt2Model) && { opset }),
    ...(launches && { launches }),
    exactness,
    assumed,
    norms,
    weights,
    centers,
  };
}

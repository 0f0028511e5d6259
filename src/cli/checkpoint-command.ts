/** `tirc surgery`, `explain-norms` and `import` of a Hugging Face checkpoint: a folder with `config.json`. */

import { join, relative } from "node:path";
import { foldableInCheckpoints } from "../checkpoint/fold.ts";
import { checkpointProgram, checkpointSurgery } from "../checkpoint/surgery.ts";
import { checkpointFiles, leftBehind, type WrittenTensor } from "../checkpoint/write.ts";
import * as checkpointErrors from "../diagnostics/areas/checkpoints.ts";
import * as cliErrors from "../diagnostics/areas/command.ts";
import { fail } from "../diagnostics/diagnostic.ts";
import { jsonText } from "../diagnostics/json.ts";
import { listing } from "../diagnostics/wording.ts";
import { print } from "../ir/print.ts";
import { bytesOf } from "../onnx/write.ts";
import { detailLines, headline, summaryLines, table } from "../report/checkpoint-report.ts";
import { counted, wrapped } from "../report/surgery-report.ts";
import type { Arguments } from "./arguments.ts";
import { checkpointAt } from "./checkpoint-files.ts";
import { filesIn, removeFrom, shownPath } from "./files.ts";
import { Outputs, writtenBy, writtenInto } from "./outputs.ts";
import { linesOf, type Session } from "./session.ts";

/** Options that concern a graph, or running one. */
const ofModels = [
  "--mode",
  "--norm-op",
  "--dequantize",
  "--html",
  "--check",
  "--in",
  "--dim",
  "--seed",
  "--time",
  "--keep",
];

function checkOptions(args: Arguments): void {
  const given = ofModels.find((option) => args.has(option));
  if (given === undefined) return;
  const why = "it has weights, but no graph that could be changed or run";
  fail(cliErrors.notFor(args.spanOf(given), given, "a checkpoint", why));
}

/** The names in `--fold`, which accepts these; `undefined` if it is not given. Throws E0705. */
export function foldedBy<F extends string>(args: Arguments, known: readonly F[], of = ""): F[] | undefined {
  const word = args.value("--fold");
  const expected = `a list of ${listing(known, "and")}, separated by commas${of}`;
  return word?.text
    .split(",")
    .map(
      (name) =>
        known.find((one) => one === name) ?? fail(cliErrors.wrongValue(word.span, "--fold", name, expected, known)),
    );
}

export function checkpointSurgeryCommand(args: Arguments, session: Session): number {
  const { io } = session;
  checkOptions(args);
  const path = args.operand.text;
  const checkpoint = checkpointAt(path, io);
  const out = args.value("--output");
  if (out !== undefined && filesIn(out.text, io).length > 0) fail(checkpointErrors.notEmpty(out.span, out.text));
  const { files: names } = checkpoint.folder;
  const outputs = new Outputs(args, session, [...writtenInto(args, "--output", names), ...writtenBy(args, "--report")]);
  // A checkpoint has no place for a centering.
  const fold = foldedBy(args, foldableInCheckpoints, ", for a checkpoint") ?? [];
  const result = checkpointSurgery(checkpoint, { keepTied: args.has("--keep-tied"), fold });
  const written: WrittenTensor[] = [];
  if (out !== undefined) {
    const files = checkpointFiles(checkpoint, result, (one) => written.push(one));
    try {
      for (const { name, source, pieces } of files) outputs.write(`${out.text}/${name}`, bytesOf(source, pieces));
    } catch (caught) {
      // A partial checkpoint would load, with other weights for the rest.
      removeFrom(
        out.text,
        files.map(({ name }) => name),
        io,
      );
      throw caught;
    }
  }
  const { warnings, ...data } = result;
  const report = `${jsonText({ ...data, ...(out && { written }) }, 2)}\n`;
  const file = args.value("--report")?.text;
  if (file !== undefined) outputs.write(file, report);
  session.report(warnings);
  const forPeople = () => [
    ...summaryLines(checkpoint, result, written, ". --keep-tied does without").flatMap((line) => wrapped(line, 0)),
    ...detailLines(result, written, args.has("--verbose")),
  ];
  const lines = args.has("--json") ? linesOf(report) : forPeople();
  if (file === "-") session.tell(lines);
  else session.print(lines);
  const left = out === undefined ? [] : leftBehind(checkpoint);
  if (left.length > 0) session.say(`not in ${out?.text}: ${left.join(", ")}, which have the original weights`);
  return 0;
}

export function explainCheckpoint(args: Arguments, session: Session): number {
  const mode = args.value("--mode");
  if (mode !== undefined && mode.text !== "exact") {
    fail(
      cliErrors.notFor(
        mode.span,
        `--mode ${mode.text}`,
        "a checkpoint",
        "its weights are centered exactly, or not at all",
      ),
    );
  }
  const { norms, warnings } = checkpointSurgery(checkpointAt(args.operand.text, session.io));
  const lines = norms.length > 0 ? [headline(norms), ...table(norms)] : [];
  session.result(args.has("--json"), norms, lines);
  session.report(warnings);
  return 0;
}

/** The program on which the surgery is decided: what is added to the model's streams, and the norms that read them. */
export function importCheckpoint(args: Arguments, session: Session): number {
  const { io } = session;
  const path = args.operand.text;
  const out = args.value("--output")?.text ?? "-";
  const checkpoint = checkpointAt(path, io);
  const folder = relative(out === "-" ? "." : join(out, ".."), path).replaceAll("\\", "/");
  const outputs = new Outputs(args, session, writtenBy(args, "--output"));
  const program = checkpointProgram(checkpoint, undefined, folder === "" ? "" : `${folder}/`);
  outputs.write(out, print(program.module));
  session.say(`${shownPath(path, "stdin")}: ${counted(program.norms.length, "norm")} of a ${checkpoint.config.type}`);
  return 0;
}

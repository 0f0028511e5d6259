/** The command line: parses it, runs the command, and turns everything that is thrown into diagnostics and an exit code. */

import * as cliErrors from "../diagnostics/areas/command.ts";
import { type Diagnostic, fail, TircError } from "../diagnostics/diagnostic.ts";
import { type CommandSpec, commandLine, parseArguments, type Word } from "./arguments.ts";
import { commandSpecs } from "./commands.ts";
import { exitCodeOf } from "./exit-code.ts";
import { type DiagnosticForm, linesOf, Session, type World } from "./session.ts";

/** Runs a command line (without the names of the interpreter and the script) and returns the exit code. Never throws. */
export async function main(argv: readonly string[], world: World): Promise<number> {
  const session = new Session(world, formOf(argv));
  try {
    return await dispatch(argv, session);
  } catch (caught) {
    if (caught instanceof TircError) {
      session.report(caught.diagnostics);
      return exitCodeOf(caught.diagnostics);
    }
    const { reportCrash } = await import("./crash.ts");
    return reportCrash(caught, ["tirc", ...argv].join(" "), session);
  } finally {
    session.end();
  }
}

/** How to report errors in the command line itself. */
function formOf(argv: readonly string[]): DiagnosticForm {
  const forms: readonly string[] = ["pretty", "short", "json"];
  const given = argv.map((text, i) =>
    text === "--diagnostics" ? (argv[i + 1] ?? "") : text.replace("--diagnostics=", ""),
  );
  return (given.find((text, i) => argv[i]?.startsWith("--diagnostics") && forms.includes(text)) ??
    "pretty") as DiagnosticForm;
}

async function dispatch(argv: readonly string[], session: Session): Promise<number> {
  const { words, span } = commandLine(argv);
  const [first, ...rest] = words;
  const isHelp = ["--help", "-h", "help"].includes(first?.text ?? "");
  if (first === undefined || (isHelp && rest[0] === undefined)) {
    session.print(linesOf((await import("./help.ts")).mainHelp()));
    return 0;
  }
  if (first.text === "--version") {
    session.print([(await import("./version.ts")).version()]);
    return 0;
  }
  const word = isHelp ? (rest[0] as Word) : first;
  const names = commandSpecs.map(({ name }) => name);
  const spec = commandSpecs.find(({ name }) => name === word.text);
  if (spec === undefined) fail(unknownCommand(word, names));
  if (isHelp) return showHelp(spec, session);
  const args = parseArguments(spec, rest, span, commandSpecs);
  if (args.has("--help")) return showHelp(spec, session);
  const run = await spec.load();
  return run(args, session);
}

function unknownCommand({ span, text }: Word, names: readonly string[]): Diagnostic {
  return cliErrors.unknownCommand(span, text, names);
}

async function showHelp(spec: CommandSpec, session: Session): Promise<number> {
  session.print(linesOf((await import("./help.ts")).commandHelp(spec)));
  return 0;
}

/** The command line: parses it, runs the command, and turns everything that is thrown into diagnostics and an exit code. */

import * as cliErrors from "../diagnostics/areas/command.ts";
import { type Diagnostic, fail, TircError } from "../diagnostics/diagnostic.ts";
import { type Arguments, commandLine, parseArguments, type Word } from "./arguments.ts";
import { commandSpecs } from "./commands.ts";
import { exitCodeOf } from "./exit-code.ts";
import { type DiagnosticForm, linesOf, Session, type World } from "./session.ts";

type CommandName = (typeof commandSpecs)[number]["name"];
type Command = (args: Arguments, session: Session) => Promise<number>;

/** Each command loads only what it needs: start-up takes most of the time of compiling a small file. */
const commands: Readonly<Record<string, () => Promise<Command>>> = {
  compile: async () => (await import("./compile-command.ts")).compileCommand,
  run: async () => (await import("./run-command.ts")).runCommand,
  tune: async () => (await import("./tune-command.ts")).tuneCommand,
  bench: async () => (await import("./bench-command.ts")).benchCommand,
  check: async () => (await import("./check-command.ts")).checkCommand,
  verify: async () => (await import("./verify-command.ts")).verifyCommand,
  grad: async () => (await import("./grad-command.ts")).gradCommand,
  fmt: async () => (await import("./fmt-command.ts")).fmtCommand,
  types: async () => (await import("./types-command.ts")).typesCommand,
  lsp: async () => (await import("./lsp-command.ts")).lspCommand,
  targets: async () => (await import("./targets-command.ts")).targetsCommand,
  passes: async () => (await import("./passes-command.ts")).passesCommand,
  explain: async () => (await import("./explain-command.ts")).explainCommand,
  import: async () => (await import("./import-command.ts")).importCommand,
  surgery: async () => (await import("./surgery-command.ts")).surgeryCommand,
  extract: async () => (await import("./extract-command.ts")).extractCommand,
  "explain-norms": async () => (await import("./explain-norms-command.ts")).explainNormsCommand,
} satisfies Record<CommandName, unknown>;

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
  const args = parseArguments(spec, rest, span);
  if (args.has("--help")) return showHelp(spec, session);
  const run = await (commands[spec.name] as () => Promise<Command>)();
  return run(args, session);
}

function unknownCommand({ span, text }: Word, names: readonly string[]): Diagnostic {
  return cliErrors.unknownCommand(span, text, names);
}

async function showHelp(spec: (typeof commandSpecs)[number], session: Session): Promise<number> {
  session.print(linesOf((await import("./help.ts")).commandHelp(spec)));
  return 0;
}

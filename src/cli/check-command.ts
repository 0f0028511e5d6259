/** `tirc check`: reports everything that is wrong in all files, as compiling them would. */

import { type Diagnostic, type Source, TircError } from "../diagnostics/diagnostic.ts";
import { type CheckOptions, kernelProblems, pipelineOf } from "../driver/check.ts";
import { verifyFn } from "../ir/verify.ts";
import { parse } from "../parse/parse.ts";
import { PassFailure } from "../pass-manager/pass-manager.ts";
import { type Arguments, checkStream } from "./arguments.ts";
import { reportCrash } from "./crash.ts";
import { exitCodeOf } from "./exit-code.ts";
import { readText, shownPath } from "./files.ts";
import { loadPlugins } from "./plugins.ts";
import { readTarget } from "./program-options.ts";
import type { Session } from "./session.ts";

export async function checkCommand(args: Arguments, session: Session): Promise<number> {
  checkStream(args.operands, "stdin");
  const options = await readCheckOptions(args, session);
  const codes = args.operands.map(({ text: path }) => {
    try {
      const found = problemsOf(path, options, session);
      session.report(found);
      return exitCodeOf(found.filter(({ severity }) => severity === "error"));
    } catch (caught) {
      // The other files are independent of it.
      if (caught instanceof PassFailure) return reportCrash(caught, args.span.source.text, session);
      throw caught;
    }
  });
  return Math.max(...codes);
}

/** The target that `tirc check` and `tirc lsp` compile for. @throws TircError */
export async function readCheckOptions(args: Arguments, session: Session): Promise<CheckOptions> {
  const plugins = await loadPlugins(args, session);
  return {
    target: await readTarget(args, session, plugins),
    plugins,
    kernels: !args.has("--no-kernels"),
    singleKernel: args.has("--single-kernel"),
  };
}

function problemsOf(path: string, options: CheckOptions, session: Session): readonly Diagnostic[] {
  try {
    const text = readText(path, session.io);
    const source: Source = { name: shownPath(path, "stdin"), text };
    session.program = { text, pipeline: "" };
    const module = parse(text, { file: source.name });
    const found = module.fns.flatMap(verifyFn);
    if (found.length > 0) return found;
    session.program = {
      text,
      get pipeline() {
        return pipelineOf(source, options.plugins);
      },
    };
    return kernelProblems(module, source, options);
  } catch (caught) {
    if (caught instanceof TircError) return caught.diagnostics;
    throw caught;
  }
}

/** `tirc grad`: a program with functions that compute the gradients of its functions. */

import * as gradientMessages from "../diagnostics/areas/gradients.ts";
import { fail } from "../diagnostics/diagnostic.ts";
import { type GradientOptions, gradient } from "../driver/gradient.ts";
import { registryOf } from "../driver/plugin.ts";
import type { Fn } from "../ir/ir.ts";
import { nameOf } from "../ir/naming.ts";
import { print } from "../ir/print.ts";
import { parse } from "../parse/parse.ts";
import { type Arguments, partOf } from "./arguments.ts";
import { filesOfConstants } from "./constants.ts";
import { readText, shownPath } from "./files.ts";
import { Outputs, writtenBy } from "./outputs.ts";
import { loadPlugins } from "./plugins.ts";
import { checkFilter, functionsNamed, reportRemarks } from "./program-options.ts";
import type { Session } from "./session.ts";
import { moved } from "./weights.ts";

/** The remarks about saved values are printed only on request. */
const chosenCode = "R0802";

export async function gradCommand(args: Arguments, session: Session): Promise<number> {
  const { io } = session;
  const source = args.operand.text;
  const path = args.value("--output")?.text ?? "-";
  checkFilter(args, registryOf(await loadPlugins(args, session)).passes);
  const module = parse(readText(source, io), { file: shownPath(source, "stdin") });
  const fn = args.value("--fn");
  const fns = functionsNamed(module.fns, fn);
  const wrt = namesOf(args, "--wrt", "parameter", fns, ({ params }) => params.map(nameOf));
  const of = namesOf(args, "--of", "result", fns, ({ results }) => results.map(({ name }) => name));
  const save = (args.value("--save")?.text ?? "none") as Required<GradientOptions>["save"];
  const outputs = new Outputs(args, session, writtenBy(args, "--output"), filesOfConstants(module, source, io));
  const made = gradient(module, { ...(fn && { fn: fn.text }), ...(wrt && { wrt }), ...(of && { of }), save });
  reportRemarks(
    made.remarks.filter(({ code }) => code !== chosenCode),
    args,
    session,
  );
  session.report(made.remarks.filter(({ code }) => code === chosenCode));
  outputs.write(path, print(moved(made.module, source, path)));
  return 0;
}

/** The names in a list such as `x,gamma`; each function must have all of them. Throws E0801. */
function namesOf(
  args: Arguments,
  option: string,
  what: "parameter" | "result",
  fns: readonly Fn[],
  known: (fn: Fn) => string[],
): string[] | undefined {
  const word = args.value(option);
  if (word === undefined) return undefined;
  const words = [...word.text.matchAll(/[^,]+/g)].map((one) => partOf(word, one.index, one[0].length));
  const found = fns.flatMap((fn) =>
    words
      .filter(({ text }) => !known(fn).includes(text))
      .map(({ span, text }) => gradientMessages.unknown(span, fn.name, what, text, known(fn))),
  );
  if (found.length > 0) fail(...found);
  return words.map(({ text }) => text);
}

/** `tirc verify`: whether two programs compute the same, in exact arithmetic. */

import * as cliErrors from "../diagnostics/areas/command.ts";
import { fail } from "../diagnostics/diagnostic.ts";
import { extentsText } from "../diagnostics/wording.ts";
import {
  type Counterexample,
  type Equivalence,
  equivalent,
  type FunctionEquivalence,
  type UnlikeLoad,
} from "../driver/equivalent.ts";
import type { Tensor } from "../ir/tensor.ts";
import { parse } from "../parse/parse.ts";
import { type Arguments, checkStream, type Word } from "./arguments.ts";
import { readText, shownPath } from "./files.ts";
import { checkDimNames, functionsNamed, readDims } from "./program-options.ts";
import type { Session } from "./session.ts";

export async function verifyCommand(args: Arguments, session: Session): Promise<number> {
  const [a, b, extra] = args.operands as [Word, Word?, Word?];
  if (b === undefined)
    fail(cliErrors.missingOperand({ ...args.span, start: args.span.end }, "verify", "two .tir files"));
  if (extra !== undefined) fail(cliErrors.extraOperand(extra.span, "verify", "two files"));
  checkStream(args.operands, "stdin");
  const [left, right] = [a, b].map(({ text: path }) =>
    parse(readText(path, session.io), { file: shownPath(path, "stdin") }),
  ) as [ReturnType<typeof parse>, ReturnType<typeof parse>];
  const given = readDims(args);
  checkDimNames(
    given.map(({ name }) => name),
    [...left.fns, ...right.fns],
  );
  const dims = Object.fromEntries(given.map(({ name, extent }) => [name.text, extent]));
  const fn = args.value("--fn");
  functionsNamed([...left.fns, ...right.fns], fn);
  const found = equivalent(left, right, { dims, ...(fn !== undefined && { fn: fn.text }) });
  session.result(args.has("--json"), asData(found), linesFor(found));
  return found.equal ? 0 : 1;
}

const atIndex = (result: string, index: readonly number[]) =>
  index.length === 0 ? result : `${result}[${index.join(", ")}]`;

function linesFor({ functions, unlikeLoads, runs, errorBound, degree }: Equivalence): string[] {
  const bound = `2^${Math.ceil(Math.log2(errorBound))}`;
  const how = `at ${runs} points of finite fields; a difference of degree up to ${degree} is missed with a probability below ${bound}`;
  return [
    ...functions.flatMap(linesOf),
    ...unlikeLoads.map(noteOf),
    ...(functions.some(({ verdict }) => verdict === "equal") ? [how] : []),
  ];
}

function noteOf({ name, first, second }: UnlikeLoad): string {
  if (first !== undefined && second !== undefined)
    return `note: \`${name}\` is loaded from ${first} and from ${second}; files are not read, and both are taken to be the same tensor`;
  const which = first === undefined ? "second" : "first";
  return `note: only the ${which} program loads \`${name}\`; files are not read, and arbitrary numbers stand for it`;
}

function linesOf({ fn, verdict, difference, counterexample }: FunctionEquivalence): string[] {
  if (verdict === "equal") return [`${fn}: equal in exact arithmetic`];
  if (verdict === "undecided")
    return [`${fn}: not compared, as it has too many elements; set smaller extents by --dim`];
  if (difference === undefined) return [];
  const where = [atIndex(difference.result, difference.index), ...extentsText(difference.dims)].join(", ");
  const { firstNew } = difference;
  const blamed =
    firstNew === undefined ? [] : [`  the first value that does not occur in the first program: \`${firstNew.name}\``];
  return [`${fn}: different in exact arithmetic: ${where}`, ...blamed, ...example(counterexample)];
}

function example(found: Counterexample | undefined): string[] {
  if (found === undefined) return ["  float64 shows no difference on the inputs tried"];
  const { inputs, result, index, a, b } = found;
  const values = Object.entries(inputs).map(([name, tensor]) => `    ${name} = ${shown(tensor)}`);
  return [`  in float64 ${atIndex(result, index)} is ${a} and ${b}, for`, ...values];
}

const mostShown = 8;

function shown({ data, shape }: Tensor): string {
  const first = [...data.subarray(0, mostShown)].map((value) => String(Number(value.toPrecision(6))));
  if (shape.length === 0) return first.join();
  return `[${first.join(", ")}${data.length > mostShown ? ", ..." : ""}] of shape [${shape.join(", ")}]`;
}

function asData({ functions, ...rest }: Equivalence) {
  return {
    ...rest,
    functions: functions.map(({ fn, verdict, difference, counterexample }) => ({
      fn,
      verdict,
      ...(difference && {
        difference: { ...difference, firstNew: difference.firstNew?.name ?? null },
      }),
      ...(counterexample && { counterexample: { ...counterexample, inputs: arrays(counterexample.inputs) } }),
    })),
  };
}

const arrays = (inputs: Counterexample["inputs"]) =>
  Object.fromEntries(Object.entries(inputs).map(([name, { shape, data }]) => [name, { shape, data: [...data] }]));

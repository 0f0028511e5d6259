/** `tirc run`. */

import { compile, optimize } from "../compile.ts";
import { type Diagnostic, fail, TircError } from "../diagnostics/diagnostic.ts";
import { cliErrors } from "../diagnostics/errors-cli.ts";
import { compareErrors } from "../diagnostics/errors-data.ts";
import { interpret } from "../ir/interpret.ts";
import type { Fn } from "../ir/ir.ts";
import type { Tensor } from "../ir/tensor.ts";
import { printType } from "../ir/types.ts";
import { runKernel } from "../runtime/execute.ts";
import { fromNumbers, type HostTensor, toNumbers } from "../runtime/host-tensor.ts";
import type { OpenedDevice } from "../runtime/node.ts";
import { type Arguments, assignment, type Word } from "./arguments.ts";
import { type Comparison, compareOutput, referenceOf, tolerances } from "./compare.ts";
import { readBytes, shownPath, writeAtomically } from "./files.ts";
import { chooseDims, type InputSource, makeInput } from "./inputs.ts";
import { readNpy, writeNpy } from "./npy.ts";
import { type Program, readProgram } from "./program-options.ts";
import type { Session } from "./session.ts";

type HostTensors = Readonly<Record<string, HostTensor>>;

interface Ran {
  readonly device: string;
  readonly launches: number;
  readonly outputs: HostTensors;
  readonly remarks: readonly Diagnostic[];
}

export async function runCommand(args: Arguments, session: Session): Promise<number> {
  const program = readProgram(args, session);
  const fn = theFunction(program, args);
  const seed = readSeed(args.value("--seed"));
  const files = readOutputs(args, fn);
  const sources = readSources(args, fn, session);
  const { extents, defaults } = chooseDims(fn, sources, program.dims);
  const inputs: HostTensors = Object.fromEntries(
    fn.params.map((param) => {
      const name = param.name as string;
      return [name, makeInput(param, sources.get(name) as InputSource, extents, seed)];
    }),
  );
  for (const name of defaults) session.say(`${name} = ${extents[name]} (not given; --dim ${name}=N sets it)`);

  const ran = await run(program, inputs, extents, { args, session });
  session.report(ran.remarks.filter(({ severity }) => severity !== "remark" || args.has("--remarks")));
  for (const [name, path] of files) writeAtomically(path, writeNpy(ran.outputs[name] as HostTensor), session.io);

  const comparisons = args.has("--compare") ? compareAll(fn, inputs, ran.outputs) : undefined;
  const text = args.has("--json") ? jsonReport(fn, ran, comparisons) : textReport(fn, ran, comparisons);
  // Where an output goes to stdout, what is said goes elsewhere.
  if ([...files.values()].includes("-")) session.io.stderr(text);
  else session.io.stdout(text);
  const wrong = differences(ran.outputs, comparisons);
  session.report(wrong.map(({ diagnostic }) => diagnostic));
  return wrong.length > 0 ? 1 : 0;
}

function theFunction({ module }: Program, args: Arguments): Fn {
  if (module.fns.length > 1) {
    const names = module.fns.map((fn) => fn.name);
    fail(cliErrors.severalFunctions((args.operands[0] as Word).span, names));
  }
  return module.fns[0] as Fn;
}

function readSeed(word: Word | undefined): number {
  if (word === undefined) return 0;
  if (!/^\d{1,10}$/.test(word.text)) {
    fail(cliErrors.wrongValue(word.span, "--seed", word.text, "a whole number from 0 to 2^32 - 1"));
  }
  return Number(word.text);
}

/** By name, each once. */
function assignments(args: Arguments, option: "--in" | "--out", fn: Fn): Map<string, Word> {
  const [kind, names, form] =
    option === "--in"
      ? (["input", fn.params.map((param) => param.name as string), "NAME=VALUE"] as const)
      : (["output", fn.results.map((result) => result.name), "NAME=FILE.npy"] as const);
  const values = new Map<string, Word>();
  const first = new Map<string, Word>();
  const found: Diagnostic[] = [];
  for (const word of args.values(option)) {
    const { name, value } = assignment(word, option, form);
    const before = first.get(name.text);
    if (!names.includes(name.text)) found.push(cliErrors.unknownTensor(name.span, fn.name, kind, name.text, names));
    else if (before !== undefined) found.push(cliErrors.optionTwice(name.span, `${option} ${name.text}`, before.span));
    first.set(name.text, name);
    values.set(name.text, value);
  }
  if (found.length > 0) fail(...found);
  return values;
}

/** Fails where `-` is used by two. */
function checkStream(words: readonly (Word | undefined)[], stream: "stdin" | "stdout"): void {
  const [first, second] = words.filter((word) => word?.text === "-");
  if (first !== undefined && second !== undefined) fail(cliErrors.streamTwice(second.span, stream, first.span));
}

function readOutputs(args: Arguments, fn: Fn): Map<string, string> {
  const words = assignments(args, "--out", fn);
  checkStream([...words.values()], "stdout");
  const streamed = [...words.values()].find((word) => word.text === "-");
  if (streamed !== undefined && args.has("--json")) {
    fail(cliErrors.conflict(args.spanOf("--json"), "--json", `--out ...=-`, "both write to stdout"));
  }
  return new Map([...words].map(([name, word]) => [name, word.text]));
}

function readSources(args: Arguments, fn: Fn, { io }: Session): Map<string, InputSource> {
  const words = assignments(args, "--in", fn);
  checkStream([args.operands[0], ...words.values()], "stdin");
  return new Map(
    fn.params.map((param) => {
      const word = words.get(param.name as string);
      return [param.name as string, word === undefined ? { kind: "fill", fill: "randn" } : readSource(word, io)];
    }),
  );
}

function readSource(word: Word, io: Session["io"]): InputSource {
  const { text } = word;
  if (text === "randn" || text === "zeros" || text === "ones") return { kind: "fill", fill: text, word };
  const number = /^[+-]?(inf|nan)$/i.test(text) ? literal(text) : Number(text);
  if (!Number.isNaN(number) || /nan/i.test(text)) return { kind: "fill", fill: number, word };
  const file = shownPath(text, "stdin");
  return { kind: "file", file, array: readNpy(readBytes(text, io), file) };
}

function literal(text: string): number {
  if (/nan/i.test(text)) return Number.NaN;
  return text.startsWith("-") ? -Infinity : Infinity;
}

/** On a WebGPU device, or on the interpreter where that is asked for or there is no device. */
async function run(
  program: Program,
  inputs: HostTensors,
  dims: Readonly<Record<string, number>>,
  { args, session }: { args: Arguments; session: Session },
): Promise<Ran> {
  const device = await openDevice(args.value("--device")?.text ?? "auto", session);
  if (device === undefined) return runOnInterpreter(program, inputs);
  try {
    const { module, passes, disabled, keepReproducer } = program;
    const target = program.target ?? device.target;
    const { kernels, remarks } = compile(module, { passes, disabled, target, instruments: [keepReproducer] });
    const [kernel] = kernels;
    if (kernel === undefined) throw new Error("no kernel was made");
    const needed = Object.fromEntries(kernel.manifest.dims.map(({ name }) => [name, dims[name] as number]));
    const { outputs, launches } = await runKernel(device.device, kernel, inputs, needed);
    return { device: device.description, launches, outputs, remarks };
  } finally {
    device.close();
  }
}

async function openDevice(wanted: string, session: Session): Promise<OpenedDevice | undefined> {
  if (wanted === "cpu") return undefined;
  const runtime = await import("../runtime/node.ts");
  try {
    return await runtime.openDevice();
  } catch (caught) {
    if (wanted === "gpu" || !(caught instanceof TircError)) throw caught;
    const [{ message } = { message: "" }] = caught.diagnostics;
    session.say(`${message}: running on the reference interpreter`);
    return undefined;
  }
}

/** The program after its passes, in float64, rounded at the end. */
function runOnInterpreter({ module, passes, disabled, keepReproducer }: Program, inputs: HostTensors): Ran {
  const optimized = optimize(module, { passes, disabled, instruments: [keepReproducer] });
  const results = interpret(optimized.module.fns[0] as Fn, tensorsOf(inputs));
  const outputs = Object.fromEntries(
    Object.entries(results).map(([name, { element, shape, data }]) => [name, fromNumbers(element, shape, data)]),
  );
  return { device: "reference interpreter", launches: 0, outputs, remarks: optimized.remarks };
}

function tensorsOf(inputs: HostTensors): Record<string, Tensor> {
  return Object.fromEntries(
    Object.entries(inputs).map(([name, host]) => [
      name,
      { element: host.element, shape: host.shape, data: toNumbers(host) },
    ]),
  );
}

type Comparisons = Readonly<Record<string, Comparison & { readonly want: Tensor }>>;

/** Against the program as it is written, before any pass. */
function compareAll(fn: Fn, inputs: HostTensors, outputs: HostTensors): Comparisons {
  return Object.fromEntries(
    Object.entries(referenceOf(fn, tensorsOf(inputs))).map(([name, reference]) => {
      return [name, { ...compareOutput(outputs[name] as HostTensor, reference), want: reference.value }];
    }),
  );
}

function differences(outputs: HostTensors, comparisons: Comparisons = {}) {
  return Object.entries(comparisons).flatMap(([name, { wrong, worst = 0, want }]) => {
    if (wrong === 0) return [];
    const got = outputs[name] as HostTensor;
    const what = {
      at: `[${indexOf(worst, want.shape).join(", ")}]`,
      got: String(toNumbers(got)[worst]),
      want: String(want.data[worst]),
      count: wrong,
      total: want.data.length,
    };
    return [{ name, diagnostic: compareErrors.differs(name, what, allowed(got)) }];
  });
}

const allowed = ({ element }: HostTensor) =>
  tolerances[element] === 0 ? "nothing at all" : String(tolerances[element]);

function indexOf(at: number, shape: readonly number[]): number[] {
  const index: number[] = [];
  let rest = at;
  for (const extent of [...shape].reverse()) {
    index.unshift(rest % extent);
    rest = Math.floor(rest / extent);
  }
  return index;
}

function jsonReport(fn: Fn, { device, launches, outputs }: Ran, comparisons: Comparisons | undefined): string {
  const described = Object.entries(outputs).map(([name, { element, shape }]) => {
    const { maxAbsError, maxRelError, steps, wrong } = comparisons?.[name] ?? {};
    // JSON has no infinity: what is infinitely wrong shows as null.
    const errors = comparisons === undefined ? {} : { maxAbsError, maxRelError, steps, wrong };
    return [name, { shape, dtype: element, ...errors }];
  });
  return `${JSON.stringify({ function: fn.name, device, launches, outputs: Object.fromEntries(described) })}\n`;
}

function textReport(fn: Fn, { device, launches, outputs }: Ran, comparisons: Comparisons | undefined): string {
  const rows = Object.entries(outputs).map(([name, output]) => {
    const head = `  ${name}: ${printType(output)}`;
    const comparison = comparisons?.[name];
    return `${head}  ${comparison === undefined ? preview(output) : verdict(output, comparison)}\n`;
  });
  const count = launches === 1 ? "1 launch" : `${launches} launches`;
  return `${fn.name}: ${count} on ${device}\n${rows.join("")}`;
}

function preview(output: HostTensor): string {
  const shown = 4;
  const numbers = [...toNumbers({ ...output, data: output.data.slice(0, shown) })].map((x) => Number(x.toPrecision(6)));
  return `= ${numbers.join(" ")}${output.data.length > shown ? " ..." : ""}`;
}

function verdict(output: HostTensor, { maxAbsError, maxRelError, steps, wrong }: Comparison): string {
  const errors = `max error ${maxAbsError.toPrecision(3)} absolute, ${maxRelError.toPrecision(3)} relative to the row`;
  const stepped =
    steps === 0 ? "" : `; ${steps} of ${output.data.length} on the next step, where the rounding is at an edge`;
  const ok = wrong === 0 ? "ok" : "WRONG";
  return `${ok}: ${errors} (allowed: ${allowed(output)})${stepped}`;
}

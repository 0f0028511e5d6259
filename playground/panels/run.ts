/** Runs the kernels on the visitor's GPU: errors relative to float64, and times relative to a plain copy. */

import { element, prose } from "../dom.ts";
import type { FunctionView, ProgramView } from "../model/analyze.ts";
import { duration, plot, summarize } from "../run/plot.ts";
import type { OutputView, RunView } from "../run/run-program.ts";
import type { Timing } from "../run/timing.ts";
import type { RunAnswer } from "../workers/run-worker.ts";
import { type GoTo, messageItem } from "./messages.ts";
import type { Panel } from "./panel.ts";
import { dataTable, tableRow } from "./table.ts";
import { renewChoice } from "./wgsl.ts";

interface RunChoice {
  readonly fn: string;
  readonly dims: Readonly<Record<string, number>>;
  readonly seed: number;
}

interface RunPanel extends Panel {
  /** Extents typed by the visitor, by dimension; setting it replaces all of them. */
  written: Readonly<Record<string, string>>;
  show(answer: RunAnswer): void;
  start(): void;
}

interface RunEvents {
  /** Called when the visitor types another extent. */
  wrote(): void;
  start(choice: RunChoice): void;
  stop(): void;
  readonly goTo: GoTo;
}

const intro =
  "Runs the program on this machine's GPU with random inputs, compares every value with the interpreter in float64, and times it.";

export function runPanel(events: RunEvents): RunPanel {
  const choice = element("select", { name: "function" });
  const choiceLabel = element("label", {}, "Function", choice);
  const dims = element("span", { class: "dims" });
  const seed = element("input", { type: "number", name: "seed", value: "0", step: "1", inputmode: "numeric" });
  const start = element("button", { type: "submit", class: "primary" }, "Run");
  const stop = element("button", { type: "button", disabled: true, onclick: () => stopped() }, "Stop");
  const form = element(
    "form",
    { class: "bar dims", "aria-label": "Run" },
    choiceLabel,
    dims,
    element("label", {}, "seed", seed),
    start,
    stop,
  );
  const status = element("p", { class: "hint", role: "status", "aria-live": "polite" }, intro);
  const results = element("div", { class: "results" });
  const root = element("div", {}, form, element("div", { class: "scroll", tabindex: "0" }, status, results));
  root.style.display = "contents";

  let functions: readonly FunctionView[] = [];
  /** Extents typed by the visitor, by dimension; they survive changes of the program. */
  let written: Record<string, string> = {};
  let current: ProgramView | undefined;
  /** The program the results belong to. */
  let ran: ProgramView | undefined;

  const isRunning = (running: boolean) => {
    start.disabled = running;
    stop.disabled = !running;
    root.setAttribute("aria-busy", String(running));
  };
  const stopped = () => {
    events.stop();
    isRunning(false);
    status.textContent = "Stopped.";
  };
  const write = (name: string, text: string) => {
    written = { ...written, [name]: text };
    events.wrote();
  };
  const renewDims = () => {
    const fn = functions.find(({ name }) => name === choice.value) ?? functions[0];
    const wanted = Object.entries(fn?.dims ?? {});
    const have = [...dims.querySelectorAll("input")];
    if (have.map(({ name }) => name).join() !== wanted.map(([name]) => name).join()) {
      dims.replaceChildren(...wanted.map(([name]) => dimField(name, write)));
    }
    for (const [i, input] of dims.querySelectorAll("input").entries()) {
      const value = written[input.name] ?? String(wanted[i]?.[1]);
      if (input.value !== value && input !== document.activeElement) input.value = value;
    }
  };
  choice.addEventListener("change", renewDims);

  const run = () => {
    if (start.disabled || !form.reportValidity()) return;
    const values = [...dims.querySelectorAll("input")].map(({ name, value }) => [name, Number(value)] as const);
    isRunning(true);
    ran = current;
    status.textContent = "Starting";
    results.replaceChildren();
    events.start({ fn: choice.value, dims: Object.fromEntries(values), seed: Number(seed.value) });
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    run();
  });

  const show = (answer: RunAnswer) => {
    const isFirst = results.childElementCount === 0;
    if (answer.kind === "status") status.textContent = `${answer.text} …`;
    else if (answer.kind === "result") results.append(resultView(answer.view));
    else if (answer.kind === "timing") results.append(timingView(answer.timing));
    else if (answer.kind === "failed") {
      const items = answer.messages.map((message) => messageItem(message, events.goTo));
      results.append(element("ul", { class: "messages" }, ...items));
      status.textContent = "The run failed.";
    } else {
      isRunning(false);
      if (!results.querySelector(".messages")) status.textContent = "Done.";
    }
    // On a phone the results are below the visible part.
    if (isFirst) results.firstElementChild?.scrollIntoView({ block: "nearest" });
  };

  return {
    title: "Run",
    id: "run",
    element: root,
    render(program: ProgramView) {
      functions = program.functions;
      current = program;
      const isOld = ran !== undefined && stop.disabled && ran !== program;
      if (isOld) status.textContent = "The program has changed since this run.";
      renewChoice(choice, functions);
      choiceLabel.hidden = functions.length < 2;
      renewDims();
    },
    get written() {
      return written;
    },
    set written(extents) {
      written = extents;
      renewDims();
    },
    show,
    start: run,
  };
}

function dimField(name: string, write: (name: string, text: string) => void): HTMLLabelElement {
  const input = element("input", { type: "number", name, min: "0", step: "1", required: true, inputmode: "numeric" });
  input.addEventListener("input", () => write(name, input.value));
  return element("label", {}, name, input);
}

function resultView({ fn, device, launches, noGpu, outputs }: RunView): HTMLElement {
  const titles = ["Result", "Type", "Largest error", "Of the row's largest", "First values"];
  const callout =
    noGpu === undefined
      ? undefined
      : element(
          "p",
          { class: "callout" },
          `${noGpu} The kernel is compiled all the same, and the program as the passes left it was run in the reference interpreter, on the processor. To run the kernel, open this page in a browser with WebGPU: Chrome, Edge, Safari 26 or Firefox, in a current version.`,
        );
  const caption = [
    element("code", {}, fn),
    ` on ${device}${launches > 1 ? `, ${launches} launches` : ""}, against the interpreter in float64`,
  ];
  return element("div", {}, callout, dataTable(titles, caption, outputs.map(outputRow)));
}

function outputRow(output: OutputView): HTMLTableRowElement {
  const { name, type, maxAbsError, maxRelError, tolerance, wrong, steps, count, first } = output;
  const verdict =
    wrong === 0
      ? element("span", { class: "good" }, "within ", tolerance === 0 ? "0" : tolerance.toExponential())
      : element("span", { class: "wrong" }, `WRONG: ${wrong} of ${count} beyond ${tolerance.toExponential()}`);
  const stepped = steps > 0 ? `; ${steps} one rounding step apart, which rounding allows` : "";
  const values = first.map((value) => String(Number(value.toPrecision(5)))).join(", ");
  return tableRow(
    { "data-output": name, "data-error": String(maxRelError) },
    element("td", { class: "code" }, name),
    element("td", { class: "code" }, type),
    element("td", { class: wrong > 0 ? "wrong" : "" }, scientific(maxAbsError)),
    element("td", {}, `${scientific(maxRelError)}, `, verdict, stepped),
    element("td", { class: "code" }, values + (count > first.length ? ", …" : "")),
  );
}

const scientific = (error: number) => (error === 0 ? "0" : error.toExponential(1));

const clocks: Readonly<Record<Timing["clock"], string>> = {
  timestamps: "by the device's timestamps",
  submission: "from submission until the work is done, as the device has no timestamps",
};

function timingView(timing: Timing): HTMLElement {
  const { kernel, copy, ratio, gigabytesPerSecond } = summarize(timing);
  const figure = element("figure", { class: "timing", "data-ratio": ratio.toFixed(3) });
  figure.innerHTML = plot(timing);
  figure.append(
    element(
      "figcaption",
      {},
      prose(
        `Median ${duration(kernel)} a run, ${ratio.toFixed(2)} times the ${duration(copy)} of a plain copy that reads and writes as many bytes (${megabytes(timing.bytes)}): ${gigabytesPerSecond.toPrecision(3)} GB/s. ${timing.kernel.length} samples of each in turn, ${clocks[timing.clock]}.`,
      ),
    ),
  );
  return figure;
}

const megabytes = (bytes: number) =>
  bytes < 1e5 ? `${(bytes / 1e3).toPrecision(3)} kB` : `${(bytes / 1e6).toPrecision(3)} MB`;

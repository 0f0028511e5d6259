/** The page: connects its parts. Their contents come from the workers, and the address contains the program. */

import { builtinTargets } from "../src/target/target.ts";
import { byId, element, prose } from "./dom.ts";
import { caretLine, goTo, mark, programEditor, underline } from "./editor/editor.ts";
import { examples } from "./examples.ts";
import type { Analysis, ProgramView } from "./model/analyze.ts";
import { checkShared, firstExample, readHash, type Shared, writeHash } from "./model/link.ts";
import { messagesOf, type Place } from "./model/messages.ts";
import { messageItem, type Summary, summaryOf } from "./panels/messages.ts";
import { normsPanel } from "./panels/norms.ts";
import type { Panel } from "./panels/panel.ts";
import { passesPanel } from "./panels/passes.ts";
import { remarksPanel } from "./panels/remarks.ts";
import { runPanel } from "./panels/run.ts";
import { makeTabs } from "./panels/tabs.ts";
import { targetMenu } from "./panels/targets.ts";
import { wgslPanel } from "./panels/wgsl.ts";
import type { RunRequest } from "./run/run-program.ts";
import { modelDialog } from "./surgery/dialog.ts";
import { takeDrops } from "./surgery/drop.ts";
import type { ChosenFile } from "./surgery/files.ts";
import type { CompileAnswer, CompileTask } from "./workers/compile-worker.ts";
import { Latest } from "./workers/latest.ts";
import type { RunAnswer } from "./workers/run-worker.ts";

const exampleMenu = byId<HTMLSelectElement>("example");
const hashDelay = 300;

let version = 0;
let program: Analysis["program"];
let hashTimer: ReturnType<typeof setTimeout> | undefined;
let ownHash = "";
/** Nothing is compiled before the target is known. */
let isReady = false;
/** Set while changes come from the address rather than from the visitor. */
let isOpening = false;

const toPlace = ({ from, to }: Place) => goTo(editor, from, to);

const wgsl = wgslPanel({
  linked: (lines) => mark(editor, lines, { scroll: true }),
  follow: (line) => goTo(editor, editor.state.doc.line(Math.min(line, editor.state.doc.lines)).from),
  notice,
});
const run = runPanel({ start: startRun, stop: stopRun, goTo: toPlace, wrote: scheduleHash });
const passesTab = passesPanel();
const panels: readonly Panel[] = [passesTab, remarksPanel(toPlace), normsPanel(toPlace), wgsl, run];
const firstTab = passesTab.id;
const tabs = makeTabs(byId("tabs"), byId("panels"), panels, () => {
  if (program === undefined) return;
  scheduleHash();
  mark(editor, []);
  renderSelected(program);
});

const targets = targetMenu(byId<HTMLSelectElement>("target"), {
  chosen: changed,
  known: compile,
  none({ reason }) {
    const text = `${reason} Kernels are compiled for \`portable\` unless you choose another target, and Run interprets the program.`;
    byId("no-gpu").replaceChildren(prose(text));
  },
});

const editor = programEditor(byId("editor"), {
  changed,
  moved(line) {
    if (tabs.selected === wgsl) linkFromProgram(line);
  },
  run: openRun,
  follow(line) {
    tabs.select(wgsl.id);
    wgsl.goToLinesOf(line);
  },
});

const compileWorker = new Worker(new URL("./workers/compile-worker.ts", import.meta.url), { type: "module" });
const compiler = new Latest<CompileTask, CompileAnswer>((task) => compileWorker.postMessage(task), showAnswer);
compileWorker.addEventListener("message", ({ data }: MessageEvent<CompileAnswer>) => compiler.answered(data));
compileWorker.addEventListener("error", ({ message }) => notice(`The compiler stopped: ${message}. Reload the page.`));

function compile(): void {
  if (!isReady) return;
  version++;
  compiler.submit({ version, text: editor.state.doc.toString(), target: targets.current });
}

function changed(): void {
  compile();
  scheduleHash();
}

/** Updates the address after a change by the visitor; until the first one it stays as opened. */
function scheduleHash(): void {
  if (isOpening) return;
  byId("link-problems").replaceChildren();
  clearTimeout(hashTimer);
  hashTimer = setTimeout(updateHash, hashDelay);
}

function showAnswer(answer: CompileAnswer): void {
  // Spans of an older text are wrong for this one, and a newer answer will follow.
  if (answer.version !== version) return;
  const { analysis } = answer;
  const { problems } = analysis;
  underline(editor, problems);
  showSummary(summaryOf(problems));
  byId("problems").replaceChildren(...problems.map((problem) => messageItem(problem, toPlace)));
  const isStale = analysis.program === undefined && program !== undefined;
  byId("stale").hidden = !isStale;
  program = analysis.program ?? program;
  if (analysis.program) renderSelected(analysis.program);
  document.body.dataset.version = String(answer.version);
  performance.mark("shown");
}

/** Leaves unchanged text alone, or screen readers would announce it after every key. */
function showSummary({ count, first, kind }: Summary): void {
  const line = byId("problems-summary");
  for (const [i, text] of [count, first].entries()) {
    const part = line.children[i] as HTMLElement;
    if (part.textContent !== text) part.textContent = text;
  }
  line.dataset.kind = kind;
}

function renderSelected(shown: ProgramView): void {
  tabs.selected.render(shown);
  if (tabs.selected === wgsl) linkFromProgram(caretLine(editor));
}

function linkFromProgram(line: number): void {
  mark(editor, [line]);
  wgsl.showLinesOf(line);
}

let runWorker: Worker | undefined;

function startRun(choice: Pick<RunRequest, "fn" | "dims" | "seed">): void {
  runWorker ??= newRunWorker();
  runWorker.postMessage({ ...choice, text: editor.state.doc.toString(), target: targets.current } satisfies RunRequest);
}

function newRunWorker(): Worker {
  const worker = new Worker(new URL("./workers/run-worker.ts", import.meta.url), { type: "module" });
  worker.addEventListener("message", ({ data }: MessageEvent<RunAnswer>) => run.show(data));
  worker.addEventListener("error", ({ message }) => {
    stopRun();
    run.show({ kind: "failed", messages: messagesOf(`The run crashed: ${message || "out of memory?"}`) });
    run.show({ kind: "done" });
  });
  return worker;
}

function stopRun(): void {
  runWorker?.terminate();
  runWorker = undefined;
}

function openRun(): void {
  tabs.select(run.id);
  byId("views").scrollIntoView({ block: "nearest" });
  run.start();
}

let noticeTimer: ReturnType<typeof setTimeout> | undefined;

function notice(text: string): void {
  byId("notice").textContent = text;
  clearTimeout(noticeTimer);
  noticeTimer = setTimeout(() => byId("notice").replaceChildren(), 5000);
}

const exampleNamed = (text: string) => [...examples].find(([, source]) => source === text)?.[0];

function sharedNow(): Shared {
  const text = editor.state.doc.toString();
  const example = exampleNamed(text);
  const tab = tabs.selected.id;
  return {
    ...(example === undefined ? { text } : { example }),
    ...(targets.asked !== undefined && { target: targets.asked }),
    ...(tab !== firstTab && { tab }),
    dims: run.written,
  };
}

async function updateHash(): Promise<void> {
  const shared = sharedNow();
  exampleMenu.value = shared.example ?? "";
  ownHash = await writeHash(shared);
  history.replaceState(null, "", ownHash);
}

/** Applies the address; opens the first example if it contains no program. */
async function openHash(): Promise<void> {
  if (location.hash !== "" && location.hash === ownHash) return;
  let read: Shared = {};
  const problems: string[] = [];
  try {
    read = await readHash(location.hash);
  } catch (caught) {
    problems.push((caught as Error).message);
  }
  const known = {
    examples: [...examples.keys()],
    targets: builtinTargets.map(({ name }) => name),
    tabs: panels.map(({ id }) => id),
  };
  const { shared, problems: unusable } = checkShared(read, known);
  showLinkProblems([...problems, ...unusable], shared);
  isOpening = true;
  targets.asked = shared.target;
  run.written = shared.dims ?? {};
  tabs.select(shared.tab ?? firstTab);
  setText(shared.text ?? (examples.get(shared.example ?? firstExample) as string));
  isOpening = false;
}

function showLinkProblems(problems: readonly string[], { text, example }: Shared): void {
  const lines = problems.map((problem) => element("p", {}, prose(problem)));
  if (problems.length > 0 && text === undefined && example === undefined) {
    const links = [...examples.keys()].map((name) =>
      element("li", {}, element("a", { href: `#example=${name}` }, name)),
    );
    lines.push(element("p", {}, prose(`This is the example \`${firstExample}\`. The examples are:`)));
    byId("link-problems").replaceChildren(...lines, element("ul", {}, ...links));
  } else byId("link-problems").replaceChildren(...lines);
}

function setText(text: string): void {
  exampleMenu.value = exampleNamed(text) ?? "";
  if (text === editor.state.doc.toString()) changed();
  else editor.dispatch({ changes: { from: 0, to: editor.state.doc.length, insert: text }, selection: { anchor: 0 } });
}

const model = modelDialog();

/** A program goes into the editor; anything else goes to the dialog for models, which reports what is not one. */
async function openDropped(files: readonly ChosenFile[]): Promise<void> {
  const [first, ...others] = files;
  if (first === undefined) return;
  if (others.length === 0 && first.path.endsWith(".tir")) setText(await first.file.text());
  else model.open(files);
}

exampleMenu.append(
  element("option", { value: "", disabled: true }, "(your own)"),
  ...[...examples.keys()].map((name) => element("option", { value: name }, name)),
);
exampleMenu.addEventListener("change", () => setText(examples.get(exampleMenu.value) ?? ""));
byId("open-model").addEventListener("click", () => model.show());
takeDrops(openDropped, (reason) => notice(`The dropped files cannot be read: ${reason}`));
byId("run").addEventListener("click", openRun);
byId("copy-link").addEventListener("click", async () => {
  await updateHash();
  try {
    await navigator.clipboard.writeText(location.href);
    notice("The link is copied. It contains the program, the target, the tab and the extents of a run.");
  } catch {
    notice("The browser does not let the page copy. The link, which contains the program, is in the address bar.");
  }
});
addEventListener("hashchange", openHash);
void openHash();
void targets.ready.then(() => {
  isReady = true;
  compile();
});

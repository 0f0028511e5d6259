/** The dialog for a dropped or chosen model: its norms, the outcome for each, and the rewritten files. */

import { element, prose } from "../dom.ts";
import { type Message, messagesOf } from "../model/messages.ts";
import { messageItem } from "../panels/messages.ts";
import { dataTable, tableRow } from "../panels/table.ts";
import type { NewFile, SurgeryAnswer, SurgeryTask } from "../workers/surgery-worker.ts";
import { type ChosenFile, filesIn } from "./files.ts";
import type { ModelView, NormGroupView, NormRow } from "./operate.ts";

interface ModelDialog {
  /** Opens the dialog to choose a model. */
  show(): void;
  /** Opens the dialog with a model. */
  open(files: readonly ChosenFile[]): void;
}

const intro =
  "An ONNX model, an archive of `torch.export.save`, or a Hugging Face checkpoint. LayerNorms whose means are zero, or can be made zero by centering weights, are rewritten as RMSNorms. The model stays on this machine.";

export function modelDialog(): ModelDialog {
  const status = element("p", { role: "status", "aria-live": "polite" });
  const stop = element("button", { type: "button", disabled: true, onclick: () => stopped("Stopped.") }, "Stop");
  const results = element("div", { class: "results" });
  const close = element("button", { type: "button", onclick: () => dialog.close() }, "Close");
  const dialog = element(
    "dialog",
    { id: "model", "aria-labelledby": "model-title" },
    element("div", { class: "head" }, element("h2", { id: "model-title" }, "Norms of a model"), close),
    element("p", {}, prose(intro)),
    element(
      "div",
      { class: "choice" },
      chooser("Files", { multiple: true, autofocus: true }),
      chooser("or a folder", { webkitdirectory: true }),
      stop,
    ),
    status,
    results,
  );
  document.body.append(dialog);

  let worker: Worker | undefined;
  let urls: readonly string[] = [];

  function chooser(label: string, attributes: Readonly<Record<string, boolean>>): HTMLElement {
    const input = element("input", { type: "file", ...attributes });
    input.addEventListener("change", () => {
      const files = filesIn(input);
      if (files.length > 0) open(files);
    });
    return element("label", {}, label, input);
  }

  const end = () => {
    worker?.terminate();
    worker = undefined;
    stop.disabled = true;
    dialog.setAttribute("aria-busy", "false");
  };
  const stopped = (text: string) => {
    if (worker === undefined) return;
    end();
    status.textContent = text;
  };
  // The event arrives late: the next model may already be open.
  dialog.addEventListener("close", () => {
    if (!dialog.open) stopped("Stopped.");
  });

  const fail = (messages: readonly Message[]) => {
    end();
    status.textContent = messages[0] ? messages[0].text.replaceAll("`", "") : "The surgery failed.";
    results.replaceChildren(messageList(messages));
  };

  function open(files: readonly ChosenFile[]): void {
    end();
    if (!dialog.open) dialog.showModal();
    for (const url of urls) URL.revokeObjectURL(url);
    urls = [];
    results.replaceChildren();
    const size = files.reduce((sum, { file }) => sum + file.size, 0);
    const name = files.length === 1 ? (files[0] as ChosenFile).path : `${files.length} files`;
    status.textContent = `Reading ${name}, ${bytes(size)} …`;
    stop.disabled = false;
    dialog.setAttribute("aria-busy", "true");
    const begin = performance.now();
    // The worker's code is loaded only when there is a model.
    worker = new Worker(new URL("../workers/surgery-worker.ts", import.meta.url), { type: "module" });
    worker.addEventListener("message", ({ data }: MessageEvent<SurgeryAnswer>) => {
      if (data.kind === "failed") return fail(data.messages);
      end();
      urls = data.files.map(({ blob }) => URL.createObjectURL(blob));
      const seconds = ((performance.now() - begin) / 1000).toFixed(1);
      status.textContent = `${data.view.summary[0] ?? "There is no norm"}. Done in ${seconds} s; ${bytes(data.bytesRead)} of ${bytes(size)} read.`;
      results.replaceChildren(...viewOf(data.view, data.files, urls));
      performance.mark("model-shown");
    });
    worker.addEventListener("error", ({ message }) => {
      fail(
        messagesOf(
          `The surgery crashed: ${message || "out of memory?"} The command line (\`tirc surgery\`) can use more memory.`,
        ),
      );
    });
    worker.postMessage({ files } satisfies SurgeryTask);
  }

  return {
    show() {
      if (!dialog.open) dialog.showModal();
    },
    open,
  };
}

const messageList = (messages: readonly Message[]) =>
  element("ul", { class: "messages" }, ...messages.map((message) => messageItem(message, () => {})));

function viewOf({ summary, groups, messages }: ModelView, files: readonly NewFile[], urls: readonly string[]): Node[] {
  const links = files.map(({ name, blob }, i) =>
    element("li", {}, element("a", { href: urls[i], download: name }, `Download ${name}`), ` ${bytes(blob.size)}`),
  );
  const nothing = "Nothing would change, so there is nothing to download.";
  return [
    ...(messages.length === 0 ? [] : [messageList(messages)]),
    ...(links.length === 0 ? [element("p", {}, nothing)] : [element("ul", { class: "downloads" }, ...links)]),
    element("ul", {}, ...summary.slice(1).map((line) => element("li", {}, prose(line)))),
    ...groups.map(groupView),
  ];
}

function groupView({ title, reasons, norms }: NormGroupView): HTMLElement {
  const caption = [title, ...reasons.flatMap((reason) => [element("br"), prose(reason)])];
  return dataTable(["Norm", "Affine", "eps", "By"], caption, norms.map(normRow));
}

function normRow({ place, affine, eps, details }: NormRow): HTMLTableRowElement {
  const steps = details.map((line) => element("li", {}, prose(line)));
  return tableRow(
    {},
    element("td", { class: "code" }, place),
    element("td", {}, affine),
    element("td", { class: "number" }, eps),
    element("td", {}, steps.length > 0 ? element("ul", {}, ...steps) : "-"),
  );
}

function bytes(count: number): string {
  const units = ["bytes", "kB", "MB", "GB"];
  const step = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, count)) / 3));
  const amount = step === 0 ? String(count) : (count / 1000 ** step).toFixed(1);
  return `${amount} ${units[step]}`;
}

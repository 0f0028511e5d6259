/** The training page: a form, the losses of this device as they come, and the stored losses in float64. */

import { type Curve, chart } from "../../examples/training/chart.ts";
import losses from "../../examples/training/losses.json";
import { type SettingName, settings, wayNames } from "../../examples/training/ways.ts";
import { byId, element } from "../dom.ts";
import type { TrainAnswer, TrainRequest } from "./worker.ts";

const kept: Partial<Record<SettingName, readonly Curve[]>> = losses;
const form = byId<HTMLFormElement>("training");
const [setting, steps] = [byId<HTMLSelectElement>("setting"), byId<HTMLInputElement>("steps")];
const [start, stop] = [byId<HTMLButtonElement>("start"), byId<HTMLButtonElement>("stop")];
const [status, live, inFloat64] = [byId("status"), byId("live"), byId("float64")];

const boxes = wayNames.map((name, i) => {
  const box = element("input", { type: "checkbox", name: "way", value: String(i), checked: i < 2 });
  byId("ways").append(element("label", {}, box, name));
  return box;
});

let worker: Worker | undefined;
let curves: readonly { readonly name: string; readonly losses: number[] }[] = [];

const chosen = () => setting.value as SettingName;

/** Shows the stored float64 losses for the chosen size. */
function showKept(): void {
  const all = kept[chosen()];
  const first = all?.[0];
  inFloat64.hidden = all === undefined;
  byId("kept").innerHTML = all && first ? chart(all, first.losses, first.losses.length) : "";
}

/** The largest difference so far from the stored float64 losses. */
function distance(): string {
  const all = kept[chosen()];
  if (all === undefined) return "";
  const offs = curves.flatMap(({ losses }, way) => {
    const wanted = all[way]?.losses ?? [];
    return losses.slice(0, wanted.length).map((loss, i) => Math.abs(loss - (wanted[i] as number)));
  });
  return offs.length === 0 ? "" : `; at most ${Math.max(...offs).toExponential(1)} from float64`;
}

function draw(count: number): void {
  const base = curves[0]?.losses ?? [];
  const reference = base.length > 0 ? base : (kept[chosen()]?.[0]?.losses ?? []);
  live.innerHTML = chart(curves, reference, count);
}

function ended(text: string): void {
  worker?.terminate();
  worker = undefined;
  [start.disabled, stop.disabled] = [false, true];
  status.textContent = text;
}

function show(data: TrainAnswer, count: number): void {
  switch (data.kind) {
    case "loss":
      curves[data.way]?.losses.push(data.loss);
      draw(count);
      return;
    case "status":
      status.textContent = data.text + distance();
      return;
    case "no gpu":
      ended(`${data.reason} Training needs WebGPU: Chrome, Edge, Safari 26 or Firefox, in a current version.`);
      return;
    case "failed":
      ended(data.text);
      return;
    case "done":
      ended(data.text + distance());
      live.dataset.losses = JSON.stringify(curves.map(({ losses }) => losses));
      return;
    default:
      data satisfies never;
  }
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const ways = boxes.flatMap((box, i) => (box.checked ? [i] : []));
  if (ways.length === 0) {
    status.textContent = "Choose at least one model.";
    return;
  }
  worker?.terminate();
  worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
  curves = wayNames.map((name) => ({ name, losses: [] }));
  const count = steps.valueAsNumber;
  delete live.dataset.losses;
  draw(count);
  [start.disabled, stop.disabled] = [true, false];
  status.textContent = "Starting ...";
  worker.addEventListener("message", ({ data }: MessageEvent<TrainAnswer>) => show(data, count));
  worker.addEventListener("error", ({ message }) => ended(`The training crashed: ${message || "out of memory?"}`));
  worker.postMessage({ setting: chosen(), steps: count, ways } satisfies TrainRequest);
});
stop.addEventListener("click", () => ended(`Stopped${distance()}`));
setting.append(
  ...Object.entries(settings).map(([name, { model }]) =>
    element("option", { value: name }, `${name}: ${model.blocks} blocks, ${model.width} wide`),
  ),
);
setting.value = "small";
setting.addEventListener("change", showKept);
showKept();
document.body.dataset.ready = "";

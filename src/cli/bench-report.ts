/** The measurements of `tirc bench`, as a table and as a chart. */

import type { KernelTiming, Point, Timing } from "../bench/bench.ts";
import { extentsText } from "../diagnostics/wording.ts";
import { columns } from "../report/columns.ts";
import { escaped } from "../report/surgery-page.ts";

/** The measurements of one function. */
export interface FunctionBench {
  readonly fn: string;
  readonly points: readonly Point[];
}

function duration(milliseconds: number): string {
  if (milliseconds < 1) return `${(milliseconds * 1000).toPrecision(3)} us`;
  return milliseconds < 1000 ? `${milliseconds.toPrecision(3)} ms` : `${(milliseconds / 1000).toPrecision(3)} s`;
}

const dimsText = ({ dims }: Point) => extentsText(dims).join(", ");

function row(timing: Timing, tirc: number): string[] {
  const { name, median, spread, ofCopy, launches, failed } = timing;
  if (median === undefined || spread === undefined || ofCopy === undefined) return [name, failed ?? ""];
  const relative = name === "tirc" ? "" : `${(median / tirc).toPrecision(3)} x`;
  const around = `${duration(spread[0])} to ${duration(spread[1])}`;
  return [name, duration(median), around, `${ofCopy.toPrecision(3)} x`, relative, String(launches)];
}

const megabytes = (bytes: number) => `${(bytes / 1e6).toPrecision(3)} MB`;

/** A kernel of the plan: its share of the time is in the column of the ratio to the copy. */
function kernelRow({ name, bytes, median, spread, share }: KernelTiming): string[] {
  const around = `${duration(spread[0])} to ${duration(spread[1])}`;
  return [`  ${name}, ${megabytes(bytes)}`, duration(median), around, "", `${(100 * share).toFixed(0)} %`];
}

const heads = ["", "median", "10 % to 90 %", "of the copy", "of tirc", "launches"];

/** One table per point: the kernel, and what it is compared with. */
export function benchTable({ fn, points }: FunctionBench): string[] {
  return points.flatMap((point) => {
    const { copy, bytes, moved, kernels = [], timings } = point;
    const tirc = timings[0]?.median ?? Number.NaN;
    const where = dimsText(point) === "" ? fn : `${fn}, ${dimsText(point)}`;
    const rows = [
      heads,
      ["a copy", duration(copy.median), "", "1 x", "", "1"],
      ...timings.slice(0, 1).map((timing) => row(timing, tirc)),
      ...kernels.map(kernelRow),
      ...timings.slice(1).map((timing) => row(timing, tirc)),
    ];
    const through = kernels.length === 0 ? "" : `, ${megabytes(moved)} through ${kernels.length} kernels`;
    const speed = `${megabytes(bytes)}${through}, the copy at ${copy.gigabytesPerSecond.toPrecision(3)} GB/s`;
    return [`${where}: ${speed}`, ...columns(rows).map((line) => `  ${line}`)];
  });
}

const colors = ["#2563eb", "#d97706", "#059669", "#9333ea"];
const [width, barHeight, left, right] = [760, 18, 230, 90];

/** Bars: each contender's time as a multiple of the copy's, by function and point. */
export function benchChart(device: string, results: readonly FunctionBench[]): string {
  const groups = results.flatMap(({ fn, points }) =>
    points.map((point) => ({ title: [fn, dimsText(point)].filter((text) => text !== "").join(", "), ...point })),
  );
  const timed = groups.map(({ timings, ...group }) => ({
    ...group,
    timings: timings.filter(({ ofCopy }) => ofCopy !== undefined),
  }));
  const most = Math.max(1, ...timed.flatMap(({ timings }) => timings.map(({ ofCopy = 0 }) => ofCopy)));
  const names = [...new Set(timed.flatMap(({ timings }) => timings.map(({ name }) => name)))];
  const scale = (width - left - right) / most;
  const parts: string[] = [];
  let y = 44;
  for (const { title, timings } of timed) {
    parts.push(`<text x="10" y="${y + 13}" font-weight="600">${escaped(title)}</text>`);
    y += barHeight + 4;
    for (const { name, ofCopy = 0, median = 0 } of timings) {
      const length = Math.max(1, ofCopy * scale).toFixed(1);
      const color = colors[names.indexOf(name) % colors.length];
      parts.push(
        `<text x="${left - 8}" y="${y + 13}" text-anchor="end">${escaped(name)}</text>`,
        `<rect x="${left}" y="${y}" width="${length}" height="${barHeight - 4}" fill="${color}"/>`,
        `<text x="${left + Number(length) + 6}" y="${y + 13}">${ofCopy.toPrecision(3)} (${duration(median)})</text>`,
      );
      y += barHeight;
    }
    y += 10;
  }
  const copy = (left + scale).toFixed(1);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${y + 8}" font-family="sans-serif" font-size="12">
<rect width="${width}" height="${y + 8}" fill="#ffffff"/>
<text x="10" y="22" font-size="14">Time as a multiple of a copy of the same bytes, on ${escaped(device)}</text>
<line x1="${copy}" x2="${copy}" y1="34" y2="${y}" stroke="#9ca3af" stroke-dasharray="4 3"/>
${parts.join("\n")}
</svg>
`;
}

/** A plot of timing samples: a dot per sample and a line at the median, in one row each for kernel and copy. */

import type { Timing } from "./timing.ts";

const width = 640;
const rowHeight = 44;
const left = 64;
/** Half the widest axis label: a tick may be at the very end, and phones use large letters. */
const right = 42;
const axisHeight = 28;

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const high = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? high : (high + (sorted[middle - 1] ?? high)) / 2;
}

/** `1.24 ms`, `83 µs`. */
export function duration(milliseconds: number): string {
  const [value, unit] = milliseconds >= 1 ? [milliseconds, "ms"] : [milliseconds * 1000, "µs"];
  return `${value >= 100 ? value.toFixed(0) : value.toPrecision(3)} ${unit}`;
}

interface TimingSummary {
  readonly kernel: number;
  readonly copy: number;
  readonly ratio: number;
  /** Bytes that the kernel reads and writes per second. */
  readonly gigabytesPerSecond: number;
}

export function summarize({ kernel, copy, bytes }: Timing): TimingSummary {
  const [a, b] = [median(kernel), median(copy)];
  return { kernel: a, copy: b, ratio: a / b, gigabytesPerSecond: bytes / 1e6 / a };
}

/** The largest of 1, 2, 5 times a power of ten that gives at least three steps. */
export function tickStep(end: number): number {
  const power = 10 ** Math.floor(Math.log10(end / 3));
  return ([5, 2].find((factor) => factor * power <= end / 3) ?? 1) * power;
}

/** `20 ms`: ticks are round numbers. */
function tickLabel(milliseconds: number): string {
  const [value, unit] = milliseconds >= 1 ? [milliseconds, "ms"] : [milliseconds * 1000, "µs"];
  return milliseconds === 0 ? "0" : `${Number(value.toPrecision(3))} ${unit}`;
}

/** The plot as SVG text. Classes take their colours from the page's style. */
export function plot(timing: Timing): string {
  const { kernel, copy, ratio } = summarize(timing);
  const all = [...timing.kernel, ...timing.copy];
  // A single slow sample must not squeeze the others together.
  const sorted = [...all].sort((a, b) => a - b);
  const end = Math.max(1e-6, 1.1 * Math.max(kernel, copy, sorted[Math.floor(0.95 * (sorted.length - 1))] ?? 0));
  const x = (time: number) => left + ((width - left - right) * Math.min(time, end)) / end;
  const step = tickStep(end);
  const height = 2 * rowHeight + axisHeight;
  const ticks = Array.from({ length: Math.floor(end / step) + 1 }, (_, i) => {
    const at = x(i * step).toFixed(1);
    const label = `<text x="${at}" y="${height - 8}" text-anchor="middle">${tickLabel(i * step)}</text>`;
    return `<line class="grid" x1="${at}" x2="${at}" y1="4" y2="${height - axisHeight}"/>${label}`;
  });
  const label = `Kernel: median ${duration(kernel)}. Copy: median ${duration(copy)}. Ratio ${ratio.toFixed(2)}.`;
  return `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${label}">${ticks.join("")}${row("kernel", 0, timing.kernel, x)}${row("copy", 1, timing.copy, x)}</svg>`;
}

function row(name: string, index: number, times: readonly number[], x: (time: number) => number): string {
  const middle = 4 + rowHeight * (index + 0.5);
  const dots = times.map((time, i) => {
    // Spread over the height of the row in the order they were taken.
    const y = middle + (i / Math.max(1, times.length - 1) - 0.5) * 0.6 * rowHeight;
    return `<circle cx="${x(time).toFixed(1)}" cy="${y.toFixed(1)}" r="2.5"/>`;
  });
  const at = x(median(times)).toFixed(1);
  const bar = `<line class="median" x1="${at}" x2="${at}" y1="${middle - 18}" y2="${middle + 18}"/>`;
  return `<g class="${name}"><text x="${left - 10}" y="${middle + 5}" text-anchor="end">${name}</text>${dots.join("")}${bar}</g>`;
}

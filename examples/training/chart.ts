/** The losses of several trainings as an SVG: the losses, and below on a log scale their distances from one of them. */

export interface Curve {
  readonly name: string;
  readonly losses: readonly number[];
}

const [width, height, left, right] = [720, 190, 56, 16];
/** The range of distances shown, as powers of ten. */
const [least, most] = [-17, 1];

/**
 * Parts have classes for the page's colours: `way0`, `way1`, ... for the curves in order.
 *
 * @param base the losses that distances are relative to
 * @param steps of a complete training, which the curves may not have reached yet
 */
export function chart(curves: readonly Curve[], base: readonly number[], steps: number): string {
  const all = curves.flatMap(({ losses }) => losses).filter(Number.isFinite);
  const top = Math.max(1, ...all);
  const x = (step: number) => left + ((width - left - right) * step) / Math.max(1, steps - 1);
  const above = (loss: number) => 30 + (height - 40) * (1 - loss / top);
  const below = (off: number) =>
    height + 30 + ((height - 40) * (most - Math.log10(Math.max(off, 10 ** least)))) / (most - least);
  const text = (at: readonly [number, number], words: string, anchor = "end") =>
    `<text x="${at[0].toFixed(1)}" y="${at[1].toFixed(1)}" text-anchor="${anchor}">${words}</text>`;
  const line = (way: number, values: readonly number[], y: (value: number) => number) => {
    const points = values.map((value, step) => `${x(step).toFixed(1)},${y(value).toFixed(1)}`);
    return `<polyline class="way${way}" points="${points.join(" ")}"/>`;
  };
  const rows = Math.floor(top) + 1;
  const last = curves.map(({ name, losses }) => (losses.length === 0 ? name : `${name} ${losses.at(-1)?.toFixed(4)}`));
  return [
    `<svg class="losses" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${2 * height + 40 + 18 * curves.length}" role="img" aria-label="Losses: ${last.join("; ")}">`,
    text([left, 18], "loss", "start"),
    ...Array.from({ length: rows }, (_, loss) => text([left - 8, above(loss) + 4], String(loss))),
    ...curves.map(({ losses }, way) => line(way, losses, above)),
    text([left, height + 18], "distance from the LayerNorm's loss", "start"),
    ...[0, -5, -10, -15].map((power) => text([left - 8, below(10 ** power) + 4], `1e${power}`)),
    ...curves.flatMap(({ losses }, way) => {
      const offs = losses.slice(0, base.length).map((loss, step) => Math.abs(loss - (base[step] as number)));
      return offs.some((off) => off > 0) ? [line(way, offs, below)] : [];
    }),
    text([width - right, 2 * height + 22], `step ${steps}`),
    ...curves.map(({ name }, way) => {
      const y = 2 * height + 40 + 18 * way;
      return `<text class="way${way}" x="${left}" y="${y}">${name}</text>`;
    }),
    "</svg>",
  ].join("\n");
}

/** Colours for the standalone picture, on white. */
export const chartStyle = `<style>
svg { background: #ffffff; font: 12px sans-serif; fill: #222222; }
polyline { fill: none; stroke-width: 1.5; }
polyline.way0 { stroke: #222222; } text.way0 { fill: #222222; }
polyline.way1 { stroke: #1a7f37; stroke-dasharray: 6 4; } text.way1 { fill: #1a7f37; }
polyline.way2 { stroke: #bf5700; } text.way2 { fill: #bf5700; }
polyline.way3 { stroke: #b02a37; } text.way3 { fill: #b02a37; }
</style>`;

/** The report on the norms of a model as one self-contained HTML page: no scripts, no fonts, no network. */

import type { NodeProto } from "../onnx/messages.ts";
import { type OnnxModel, shown } from "../onnx/model.ts";
import type { NormReport } from "../surgery/norm-report.ts";
import type { Surgery } from "../surgery/surgery.ts";
import type { Check } from "./check-outcome.ts";
import { shortEps } from "./norm-table.ts";
import { checkLines, detailsOf, groupsOf, headline, placeOf, shortened, sizeLine } from "./surgery-report.ts";

interface PageParts {
  readonly model: OnnxModel;
  readonly result: Surgery;
  readonly check?: Check;
}

const escapes: Readonly<Record<string, string>> = {
  ...{ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" },
};

/** Names come from an untrusted file: escapes markup, and replaces control and bidirectional characters. */
export const escaped = (text: string) =>
  text
    .replace(/[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}]/gu, "\u{fffd}")
    .replace(/[&<>"']/g, (char) => escapes[char] as string);

/** Text between backquotes becomes code. */
const prose = (text: string) => escaped(text).replace(/`([^`]*)`/g, "<code>$1</code>");

export function surgeryPage({ model, result, check }: PageParts): string {
  const graph = new Neighbours(model);
  const groups = groupsOf(result.norms).map(({ title, reasons, norms }) => {
    const why = reasons.map((reason) => `<p>${prose(reason)}</p>`).join("");
    return `<section><h2>${escaped(title)}</h2>${why}${norms.map((norm) => normPart(norm, graph)).join("")}</section>`;
  });
  const checked = check === undefined ? "" : `<h2>Check</h2><pre>${escaped(checkLines(check).join("\n"))}</pre>`;
  const head = result.norms.length === 0 ? "there are no norms" : headline(result, check);
  const weights = result.weights.map(
    ({ name, from, residual }) =>
      `<tr><td>${escaped(name)}<td>${escaped(from)}<td>${escaped(residual.toExponential(1))}`,
  );
  const table =
    weights.length === 0
      ? ""
      : `<h2>Centered weights</h2><table><tr><th>new<th>from<th>largest row mean, of the row's largest element${weights.join("")}</table>`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escaped(model.file)}: norms</title><style>${style}</style></head><body>
<h1>${escaped(model.file)}</h1>
<p class="head">${prose(head)}</p><p>${prose(sizeLine(result))}</p>
${groups.join("\n")}
${checked}${table}
</body></html>
`;
}

const style = `
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #1b1f24; background: #fff }
h1 { font-size: 1.3rem; overflow-wrap: anywhere } h2 { font-size: 1.05rem; margin-top: 2rem }
.head { font-weight: 600 } code, pre, td, summary, text { font-family: ui-monospace, monospace; font-size: 13px }
summary { cursor: pointer; overflow-wrap: anywhere } svg { max-width: 100%; display: block } pre { white-space: pre-wrap }
td, th { text-align: left; padding-right: 1.5rem; overflow-wrap: anywhere }
rect { fill: #f3f5f7; stroke: #9aa4af } rect.norm { fill: #dff0e4; stroke: #3d8b57 } path { stroke: #9aa4af; fill: none }
@media (prefers-color-scheme: dark) { body { color: #e6e9ec; background: #15181b } text { fill: #e6e9ec }
  rect { fill: #23282d; stroke: #59636e } rect.norm { fill: #1d3a28; stroke: #4fae70 } }
`;

function normPart(norm: NormReport, graph: Neighbours): string {
  const parts = [
    `eps ${shortEps(norm.eps)}`,
    norm.gamma ? "gamma" : "",
    norm.beta === "none" ? "" : `beta ${norm.beta}`,
  ];
  const details = detailsOf(norm).map((line) => `<li>${prose(line)}`);
  const nodes = norm.nodes.length > 1 ? `<p>nodes: ${norm.nodes.map(escaped).join(", ")}</p>` : "";
  const list = details.length === 0 ? "" : `<ol>${details.join("")}</ol>`;
  return `<details><summary>${escaped(placeOf(norm))} <small>${parts.filter(Boolean).join(", ")}</small></summary>${graph.picture(norm)}${nodes}${list}</details>`;
}

const box = { width: 230, height: 30, gap: 16, row: 74 } as const;
/** The most boxes in a row; the last one counts the nodes that do not fit. */
const mostInRow = 4;

/** The producers of the inputs of norms, and the readers of their outputs. */
class Neighbours {
  private readonly makers = new Map<string, NodeProto>();
  private readonly readers = new Map<string, NodeProto[]>();
  private readonly byLabel = new Map<string, NodeProto>();
  private readonly constants: ReadonlySet<string>;

  constructor(model: OnnxModel) {
    this.constants = new Set(model.tensorNames);
    for (const node of model.graph.nodes) {
      this.byLabel.set(shown(node), node);
      for (const name of node.outputs) this.makers.set(name, node);
      for (const name of node.inputs) this.readers.set(name, [...(this.readers.get(name) ?? []), node]);
    }
  }

  picture(norm: NormReport): string {
    const own = new Set(norm.nodes.flatMap((label) => this.byLabel.get(label) ?? []));
    for (const tensor of norm.tensors) {
      const maker = this.makers.get(tensor);
      if (maker !== undefined) own.add(maker);
    }
    const outside = [...own].flatMap((node) => node.inputs).filter((name) => name !== "");
    const above = unique(
      outside.flatMap((name) => {
        if (this.constants.has(name)) return [];
        const maker = this.makers.get(name);
        return maker === undefined ? [name] : own.has(maker) ? [] : [shown(maker)];
      }),
    );
    const read = [...own].flatMap((node) => node.outputs).flatMap((name) => this.readers.get(name) ?? []);
    const below = unique(read.filter((node) => !own.has(node)).map(shown));
    return drawing(above, placeOf(norm), below);
  }
}

const unique = (names: readonly string[]) => [...new Set(names)];

function drawing(above: readonly string[], norm: string, below: readonly string[]): string {
  const rows = [cut(above), [norm], cut(below)];
  const columns = Math.max(...rows.map((row) => row.length));
  const width = columns * (box.width + box.gap) + box.gap;
  const xOf = (row: readonly string[], i: number) =>
    (width - row.length * (box.width + box.gap) + box.gap) / 2 + i * (box.width + box.gap);
  const middle = width / 2;
  const yOf = (row: number) => 10 + row * box.row;
  const boxes = rows.flatMap((row, r) =>
    row.map((label, i) => {
      const [x, y] = [xOf(row, i), yOf(r)];
      const text = escaped(shortened(label, 27));
      return `<g><title>${escaped(label)}</title><rect x="${x}" y="${y}" width="${box.width}" height="${box.height}" rx="5"${r === 1 ? ' class="norm"' : ""}/><text x="${x + 8}" y="${y + 20}" fill="currentColor">${text}</text></g>`;
    }),
  );
  const line = (x1: number, y1: number, x2: number, y2: number) => `<path d="M${x1} ${y1}L${x2} ${y2}"/>`;
  const center = (row: readonly string[], i: number) => xOf(row, i) + box.width / 2;
  const [first, , last] = rows as [string[], string[], string[]];
  const lines = [
    ...first.map((_, i) => line(center(first, i), yOf(0) + box.height, middle, yOf(1))),
    ...last.map((_, i) => line(middle, yOf(1) + box.height, center(last, i), yOf(2))),
  ];
  const height = yOf(2) + box.height + 10;
  return `<svg viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="the nodes around the norm">${lines.join("")}${boxes.join("")}</svg>`;
}

const cut = (names: readonly string[]) =>
  names.length <= mostInRow ? names : [...names.slice(0, mostInRow - 1), `and ${names.length - mostInRow + 1} more`];

/** Generates the table and the diagram of components in docs/architecture.md from components.mjs and the imports. */
import { between } from "./reference.mjs";

/** Whether a chain of imports leads from one component to the other. */
function reaches(imports, from, to, seen = new Set()) {
  if (seen.has(from)) return false;
  seen.add(from);
  const next = imports.get(from);
  return next.has(to) || [...next].some((component) => reaches(imports, component, to, seen));
}

/** The transitive reduction: drops arrows implied by others. Components that import each other keep theirs. */
function arrowsOf(imports, from) {
  const to = [...imports.get(from)];
  const isImplied = (component) =>
    to.some(
      (other) =>
        other !== component &&
        reaches(imports, other, component) &&
        !reaches(imports, component, other) &&
        !reaches(imports, other, from),
    );
  return to.filter((component) => !isImplied(component));
}

/**
 * @param {string} text the text of docs/architecture.md.
 * @param {object[]} layers the layers of components.mjs.
 * @param {ReadonlyMap<string, ReadonlySet<string>>} imports the components that each component imports from.
 */
export function architecturePage(text, layers, imports) {
  const order = layers.flatMap(({ components }) => components.map(({ name }) => name));
  const rows = layers.flatMap(({ components }) =>
    components.map(({ name, paths, does }) => {
      const arrows = arrowsOf(imports, name).sort((a, b) => order.indexOf(a) - order.indexOf(b));
      return `| ${name} | ${paths.map((path) => `\`${path}\``).join(" ")} | ${does} | ${arrows.join(", ") || "-"} |`;
    }),
  );
  return between(
    text,
    "components",
    `| component | where | what it does | imports |\n|---|---|---|---|\n${rows.join("\n")}`,
  );
}

const [width, height, step, left, middle, right] = [230, 44, 84, 130, 380, 630];
const ink = { text: "#1d2230", muted: "#5a6275", border: "#cbd0dc" };

function box(x, y, { is, says }, fill) {
  return `<rect x="${x - width / 2}" y="${y}" width="${width}" height="${height}" rx="5" fill="${fill}" stroke="${ink.border}"/>
<text x="${x}" y="${y + 18}" text-anchor="middle" font-weight="600" fill="${ink.text}">${is}</text>
<text x="${x}" y="${y + 35}" text-anchor="middle" font-size="11.5" fill="${ink.muted}">${says}</text>`;
}

const arrow = (...points) =>
  `<path d="M${points.map(([x, y]) => `${x} ${y}`).join(" L")}" fill="none" stroke="${ink.muted}" stroke-width="1.6" marker-end="url(#to)"/>`;

/** The diagram: data in boxes from top to bottom, and next to each arrow the components that compute the step. */
export function architecturePicture({ flow, besides, layers }) {
  const names = new Set(layers.flatMap(({ components }) => components.map(({ name }) => name)));
  const componentsOf = ({ by }) => {
    for (const name of by) if (!names.has(name)) throw new Error(`components.mjs has no component called ${name}`);
    return by.join(", ");
  };
  const top = (i) => 16 + i * step;
  const says = (x, y, text, anchor) =>
    `<text x="${x}" y="${y}" text-anchor="${anchor}" font-style="italic" fill="${ink.text}">${text}</text>`;
  const steps = flow.flatMap((one, i) => {
    const drawn = box(middle, top(i), one, "#dfe6ff");
    if (one.by.length === 0) return [drawn];
    const [from, to] = [top(i) + height, top(i + 1)];
    return [
      drawn,
      arrow([middle, from], [middle, to]),
      says(middle + 10, (from + to) / 2 + 4, componentsOf(one), "start"),
    ];
  });
  const sides = besides.flatMap((one) => {
    const y = top(one.at) + height / 2;
    const isLeft = one.side === "left";
    const [x, edge] = isLeft ? [left, middle - width / 2] : [right, middle + width / 2];
    const place = top(one.at) - step;
    const [near, inner] = isLeft
      ? [
          [x, place + height],
          [edge, y],
        ]
      : [
          [edge, y],
          [x, place + height],
        ];
    const bend = [x, y];
    return [
      box(x, place, one, "#d8f3df"),
      arrow(near, bend, inner),
      isLeft ? says(x - 8, y + 18, componentsOf(one), "start") : says(x + 8, y + 18, componentsOf(one), "middle"),
    ];
  });
  const end = top(flow.length - 1) + height + 16;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 760 ${end}" font-family="system-ui, sans-serif" font-size="13">
<title>From the text of a program to results on the GPU, with the components that take each step</title>
<rect width="760" height="${end}" fill="#ffffff"/>
<defs><marker id="to" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="6" markerHeight="6" orient="auto"><path d="M0 0L8 4L0 8z" fill="${ink.muted}"/></marker></defs>
${[...steps, ...sides].join("\n")}
</svg>
`;
}

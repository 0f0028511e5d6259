/** docs/models.md, from the results of the matrix. */

const range = (numbers) => {
  const known = numbers.filter((number) => number !== undefined && number !== null);
  if (known.length === 0) return "-";
  const [least, most] = [Math.min(...known), Math.max(...known)];
  return least === most ? `${least}` : `${least} to ${most}`;
};

export const median = (numbers) => {
  const sorted = numbers.filter((number) => number !== undefined).toSorted((a, b) => a - b);
  return sorted.length === 0 ? undefined : sorted[Math.floor(sorted.length / 2)];
};

export const ratio = (number) => (number === undefined ? "-" : number.toFixed(2));
const tiny = (number) => (number === undefined || number === -Infinity ? "-" : number.toExponential(1));
const table = (head, rows) => [head, head.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n");
const sum = (numbers) => numbers.reduce((all, number) => all + number, 0);
const most = (numbers) => Math.max(...numbers.filter((number) => number !== undefined));

function rowOf(architecture, models) {
  const folded = models.map(({ outcomes }) => outcomes.folded ?? 0);
  const rms = models.map(({ outcomes }) => outcomes.none ?? 0);
  const rest = models.map(({ found }, i) => found - folded[i] - rms[i]);
  const writtenIn = ({ written: { unchanged = 0 }, found }) => found - unchanged;
  const launched = models.filter(({ launches }) => launches !== undefined);
  const changes = launched.map(({ launches: { before, after } }) => after - before);
  const [before, after] = ["before", "after"].map((when) => sum(launched.map(({ launches }) => launches[when])));
  const single = models.filter(({ element }) => element === "f32");
  return [
    architecture,
    models.length,
    range(models.map(({ counted }) => counted)),
    models.every(({ counted, found }) => counted === found)
      ? "all"
      : `${sum(models.map(({ found }) => found))} of ${sum(models.map(({ counted }) => counted))}`,
    `${range(folded)} / ${range(rest)} / ${range(rms)}`,
    range(models.map(writtenIn)),
    launched.length === 0 ? "-" : `${before} → ${after} (${range(changes)})`,
    ratio(median(single.map(({ native }) => native?.ratio))),
    ratio(median(single.map(({ wasm }) => wasm.ratio))),
    `${tiny(most(single.map(({ off }) => off.before)))} → ${tiny(most(single.map(({ off }) => off.after)))}`,
  ];
}

function chosen({ models, notExported }) {
  const all = Object.values(models);
  const of = (key) => [...new Set(all.map((model) => model[key]))].toSorted().join(", ");
  const text = [
    `${all.length} models of ${new Set(all.map(({ architecture }) => architecture)).size} architectures, exporters and operator sets ${of("exporter")}; axes ${of("axes")}; elements ${of("element")}.`,
  ];
  if (notExported.length > 0) {
    text.push(`PyTorch does not export: ${notExported.map((name) => `\`${name}\``).join(", ")}.`);
  }
  return text.join(" ");
}

function faults({ models }) {
  const faulty = Object.entries(models).filter(([, model]) => model.faults.length > 0);
  if (faulty.length === 0) return "Every model is what it is held to.";
  return table(
    ["model", "what is missing"],
    faulty.map(([name, model]) => [
      `\`${name}\``,
      model.faults.join("; ").replaceAll("|", "\\|").replaceAll("\n", " "),
    ]),
  );
}

function alone({ norms }) {
  if (norms === undefined) return "";
  const rows = norms.map(({ what, native, wasm }) => [what, ratio(native?.ratio), ratio(wasm?.ratio)]);
  return `
## The norms alone

One norm of 512 rows of 768 numbers from a table, which takes the centering, before a narrow product, which takes beta. The
time is that of the model less that of the table and the product alone, after the surgery divided by that before it: the
median of rounds in which all models run by turns, the fastest of three runs each. The last row is what the rows alone cost.

${table(["norm", "native", "wasm"], rows)}
`;
}

function trainedModels({ trained }) {
  if (trained === undefined) return "";
  const rows = trained.map(({ what, norms, outcomes, off, says }) => [what, norms, outcomes, tiny(off), says]);
  return `
## Trained models

Written with \`--norm-op skip\`, all norms anew: by default those that keep their centering are left alone.

${table(["model", "norms", "outcomes", "outputs off by", "what it says"], rows)}
`;
}

export function page(results, expected) {
  const architectures = Object.keys(expected);
  const of = (architecture) => Object.values(results.models).filter((model) => model.architecture === architecture);
  const rows = architectures.filter((name) => of(name).length > 0).map((name) => rowOf(name, of(name)));
  const heads = [
    ...["architecture", "models", "norms", "found", "folded / kept / RMS", "written"],
    ...["WebGPU launches", "native time", "wasm time", "off from PyTorch"],
  ];
  const why = Object.entries(expected).map(([name, { folded = 0, kept = 0, rms = 0, reason }]) => [
    ...[name, folded, kept, rms, reason],
  ]);
  return `# Models of PyTorch

Made by \`tools/models/run.sh\`; the figures of each model stand in \`tools/models/results.json\`.

The models are those of torchvision, transformers and torch.nn, and some of their papers, of two layers and 16 to 32
channels, with random weights whose rows, gammas and betas have a mean.

${chosen(results)}

Each architecture is exported five times: by the TorchScript exporter in an operator set below 17, where a LayerNorm is a
chain of nodes, and in 17 with named axes; by the dynamo exporter in 18 and, with named axes, in one of 19 to 23; and once
in f16. The sets take turns, so that all from 11 to 23 are there.

- **found** is held to the norms that PyTorch runs, counted there.
- **folded** norms need no centering any more, **kept** ones do, or share one (\`moved\`), RMS are RMSNorms.
- **written** is how many norms the surgery writes anew by default, where it does nothing that launches more kernels on
  WebGPU; \`--norm-op skip\` writes all that are folded.
- **WebGPU launches** are the kernels that onnxruntime-web's WebGPU provider launches in one run, of all the models before and
  after, and the least and the most that one model gains.
- **time** is the processor's after the surgery divided by that before it, the median of the models in f32 (each the median of
  runs that take turns), with onnxruntime on one thread. The models are small, so that a run is dominated by the cost of each node.
- **off from PyTorch** is the largest difference of an output from that of PyTorch before and after, as a part of its
  largest number where that is above 1, in f32.

${table(heads, rows)}
${alone(results)}${trainedModels(results)}
## Where a model falls short

${faults(results)}

## What can be done

Decided by hand for each architecture, and compared with what is done.

${table(["architecture", "folded", "kept", "RMS", "because"], why)}
`;
}

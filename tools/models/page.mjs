/** Generates docs/models.md from the results of the matrix. */

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
  if (faulty.length === 0) return "Every model meets its expectations.";
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

One norm of 512 rows of 768 numbers, between a table into which the centering is folded, and a narrow product into which beta is
folded. The figure is the time after surgery divided by that before, each less the time of the table and the product alone: the
median of rounds that interleave all models, with the fastest of three runs each. The last row is the cost of reading and writing the
rows.

${table(["norm", "native", "wasm"], rows)}
`;
}

function trainedModels({ trained }) {
  if (trained === undefined) return "";
  const rows = trained.map(({ what, norms, outcomes, off, says }) => [what, norms, outcomes, tiny(off), says]);
  return `
## Trained models

Written with \`--norm-op skip\`, which rewrites all norms; by default norms that keep their centering are left alone.

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
  return `# PyTorch models

Generated by \`tools/models/run.sh\`; \`tools/models/results.json\` has the figures of each model.

The models come from torchvision, transformers and torch.nn, and a few from papers. They have two layers, 16 to 32
channels, and random weights whose rows, gammas and betas have a nonzero mean.

${chosen(results)}

Each architecture is exported five times: by the TorchScript exporter in an operator set below 17, where a LayerNorm is a
chain of nodes, and in 17 with named axes; by the dynamo exporter in 18 and, with named axes, in one of 19 to 23; and once
in f16. The operator sets vary between architectures, so that all from 11 to 23 occur.

- **found** compares the norms found with those that PyTorch runs, counted in PyTorch.
- **folded** norms no longer need a centering, **kept** ones do, or share one (\`moved\`); **RMS** ones were RMSNorms before.
- **written** is the number of norms that surgery rewrites by default, when it makes no change that launches more kernels on
  WebGPU; \`--norm-op skip\` rewrites all that are folded.
- **WebGPU launches** are the kernels that onnxruntime-web's WebGPU provider launches in one run, in total over the models before and
  after, with the range of changes of single models.
- **time** is the processor time after surgery divided by that before, the median of the models in f32 (each the median of
  interleaved runs), with onnxruntime on one thread. The models are small, so the cost per node dominates a run.
- **off from PyTorch** is the largest difference of an output from PyTorch's, before and after surgery, relative to the output's
  largest number where that is above 1, in f32.

${table(heads, rows)}
${alone(results)}${trainedModels(results)}
## Where a model falls short

${faults(results)}

## What can be done

The best possible outcome, decided by hand for each architecture, with which the results are compared.

${table(["architecture", "folded", "kept", "RMS", "because"], why)}
`;
}

/** A human-readable report on the norms of a model: a headline, then the norms grouped by outcome and reason. */

import type { NormReport } from "../surgery/norm-report.ts";
import type { Surgery } from "../surgery/surgery.ts";
import type { Accuracy, Check, OutputCheck } from "./check-outcome.ts";
import { wrapText } from "./columns.ts";
import { shortEps } from "./norm-table.ts";

/** The maximum width of a line, unless a single word is longer. */
const widest = 100;

export const counted = (count: number, what: string) => `${count} ${what}${count === 1 ? "" : "s"}`;

export const short = (number: number) =>
  number === 0 || (number >= 0.01 && number < 1e6) ? String(Number(number.toPrecision(2))) : number.toExponential(1);

const kinds = {
  layernorm: "LayerNorm",
  rmsnorm: "RMSNorm",
  groupnorm: "GroupNorm",
  standardize: "standardization",
} as const;

/** Such as `25 LayerNorms: 24 without centering, 1 where the stream begins; 24 betas folded; output within 4e-7 of float64`. */
export function headline({ norms, centers }: Pick<Surgery, "norms" | "centers">, check?: Check): string {
  const all = Object.entries(kinds).flatMap(([kind, name]) => {
    const own = norms.filter(({ norm }) => norm === kind);
    if (own.length === 0) return [];
    const isCentered = kind === "layernorm" || kind === "standardize";
    const what = isCentered ? outcomes(own, centers) : kind === "rmsnorm" ? rewritten(own) : "left unchanged";
    return [`${counted(own.length, name)}: ${what}`];
  });
  const folded = norms.filter(({ beta }) => beta === "folded").length;
  const betas = folded === 0 ? [] : [`${counted(folded, "beta")} folded`];
  return [...all, ...betas, ...accuracy(check)].join("; ");
}

/** A LayerNorm whose nodes are unchanged counts as left, whatever its centering analysis says. */
const outcomeOf = ({ norm, centering, writtenAs }: NormReport) =>
  norm === "layernorm" && writtenAs === "unchanged" ? "left" : centering;

function outcomes(norms: readonly NormReport[], centers: number): string {
  const count = (...of: NormReport["centering"][]) => norms.filter((norm) => of.includes(outcomeOf(norm))).length;
  const moved = count("moved");
  const kept = norms.filter((norm) => outcomeOf(norm) === "kept");
  const begins = moved === 0 ? 0 : kept.filter(({ beginsStream }) => beginsStream).length;
  // Centerings inserted at values that are not the input of a norm that keeps its own.
  const added = moved === 0 ? 0 : Math.max(0, centers - kept.length);
  const parts: (readonly [number, string])[] = [
    [count("proved", "folded", "moved"), "without centering"],
    [count("lossy"), "with their centering dropped without proof"],
    [begins, "where the stream begins"],
    [kept.length - begins, kept.length - begins === 1 ? "with its centering" : "with their centering"],
    [count("left", "unknown"), "left unchanged"],
  ];
  const said = parts.filter(([n]) => n > 0).map(([n, what]) => `${n} ${what}`);
  const more = added === 0 ? [] : [`${counted(added, "centering")} where a stream begins`];
  return [...said, ...more].join(", ");
}

function rewritten(norms: readonly NormReport[]): string {
  const written = norms.filter(({ writtenAs }) => writtenAs !== "unchanged");
  const ops = [...new Set(written.map(({ writtenAs }) => writtenAs))];
  return written.length === 0 ? "left unchanged" : `${written.length} written as ${ops.join(", ")}`;
}

/** The largest error over all outputs, relative to the largest magnitude of each. */
function accuracy(check: Check | undefined): string[] {
  if (check === undefined || "because" in check.float64) return [];
  if (check.outputs.every(({ worthless }) => worthless !== undefined)) return [];
  const worst = (of: "before" | "after") =>
    Math.max(
      ...(check.float64 as { outputs: readonly Accuracy[] }).outputs.map((one) => relative(one[of], one.largest)),
    );
  return [`output within ${short(worst("after"))} of float64 (before: ${short(worst("before"))})`];
}

const relative = (difference: number, largest: number) => (largest === 0 ? difference : difference / largest);

/** Before and after: the number of nodes, the operator set if it changes, and launches if known. */
export function sizeLine({ nodes, opset, launches }: Pick<Surgery, "nodes" | "opset" | "launches">): string {
  const said = [`${nodes.before} nodes before, ${nodes.after} after`];
  if (opset.after !== opset.before) said.push(`operator set ${opset.before} before, ${opset.after} after`);
  if (launches !== undefined) said.push(`WebGPU launches: ${launches.before} before, ${launches.after} after`);
  return said.join("; ");
}

/** A line that says that the written model computes the same function, if it does and anything was rewritten. */
export function exactLine({ exactness, weights, norms }: Pick<Surgery, "exactness" | "weights" | "norms">): string[] {
  if (exactness !== "exact" || norms.every(({ writtenAs }) => writtenAs === "unchanged")) return [];
  const rounded = weights.length === 0 ? "" : `, up to the rounding of ${counted(weights.length, "weight")}`;
  return [`exact${rounded}`];
}

/** Norms with the same outcome for the same reasons. */
interface NormGroup {
  readonly title: string;
  /** Sentences. */
  readonly reasons: readonly string[];
  readonly norms: readonly NormReport[];
}

const withoutBecause = (reason: string) => reason.replace(/^because /, "");

/** The reasons for the outcome, without what differs for each norm: weights, and steps of a proof. */
function reasonsOf(report: NormReport): readonly string[] {
  const reasons = centeringReasons(report);
  return report.norm === "standardize" ? [...reasons, onlyItsMean] : reasons;
}

const onlyItsMean =
  "eps is added to the deviation, not to the variance as in RMSNorm: only their centering can be removed";

function centeringReasons(report: NormReport): readonly string[] {
  const { norm, because, movedTo } = report;
  switch (outcomeOf(report)) {
    case "proved":
      return ["their rows have mean zero already"];
    case "folded":
      return ["the weights that their rows are sums of are centered once"];
    case "moved":
      return [`centered instead: ${movedTo.join(", ")}`];
    case "none":
      return norm === "rmsnorm" ? because : ["it does not center its rows"];
    default:
      return because.map(withoutBecause);
  }
}

/** Details of a single norm: the steps of its proof, or its weights. */
export function detailsOf(report: NormReport): readonly string[] {
  const { because, constants } = report;
  const weights = constants.length === 0 ? [] : [`centered once: ${constants.join(", ")}`];
  return outcomeOf(report) === "proved" ? because : weights;
}

export function groupsOf(norms: readonly NormReport[]): NormGroup[] {
  const groups = new Map<string, NormReport[]>();
  for (const norm of norms) {
    const key = JSON.stringify([norm.norm, norm.centering, norm.writtenAs, reasonsOf(norm)]);
    groups.set(key, [...(groups.get(key) ?? []), norm]);
  }
  return [...groups.values()].map((own) => {
    const [first] = own as [NormReport];
    const { norm, writtenAs } = first;
    const outcome = outcomeOf(first);
    const what = outcome === "none" ? "" : ` ${outcome}`;
    const as =
      writtenAs === "unchanged" ? "" : `, written as ${writtenAs === "primitives" ? "primitive ops" : writtenAs}`;
    return {
      title: `${counted(own.length, kinds[norm])}${what}${as}`,
      reasons: reasonsOf(own[0] as NormReport),
      norms: own,
    };
  });
}

/** For each group, its title and reasons, then a line for each norm. */
export function normLines(norms: readonly NormReport[], isVerbose: boolean): string[] {
  return groupsOf(norms).flatMap(({ title, reasons, norms: own }) => {
    const cells = own.map((norm) => [affineOf(norm), `eps ${shortEps(norm.eps)}`] as const);
    const affineWidth = Math.max(...cells.map(([affine]) => affine.length));
    const rest = cells.map(([affine, eps]) => `  ${affine.padEnd(affineWidth)}  ${eps}`);
    const room = widest - 4 - Math.max(...rest.map((text) => text.length));
    const places = own.map((norm) => shortened(placeOf(norm), room));
    const placeWidth = Math.max(...places.map((place) => [...place].length));
    const rows = own.flatMap((norm, i) => [
      `    ${(places[i] as string).padEnd(placeWidth)}${rest[i]}`,
      ...(isVerbose ? detailsOf(norm).flatMap((line) => wrapped(line, 8)) : []),
    ]);
    return [title, ...reasons.flatMap((reason) => wrapped(reason, 2)), ...rows];
  });
}

/** Such as `gamma, beta folded`; `-` for a norm with neither. */
export function affineOf({ gamma, isGammaFolded, beta }: NormReport): string {
  const parts = [
    gamma ? (isGammaFolded ? "gamma folded" : "gamma") : "",
    beta === "none" ? "" : beta === "kept" ? "beta" : `beta ${beta}`,
  ];
  return parts.filter(Boolean).join(", ") || "-";
}

/** Such as `ln.0 (LayerNormalization)`; if there are several nodes, the first and the last. */
export function placeOf({ nodes }: Pick<NormReport, "nodes">): string {
  const [first = "", last = ""] = [nodes[0], nodes.at(-1)];
  return nodes.length <= 1 ? first : `${first} to ${last}`;
}

/** Replaces the middle of a long name by `...`, since names differ at their ends. */
export function shortened(text: string, most: number): string {
  const chars = [...text];
  if (chars.length <= most) return text;
  const head = Math.floor((most - 3) / 3);
  return `${chars.slice(0, head).join("")}...${chars.slice(chars.length - (most - 3 - head)).join("")}`;
}

/** Wraps text at spaces, with every line indented. */
export const wrapped = (text: string, indent: number): string[] =>
  wrapText(text, widest - indent).map((line) => " ".repeat(indent) + line);

/** The lines of a check: outputs, their accuracy, and times. */
export function checkLines({ by, outputs, float64, times }: Check): string[] {
  const accuracies = "because" in float64 ? [] : float64.outputs;
  const lines = outputs.flatMap((one) =>
    outputLine(
      one,
      accuracies.find(({ output }) => output === one.output),
    ),
  );
  const judge = by === "interpreter" ? ["both models computed in float64 by the interpreter"] : [];
  const unknown = "because" in float64 ? wrapped(`not compared with float64: ${float64.because}`, 0) : [];
  return [...lines, ...judge, ...unknown, ...(times === undefined ? [] : [timeLine(times)])];
}

function outputLine(
  { output, shape, difference, largest, nans }: OutputCheck,
  accuracy: Accuracy | undefined,
): string[] {
  const some = nans === 0 ? "" : `, ${nans} of its numbers are NaN`;
  const line = `${output}: [${shape.join(", ")}] is off by ${short(difference)} at most; its largest number is ${short(largest)}${some}`;
  return [...wrapped(line, 0), ...(accuracy === undefined ? [] : [`    ${fromFloat64(accuracy)}`])];
}

export const fromFloat64 = ({ before, after }: Accuracy) =>
  `before: ${short(before)} from float64, after: ${short(after)}`;

function timeLine({ before, after, ratio, runs }: NonNullable<Check["times"]>): string {
  const ms = ({ lower, median, upper }: typeof before) => `${short(median)} ms (${short(lower)} to ${short(upper)})`;
  const fixed = (number: number) => number.toFixed(2);
  const spread = `${fixed(ratio.median)} (${fixed(ratio.lower)} to ${fixed(ratio.upper)})`;
  return `time: before ${ms(before)}, after ${ms(after)}, ratio ${spread}, ${runs} pairs`;
}

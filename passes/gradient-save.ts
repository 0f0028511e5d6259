/**
 * The values that a forward passes to its backward, so that they need not be recomputed.
 *
 * - primal: a value of the backward that depends on no cotangent; the forward can compute it as well.
 * - needed: a primal that an op depending on a cotangent reads.
 * - saved: a primal that the forward returns, and the backward takes as a parameter.
 *
 * `all` saves everything that is needed. `auto` makes the choice that moves the fewest bytes: a parameter that the
 * backward reads counts once, a saved value twice, as it is written and read (once if the forward returns it anyway);
 * recomputed values cost nothing, except products, which are never recomputed. This is a minimum
 * cut, as in PyTorch's partitioner of joint graphs (`min_cut_rematerialization_partition`).
 */

import { Copies } from "../src/ir/builder.ts";
import { estimatedBytes } from "../src/ir/bytes.ts";
import { FreshNames } from "../src/ir/fresh-names.ts";
import { type Fn, isLeaf, makeFn, type Op, presentOperands, type Value } from "../src/ir/ir.ts";
import { nameOf } from "../src/ir/naming.ts";
import { ops } from "../src/ir/ops/index.ts";
import { withoutEqualOps } from "./cse.ts";
import { withoutDeadOps } from "./dce.ts";
import { Choices } from "./min-cut.ts";

/** The functions with saved values. */
interface Handover {
  readonly forward: Fn;
  readonly backward: Fn;
  /** The names of saved values, which are results of the forward and parameters of the backward. */
  readonly names: readonly string[];
  /** Bytes moved for the backward's operands besides the cotangents: with saved values, and without. */
  readonly bytes: { readonly saved: number; readonly computed: number };
}

const bytesOf = ({ type }: Value): number => estimatedBytes(type);

/** The values that are computed from `given` and constants alone, and those of them that are needed. */
function primalsOf(fn: Fn, given: readonly Value[]) {
  const known = new Set<Value>(given);
  const isKnown = (op: Op) => presentOperands(op).every((operand) => known.has(operand));
  for (const op of fn.ops) if (isKnown(op)) for (const result of op.results) known.add(result);
  const readers = fn.ops.filter((op) => !isKnown(op));
  const needed = new Set([...readers.flatMap(presentOperands), ...fn.results.map(({ value }) => value)]);
  return { known, needed: [...needed].filter((value) => known.has(value)) };
}

/** Costs are small whole numbers: the largest tensor has this cost. */
const finest = 32;

/** The cheapest values to save. @param isReturned whether the forward writes it anyway. */
function cheapest(needed: readonly Value[], isReturned: (value: Value) => boolean): Value[] {
  const choices = new Choices();
  /** Whether the backward has a value, and whether it computes it. */
  const variables = new Map<Value, { readonly has: number; readonly computes: number }>();
  const visit = (value: Value): { has: number; computes: number } => {
    const known = variables.get(value);
    if (known !== undefined) return known;
    const made = { has: choices.add(), computes: choices.add() };
    variables.set(value, made);
    const { def } = value;
    for (const operand of def === undefined ? [] : presentOperands(def))
      choices.imply(made.computes, visit(operand).has);
    return made;
  };
  for (const value of needed) choices.imply(choices.yes, visit(value).has);
  const largest = Math.max(1, ...[...variables.keys()].map(bytesOf));
  for (const [value, { has, computes }] of variables) {
    const { def } = value;
    const unit = Math.max(1, Math.round((bytesOf(value) / largest) * finest));
    const isFree = def !== undefined && isLeaf(def);
    // One more than for a parameter, so that nothing is saved without a gain.
    if (!isFree) choices.imply(has, computes, def === undefined || isReturned(value) ? 2 * unit : 4 * unit + 1);
    const kind = def && ops[def.name].kind;
    if (def === undefined || kind === "linear" || kind === "extern") choices.imply(computes, choices.no);
  }
  const isTrue = choices.solve();
  return [...variables].flatMap(([value, { has, computes }]) =>
    value.def !== undefined && !isLeaf(value.def) && isTrue(has) && !isTrue(computes) ? [value] : [],
  );
}

/** Copies of those ops that have none yet. */
const copied = (list: readonly Op[], now: Copies): Op[] =>
  list.flatMap((op) => (op.results.every((result) => now.has(result)) ? [] : [now.op(op, { kernel: undefined })]));

const parameters = (values: readonly Value[], now: Copies, names: readonly (string | undefined)[] = []): Value[] =>
  values.map((value, i) => now.param(value, { name: names[i] ?? value.name }));

/**
 * @param backward the output of `gradient`: its first parameters are those of `forward`.
 * @returns `undefined` where saving gains nothing.
 */
export function withSaved(forward: Fn, backward: Fn, mode: "auto" | "all"): Handover | undefined {
  const given = backward.params.slice(0, forward.params.length);
  const { known, needed } = primalsOf(backward, given);
  const now = new Copies();
  const params = parameters(forward.params, now);
  for (const [i, param] of given.entries()) now.set(param, params[i] as Value);
  const own = copied(forward.ops, now);
  const primal = copied(
    backward.ops.filter((op) => op.results.every((result) => known.has(result))),
    now,
  );
  const ops = [...own, ...primal];
  const all = withoutEqualOps(makeFn({ ...forward, params, ops, results: now.resultsOf(forward) }));
  const inForward = (value: Value) => {
    const copy = now.of(value);
    return (all.provenance.get(copy) ?? copy) as Value;
  };
  const outputs = all.fn.results;
  const nameIn = (value: Value) => outputs.find((output) => output.value === inForward(value))?.name;
  const savable = needed.filter(({ def }) => def !== undefined && !isLeaf(def));
  const values = mode === "all" ? savable : cheapest(needed, (value) => nameIn(value) !== undefined);
  if (values.length === 0) return undefined;
  const fresh = new FreshNames([...outputs.map(({ name }) => name), ...backward.params.map(nameOf)]);
  const names = values.map((value) => nameIn(value) ?? fresh.next(`saved_${value.name ?? value.def?.name}`));
  const extra = values.flatMap((value, i) =>
    nameIn(value) === undefined ? [{ name: names[i] as string, value: inForward(value) }] : [],
  );
  const written = makeFn({ ...all.fn, name: `${forward.name}_forward`, results: [...outputs, ...extra] });
  const back = new Copies();
  const [inputs, saved] = [parameters(given, back), parameters(values, back, names)];
  const cotangents = parameters(backward.params.slice(given.length), back);
  const rest = makeFn({
    ...backward,
    params: [...inputs, ...saved, ...cotangents],
    ops: copied(backward.ops, back),
    results: back.resultsOf(backward),
  });
  const live = withoutDeadOps(rest).fn;
  const isRead = readIn(live);
  const read = inputs.filter(isRead);
  const isReadNow = readIn(backward);
  const sum = (list: readonly Value[]) => list.reduce((bytes, value) => bytes + bytesOf(value), 0);
  return {
    forward: withoutDeadOps(written).fn,
    backward: makeFn({ ...live, params: [...read, ...saved, ...cotangents] }),
    names,
    bytes: {
      saved: sum(read) + sum(values) + sum(extra.map(({ value }) => value)),
      computed: sum(given.filter(isReadNow)),
    },
  };
}

function readIn({ ops: list, results }: Fn): (value: Value) => boolean {
  const read = new Set([...list.flatMap(presentOperands), ...results.map(({ value }) => value)]);
  return (value) => read.has(value);
}

/** The invariants of plans: memory is allocated when it is used, and every buffer is written once, before it is read. */

import { dimensionNames } from "../ir/ir.ts";
import { printType, sameShape, type TensorType } from "../ir/types.ts";
import { verifyFn } from "../ir/verify.ts";
import { checkPlan } from "./arguments.ts";
import { callsOf, type Launch, type OpaqueStep, type Plan, type PlanBuffer, writtenType } from "./plan.ts";

/** The violated invariants of a plan, as clauses; empty if it is valid. */
export function verifyPlan(plan: Plan): string[] {
  checkPlan("verifyPlan", plan);
  const faults: string[] = [];
  const known = new Set([...dimensionNames(plan.fn), ...plan.extents.map(({ name }) => name)]);
  const live = new Map<number, PlanBuffer>();
  const written = new Set<PlanBuffer>();
  const freed = new Set<PlanBuffer>();
  const check = (holds: boolean, fault: string) => void (holds || faults.push(fault));
  for (const step of plan.steps) {
    if (step.kind === "alloc") {
      const { name, slot } = step.buffer;
      check(slot !== undefined && !live.has(slot), `\`${name}\` is allocated in a place that is taken`);
      live.set(slot as number, step.buffer);
    } else if (step.kind === "free") {
      const { name, slot } = step.buffer;
      check(live.get(slot as number) === step.buffer, `\`${name}\` is freed and not allocated`);
      live.delete(slot as number);
      freed.add(step.buffer);
    } else {
      const { fn, reads, writes } = step;
      for (const problem of verifyFn(fn)) faults.push(`\`${fn.name}\`: ${problem.message}`);
      for (const dim of dimensionNames(fn))
        check(known.has(dim), `\`${fn.name}\` has a dimension \`${dim}\` of nothing`);
      for (const buffer of [...reads, ...writes]) {
        const isThere = buffer.kind !== "intermediate" || live.get(buffer.slot as number) === buffer;
        check(isThere && !freed.has(buffer), `\`${fn.name}\` uses \`${buffer.name}\`, which is not allocated`);
      }
      for (const buffer of reads) {
        const isGiven = buffer.kind === "input" || buffer.kind === "constant";
        check(isGiven || written.has(buffer), `\`${fn.name}\` reads \`${buffer.name}\`, which nothing has written`);
      }
      for (const buffer of writes) {
        check(buffer.kind !== "input" && !written.has(buffer), `\`${fn.name}\` writes \`${buffer.name}\` again`);
        written.add(buffer);
      }
      faults.push(...typeFaults(step, plan));
    }
  }
  for (const { name } of live.values()) faults.push(`\`${name}\` is never freed`);
  for (const { name } of plan.fn.results) {
    const own = plan.buffers.find(({ result }) => result === name);
    const isWritten = [...written].some((buffer) => buffer.name === (own?.same ?? own?.name));
    check(isWritten, `nothing writes the result \`${name}\``);
  }
  return faults;
}

function typeFaults(call: Launch | OpaqueStep, { extents, ...plan }: Plan): string[] {
  const { fn, reads, writes } = call;
  const tile = call.kind === "launch" ? call.tile : undefined;
  const alias = new Map(extents.filter(({ by }) => by === 1).map(({ name, of }) => [name, of]));
  const known = ({ shape }: TensorType) =>
    shape.map((dim) => (typeof dim === "string" ? (alias.get(dim) ?? dim) : dim));
  // An opaque step may read and write a buffer in another shape, and so may the readers of what it has written.
  const opaque = callsOf(plan).filter((one) => one.kind === "opaque" || one.product !== undefined);
  const isSeen = ({ name }: PlanBuffer) =>
    call.kind === "opaque" ||
    call.product !== undefined ||
    opaque.some(({ writes }) => writes.some((buffer) => buffer.name === name));
  const count = (type: TensorType) => {
    const dims = known(type);
    const factor = dims.reduce<number>((all, dim) => (typeof dim === "number" ? all * dim : all), 1);
    return [factor, ...dims.filter((dim) => typeof dim === "string").sort()].join();
  };
  const isSame = (buffer: PlanBuffer, type: TensorType) =>
    buffer.type.element === type.element &&
    (sameShape(known(buffer.type), known(type)) || (isSeen(buffer) && count(buffer.type) === count(type)));
  const fault = (buffer: PlanBuffer, type: TensorType) =>
    `\`${fn.name}\` takes \`${buffer.name}\`, ${printType(buffer.type)}, for ${printType(type)}`;
  const isNumber = (buffer: PlanBuffer, { shape }: TensorType) =>
    buffer.type.shape.length === 0 && String(shape) === "1" && buffer.kind !== "input";
  return [
    ...(reads.length === fn.params.length && writes.length === fn.results.length
      ? []
      : [`\`${fn.name}\` is launched with another number of buffers`]),
    ...fn.params.flatMap(({ type }, i) => {
      const buffer = reads[i];
      return buffer === undefined || isSame(buffer, type) || isNumber(buffer, type) ? [] : [fault(buffer, type)];
    }),
    ...fn.results.flatMap(({ value }, i) => {
      const [buffer, type] = [writes[i], writtenType(value.type, tile)];
      return buffer === undefined || isSame(buffer, type) ? [] : [fault(buffer, type)];
    }),
  ];
}

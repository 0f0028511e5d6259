/** Prints plans: extents, steps, and the functions that they launch. */

import { printBytes } from "../ir/bytes.ts";
import type { Result, Value } from "../ir/ir.ts";
import { ops } from "../ir/ops/index.ts";
import { printAttributes, printFn } from "../ir/print.ts";
import { printShape, printType, sameShape, type TensorType } from "../ir/types.ts";
import { checkPlan } from "./arguments.ts";
import {
  type DerivedExtent,
  launchesOf,
  type OpaqueStep,
  opaqueOp,
  type Plan,
  type PlanBuffer,
  type Step,
} from "./plan.ts";

function printExtent({ name, of, by, least, most }: DerivedExtent): string {
  const quotient = by === 1 ? String(of) : `ceil(${of} / ${by})`;
  const atLeast = least === undefined ? quotient : `max(${least}, ${quotient})`;
  return `  extent ${name} = ${most === undefined ? atLeast : `min(${most}, ${atLeast})`}`;
}

function printStep(step: Step): string {
  if (step.kind === "launch") {
    const { fn, reads, writes, tile } = step;
    const list = (buffers: readonly PlanBuffer[]) => buffers.map(({ name }) => name).join(", ");
    const tiled = tile === undefined ? "" : ` for each of ${tile.count} tiles of ${tile.size} of ${tile.dim}`;
    return `  launch ${fn.name}(${list(reads)}) -> (${list(writes)})${tiled}`;
  }
  if (step.kind === "opaque") return printOpaque(step);
  const { buffer } = step;
  if (step.kind === "free") return `  free ${buffer.name}`;
  return `  alloc ${buffer.name}: ${printType(buffer.type)} in ${buffer.slot}  // ${printBytes(buffer.type)} bytes`;
}

/** Prints the shape of each buffer that is read or written in another shape than its own. */
function printOpaque(step: OpaqueStep): string {
  const { fn, reads, writes } = step;
  const op = opaqueOp(step);
  const shown = ({ name, type }: PlanBuffer, seen: TensorType) =>
    sameShape(type.shape, seen.shape) ? name : `${name} as ${printShape(seen.shape)}`;
  const operands = reads.map((buffer, i) => shown(buffer, (fn.params[i] as Value).type));
  const results = writes.map((buffer, i) => shown(buffer, (fn.results[i] as Result).value.type));
  return `  opaque ${op.name}(${[...operands, ...printAttributes(ops[op.name], op.attributes)].join(", ")}) -> (${results.join(", ")})`;
}

/** Prints the plan, then each function that it launches. The line of an opaque step already states its op. */
export function printPlan(plan: Plan): string {
  checkPlan("printPlan", plan);
  const { fn, extents, buffers, steps } = plan;
  const params = fn.params.map(({ name, type }) => `${name}: ${printType(type)}`);
  const results = fn.results.map(({ name, value }) => `${name}: ${printType(value.type)}`);
  const lines = [
    `plan ${fn.name}(${params.join(", ")}) -> (${results.join(", ")}) {`,
    ...extents.map(printExtent),
    ...steps.map(printStep),
    ...buffers.flatMap(({ name, same }) => (same === undefined ? [] : [`  ${name} is ${same}`])),
    "}\n",
  ];
  const functions = launchesOf(plan).map((launch) => printFn(launch.fn));
  return [lines.join("\n"), ...functions].join("\n");
}

/** A plan as text: its extents, its steps, and the functions that it launches. */

import { printBytes } from "../ir/bytes.ts";
import { printFn } from "../ir/print.ts";
import { printType } from "../ir/types.ts";
import { type DerivedExtent, launchesOf, type Plan, type PlanBuffer, type Step } from "./plan.ts";

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
  const { buffer } = step;
  if (step.kind === "free") return `  free ${buffer.name}`;
  return `  alloc ${buffer.name}: ${printType(buffer.type)} in ${buffer.slot}  // ${printBytes(buffer.type)} bytes`;
}

/** The plan, then each of its functions. */
export function printPlan(plan: Plan): string {
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

/** Which results of a plan may be written over what it reads. */

import type { LaunchBuffer, LaunchOfKernel, LaunchOfOp, LaunchPlan, LaunchStep, LaunchView } from "./plan-manifest.ts";

/** What computes, in order: kernels, and what the caller fills in. */
export const callsIn = (steps: readonly LaunchStep[]): (LaunchOfKernel | LaunchOfOp)[] =>
  steps.filter((step) => "launch" in step || "opaque" in step);

/**
 * A result that would be written over what is still to be read, after the name of that: an input of a later kernel, or
 * another result. What a kernel reads and writes itself it refuses, or reads before it writes.
 * @param parts what is on the device, by the name of its buffer
 */
export function overlapIn(
  { buffers, steps }: LaunchPlan,
  parts: ReadonlyMap<string, readonly [buffer: unknown, offset: number, size: number, ...rest: unknown[]]>,
): readonly [before: string, result: string] | undefined {
  const calls = callsIn(steps);
  const namesIn = (views: Readonly<Record<string, string | LaunchView>>) =>
    Object.values(views).map((view) => (typeof view === "string" ? view : view.buffer));
  const last = (of: "reads" | "writes", name: string) =>
    calls.map((step) => namesIn(step[of]).includes(name)).lastIndexOf(true);
  const isOver = (name: string, other: string) => {
    const [buffer, offset, size] = parts.get(name) ?? [undefined, 0, 0];
    const [has, from, length] = parts.get(other) ?? [undefined, 0, 0];
    return buffer !== undefined && buffer === has && from < offset + size && offset < from + length;
  };
  const results = buffers.filter(({ kind }) => kind === "result");
  for (const [i, { name, same, result = name }] of results.entries()) {
    const isReadLater = (one: LaunchBuffer) => one.kind !== "result" && last("reads", one.name) > last("writes", name);
    const others = [...buffers.filter(isReadLater), ...results.slice(0, i).filter((one) => one.name !== same)];
    const other = others.find((one) => isOver(name, one.name));
    if (other) return [other.result ?? other.name, result];
  }
  return undefined;
}

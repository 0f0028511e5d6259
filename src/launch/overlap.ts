/** Checks that no result of a plan overwrites memory that is still to be read. */

import type { LaunchBuffer, LaunchOfKernel, LaunchOfOp, LaunchPlan, LaunchStep, LaunchView } from "./plan-manifest.ts";

/** The steps that compute, in order: kernels, and ops that the caller computes. */
export const callsIn = (steps: readonly LaunchStep[]): (LaunchOfKernel | LaunchOfOp)[] =>
  steps.filter((step) => "launch" in step || "opaque" in step);

/**
 * The name of a buffer that is still to be read, an input of a later kernel or another result, and of a result that would
 * overwrite it. Overlaps within one kernel are not checked here: the kernel rejects them, or reads before it writes.
 * @param parts memory on the device, by the name of the plan's buffer
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

/**
 * From a fused function to one WGSL kernel and its manifest.
 *
 * - row, column: the axes that no reduction reduces, and those that every reduction reduces.
 * - lane: one invocation; the lanes of a row reduce it together.
 * - stage: a loop over the row's columns, and what can be computed from its results.
 */

import { checkFn } from "../src/ir/arguments.ts";
import type { Fn } from "../src/ir/ir.ts";
import type { Tile } from "../src/plan/plan.ts";
import type { Kernel } from "../src/target/manifest.ts";
import type { KernelOptions } from "../src/target/options.ts";
import type { TargetProfile } from "../src/target/target.ts";
import { planned } from "./candidates.ts";
import { known } from "./extent.ts";
import { type Generated, Generator } from "./generator.ts";
import { Planner } from "./plan-kernel.ts";

/**
 * The kernel of a function whose ops `fuse-elementwise` has put into one group.
 * @throws TircError E0501 to E0507 if the function is not one kernel, or the target cannot run it.
 */
export function generateKernel(
  fn: Fn,
  target: TargetProfile,
  options: KernelOptions = {},
  tile?: Tile | undefined,
): Kernel {
  checkFn("generateKernel", fn);
  return generate(fn, target, options, tile).kernel;
}

/** The kernel, and the programs that its WGSL is printed from. */
export function generate(fn: Fn, target: TargetProfile, options: KernelOptions = {}, tile?: Tile): Generated {
  const planner = new Planner(fn, target, options, tile);
  const plan = planned(planner);
  return new Generator(planner, plan).generate((main) => {
    if (tile !== undefined || plan.graph.tiled || typeof plan.schedule.vector?.extent !== "string") return [];
    const multiples = new Planner(fn, target, options, tile, { of: planner, for: "multiples" });
    const other = planned(multiples);
    return other.schedule.width > 1 ? [new Generator(multiples, other, [main])] : [];
  });
}

/** The kernel's schedule, the schedules that it was chosen from, and the length of a row if it is known. */
export function scheduleOf(fn: Fn, target: TargetProfile, options: KernelOptions = {}, tile?: Tile | undefined) {
  const planner = new Planner(fn, target, options, tile);
  const { choice, space, columnCount } = planned(planner).schedule;
  return { choice, space, length: known(columnCount), hash: planner.hash };
}

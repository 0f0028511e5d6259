/** `tirc targets`: the targets for kernels, and which of them this machine supports. */

import { lackOf } from "../launch/choose.ts";
import type { Needs } from "../launch/compact.ts";
import { columns } from "../report/columns.ts";
import { builtinTargets, moduleTargets, type TargetProfile, targetNotes } from "../target/target.ts";
import type { Arguments } from "./arguments.ts";
import { deviceFamilies } from "./device-families.ts";
import type { Session } from "./session.ts";

export async function targetsCommand(args: Arguments, session: Session): Promise<number> {
  const here = args.has("--detect") ? await detect(args.value("--adapter")?.text) : undefined;
  session.result(args.has("--json"), asData(here), asLines(here));
  return 0;
}

interface Here {
  readonly description: string;
  readonly profile: TargetProfile;
  /** Names of the built-in targets whose kernels give correct results here. */
  readonly runs: readonly string[];
}

/** Throws E0620 to E0624 if there is no adapter. */
async function detect(adapter: string | undefined): Promise<Here> {
  const { openDevice } = await import("../runtime/node.ts");
  const { device, adapterInfo, description, target: profile, close } = await openDevice({ adapter });
  try {
    const { features, limits } = device;
    const runs = builtinTargets.filter((target) => !lackOf({ features, limits, adapterInfo }, needsOf(target)));
    return { description, profile, runs: runs.map(({ name }) => name) };
  } finally {
    close();
  }
}

const needsOf = ({ features, limits, subgroup }: TargetProfile): Needs => ({
  ...Object.fromEntries(features.map((feature) => [feature, 1])),
  ...limits,
  ...(subgroup && { subgroupMinSize: subgroup.min }),
});

const all = moduleTargets.map(({ name }) => name);

function asData(here: Here | undefined) {
  const targets = builtinTargets.map((target) => ({ ...target, for: targetNotes[target.name] }));
  return { targets, all, devices: deviceFamilies, ...(here && { here }) };
}

function asLines(here: Here | undefined): string[] {
  return [
    ...columns(builtinTargets.map(({ name }) => [name, targetNotes[name] as string])),
    "",
    ...columns([["auto", "this machine's adapter, as `tirc run` and `tirc tune` take it"]]),
    "",
    ...columns([
      ["device", "subgroups", "f16", "target"],
      ...deviceFamilies.map(({ name, subgroups, f16, target }) => [name, subgroups, f16, target]),
    ]),
    ...(here === undefined ? [] : ["", `here: ${here.description}`, `  runs ${here.runs.join(", ")}`]),
  ];
}

/** Plans as arguments of the library. */

import { checkArgument, isRecord, type Kind } from "../diagnostics/arguments.ts";

const isPlan = (value: unknown) =>
  isRecord(value) && ["extents", "buffers", "steps"].every((name) => Array.isArray(value[name])) && "fn" in value;

const aPlan: Kind = {
  what: "a plan",
  holds: isPlan,
  help: (value) => {
    if (isRecord(value) && Array.isArray(value.plans)) return ["pass one of its `plans`"];
    if (Array.isArray(value) && value.some(isPlan)) return ["pass one item of the list"];
    if (isRecord(value) && isPlan({ ...value, fn: value.name }))
      return ["this is the manifest that `planManifest` made of it"];
    return ["`compile(module).plans` are plans"];
  },
};

/** @throws TircError E0901 if the first argument of a public function is not a plan. */
export const checkPlan = (name: string, value: unknown): void =>
  checkArgument("the first argument", name, value, aPlan);

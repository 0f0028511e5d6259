/**
 * Target profiles: the features, limits and subgroup sizes that a kernel may rely on. They are plain objects, so the
 * compiler needs no GPU.
 */

import * as targetErrors from "../diagnostics/areas/targets.ts";
import { aSource, aString, checkArgument, isRecord } from "../diagnostics/arguments.ts";
import { type Diagnostic, fail, type Source } from "../diagnostics/diagnostic.ts";
import { duplicateKey } from "../diagnostics/duplicate-key.ts";
import { mostWorkgroups } from "../launch/counts.ts";
import type { TunedSchedule } from "./choice.ts";
import { type Rates, rateNames } from "./rates.ts";

/** Names and units as in WebGPU's GPUSupportedLimits. */
export interface TargetLimits {
  readonly maxStorageBuffersPerShaderStage: number;
  readonly maxComputeInvocationsPerWorkgroup: number;
  readonly maxComputeWorkgroupStorageSize: number;
  readonly maxComputeWorkgroupsPerDimension: number;
  readonly maxComputeWorkgroupSizeX: number;
  readonly maxStorageBufferBindingSize: number;
}

/** The device that a kernel is compiled for: its kind, features and limits. */
export interface TargetProfile {
  readonly name: string;
  /** Software adapters (`cpu`) run a workgroup on one core, so fewer lanes per row are best. */
  readonly kind: "cpu" | "gpu";
  /** WebGPU feature names. The compiler uses `subgroups`, `subgroup-size-control` and `shader-f16`. */
  readonly features: readonly string[];
  /**
   * The range of subgroup sizes that the adapter may choose from; required if `features` has `subgroups`. With the
   * feature `subgroup-size-control`, kernels request the subgroup size `size`, if given.
   */
  readonly subgroup?: { readonly min: number; readonly max: number; readonly size?: number };
  readonly limits: TargetLimits;
  /** The rates of the device. If given, the schedule with the lowest estimated time is chosen. */
  readonly rates?: Rates;
  /** Choices measured by `tirc tune`. */
  readonly schedules?: readonly TunedSchedule[];
}

/** The limits that every WebGPU adapter supports (https://gpuweb.github.io/gpuweb/#limits, "default"). */
export const defaultLimits: TargetLimits = {
  maxStorageBuffersPerShaderStage: 8,
  maxComputeInvocationsPerWorkgroup: 256,
  maxComputeWorkgroupStorageSize: 16384,
  maxComputeWorkgroupsPerDimension: mostWorkgroups,
  maxComputeWorkgroupSizeX: 256,
  maxStorageBufferBindingSize: 134217728,
};

/** A built-in target. `use` says which devices it is for, in `tirc targets` and docs/targets.md. */
interface BuiltinTarget extends Pick<TargetProfile, "name" | "kind"> {
  readonly use: string;
  readonly features?: readonly string[];
  /** The smallest subgroup size of the devices that it is for. */
  readonly subgroup?: number;
  /**
   * Whether it is one of `--target all`, the targets of a module that is to run anywhere. Targets that differ only in
   * the subgroup size are left out. Devices with smaller subgroups than 32 lanes (Intel's adapters report 8) use
   * `portable`, as most of the reduction of a row would be serial merges through workgroup memory.
   */
  readonly inModules: boolean;
}

const rows: readonly BuiltinTarget[] = [
  { name: "portable", kind: "gpu", inModules: true, use: "every device: no features, WebGPU's default limits" },
  {
    name: "swiftshader",
    kind: "cpu",
    inModules: true,
    use: "SwiftShader, and other software adapters: few lanes per row, which a core runs in turn",
    features: ["subgroups"],
    subgroup: 4,
  },
  {
    name: "lavapipe",
    kind: "cpu",
    inModules: false,
    use: "llvmpipe (Mesa's lavapipe) on processors with AVX",
    features: ["subgroups", "shader-f16"],
    subgroup: 8,
  },
  {
    name: "gpu-subgroup-32",
    kind: "gpu",
    inModules: true,
    use: "GPUs whose subgroups have at least 32 lanes",
    features: ["subgroups"],
    subgroup: 32,
  },
  {
    name: "gpu-subgroup-64",
    kind: "gpu",
    inModules: false,
    use: "GPUs whose subgroups have at least 64 lanes",
    features: ["subgroups"],
    subgroup: 64,
  },
  {
    name: "gpu-f16",
    kind: "gpu",
    inModules: true,
    use: "GPUs with 16-bit floats, whatever their subgroups",
    features: ["shader-f16"],
  },
  {
    name: "gpu-f16-subgroup-32",
    kind: "gpu",
    inModules: true,
    use: "GPUs with 16-bit floats whose subgroups have at least 32 lanes",
    features: ["subgroups", "shader-f16"],
    subgroup: 32,
  },
];

/** The built-in targets. `portable` runs on every WebGPU implementation; the others require features. */
export const builtinTargets: readonly TargetProfile[] = rows.map(({ name, kind, features = [], subgroup: size }) => ({
  name,
  kind,
  features,
  ...(size !== undefined && { subgroup: { min: size, max: size } }),
  limits: defaultLimits,
}));

/** The targets of a module that is to run anywhere. */
export const moduleTargets: readonly TargetProfile[] = builtinTargets.filter((_, i) => rows[i]?.inModules);

/** Which devices each built-in target is for, by its name. */
export const targetNotes: Readonly<Record<string, string>> = Object.fromEntries(
  rows.map(({ name, use }) => [name, use]),
);

/** A lane of a subgroup of 16 has half as many registers as one of 8 where these are the sizes (Intel: 64 of 4 bytes). */
const halved = { size: 16, fromKept: 32 };

/**
 * The subgroup size that kernels for the target request; `undefined` if they do not request one.
 * @param kept the elements of a row that a lane caches in registers. Mesa's compiler for Arc spills from 32 at a size of 16,
 *   and not at 64 at a size of 8.
 */
export function subgroupAsked({ features, subgroup }: TargetProfile, kept = 0): number | undefined {
  const size =
    features.includes("subgroups") && features.includes("subgroup-size-control") ? subgroup?.size : undefined;
  return size === halved.size && kept >= halved.fromKept ? Math.max(subgroup?.min ?? 1, size / 2) : size;
}

/**
 * The elements of a row that a lane may cache in registers. With single elements, the addresses of a row's loads, which are those of
 * its stores, take as many registers as the elements: Mesa's compiler for Arc spills 10 to 87 of them for 64 elements.
 * @param width of the vectors that are loaded.
 */
export const mostKept = (target: TargetProfile, width: number): number =>
  subgroupAsked(target) === halved.size && width === 1 ? halved.fromKept : 64;

/** The smallest subgroup size that the device may choose; 1 without subgroups. */
export const leastSubgroup = ({ features, subgroup }: TargetProfile): number =>
  features.includes("subgroups") ? (subgroup?.min ?? 1) : 1;

/** The largest subgroup size that the device may choose; 1 without subgroups. */
export const mostSubgroup = ({ features, subgroup }: TargetProfile): number =>
  features.includes("subgroups") ? (subgroup?.max ?? 1) : 1;

/** The target that every WebGPU device can run: default limits, no features, no subgroup operations. */
export const portableTarget = builtinTargets[0] as TargetProfile;

/** Finds a built-in profile, or one of `own`, by name. Throws E0590 if there is none. */
export function targetByName(name: string, own: readonly TargetProfile[] = []): TargetProfile {
  checkArgument("the first argument", "targetByName", name, { ...aString, what: "the name of a target" });
  const all = [...builtinTargets, ...own];
  const names = all.map((target) => target.name);
  return all.find((target) => target.name === name) ?? fail(targetErrors.unknownTarget(name, names));
}

/** Finds a profile by name, or checks one that is passed as an object. Throws E0590 to E0593. */
export function profileOf(target: string | TargetProfile, own: readonly TargetProfile[] = []): TargetProfile {
  return typeof target === "string" ? targetByName(target, own) : checkTarget(target, "the target");
}

/**
 * Parses a profile from JSON. Throws all errors that it finds, E0591 to E0593. Missing limits get WebGPU's defaults.
 */
export function parseTarget(source: Source): TargetProfile {
  checkArgument("the first argument", "parseTarget", source, aSource);
  let value: unknown;
  try {
    value = JSON.parse(source.text);
  } catch (caught) {
    const reason = (caught as Error).message;
    const at = Math.min(Number(/position (\d+)/.exec(reason)?.[1] ?? 0), source.text.length);
    fail(targetErrors.notJson({ source, start: at, end: Math.min(at + 1, source.text.length) }, reason));
  }
  const twice = duplicateKey(source.text);
  if (twice !== undefined) {
    const { key, at } = twice;
    fail(targetErrors.fieldTwice({ source, start: at, end: at + key.length + 2 }, key));
  }
  return checkTarget(value, source.name);
}

/** Describes a wrong value. Lists and objects are not printed, as they may be large. */
function described(value: unknown): string {
  if (Array.isArray(value)) return "a list";
  return isRecord(value) ? "an object" : (JSON.stringify(value) ?? "missing");
}

const mostProblems = 20;
const fields = ["name", "kind", "features", "subgroup", "limits", "rates", "schedules"];
type Report = (path: string, expected: string, got: unknown) => void;
type OnlyKnown = (path: string, object: Record<string, unknown>, known: readonly string[]) => void;
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) > 0;

/**
 * Checks a profile given as plain data. Missing limits get WebGPU's defaults. `origin` names the profile in messages.
 */
export function checkTarget(value: unknown, origin: string): TargetProfile {
  const found: Diagnostic[] = [];
  const wrong: Report = (path, expected, got) => {
    found.push(targetErrors.wrongField(origin, path, expected, described(got)));
  };
  const onlyKnown: OnlyKnown = (path, object, known) => {
    for (const key of Object.keys(object).filter((key) => !known.includes(key))) {
      found.push(targetErrors.unknownField(origin, path + key, known));
    }
  };

  if (!isRecord(value)) fail(targetErrors.wrongField(origin, "(the whole)", "an object", described(value)));
  const { name, kind, features = [], subgroup, limits = {}, rates, schedules } = value;
  onlyKnown("", value, fields);
  if (typeof name !== "string" || name === "") wrong("name", "a name", name);
  if (kind !== "cpu" && kind !== "gpu") wrong("kind", '"cpu" or "gpu"', kind);
  if (!Array.isArray(features) || !features.every((feature) => typeof feature === "string")) {
    wrong("features", "a list of WebGPU feature names", features);
  } else if (features.includes("subgroups") && subgroup === undefined) {
    wrong("subgroup", 'given with the feature "subgroups", as {"min": 32, "max": 32}', undefined);
  }
  if (subgroup !== undefined) checkSubgroup(subgroup, wrong, onlyKnown);
  if (!isRecord(limits)) wrong("limits", "an object", limits);
  else {
    onlyKnown("limits.", limits, Object.keys(defaultLimits));
    for (const key of Object.keys(defaultLimits).filter((key) => key in limits && !isCount(limits[key]))) {
      wrong(`limits.${key}`, "a whole number above 0", limits[key]);
    }
  }
  if (rates !== undefined) checkRates(rates, wrong, onlyKnown);
  if (schedules !== undefined) checkSchedules(schedules, wrong, onlyKnown);
  if (found.length > 0) fail(...found.slice(0, mostProblems));
  return { ...value, features, limits: { ...defaultLimits, ...(limits as object) } } as unknown as TargetProfile;
}

function checkSubgroup(subgroup: unknown, wrong: Report, onlyKnown: OnlyKnown): void {
  if (!isRecord(subgroup)) {
    wrong("subgroup", 'an object such as {"min": 32, "max": 32}', subgroup);
    return;
  }
  onlyKnown("subgroup.", subgroup, ["min", "max", "size"]);
  const { min, max, size } = subgroup;
  const isSize = (size: unknown): size is number => isCount(size) && size <= 128 && (size & (size - 1)) === 0;
  if (!isSize(min)) wrong("subgroup.min", "a power of two up to 128", min);
  if (!isSize(max)) wrong("subgroup.max", "a power of two up to 128", max);
  if (isSize(min) && isSize(max) && min > max) wrong("subgroup.max", `at least subgroup.min (${min})`, max);
  const isOneOf = isSize(size) && isSize(min) && isSize(max) && size >= min && size <= max;
  if (size !== undefined && !isOneOf) wrong("subgroup.size", "a power of two from subgroup.min to subgroup.max", size);
}

function checkRates(rates: unknown, wrong: Report, onlyKnown: OnlyKnown): void {
  if (!isRecord(rates)) {
    wrong("rates", "an object, as `tirc tune` writes it", rates);
    return;
  }
  onlyKnown("rates.", rates, rateNames);
  for (const name of rateNames) {
    const rate = rates[name];
    if (typeof rate !== "number" || !(rate > 0 && rate < Infinity)) wrong(`rates.${name}`, "a number above 0", rate);
  }
}

function checkSchedules(schedules: unknown, wrong: Report, onlyKnown: OnlyKnown): void {
  if (!Array.isArray(schedules)) {
    wrong("schedules", "a list, as `tirc tune` writes it", schedules);
    return;
  }
  const isPower = (value: unknown) => isCount(value) && Number.isInteger(Math.log2(value));
  for (const [i, entry] of schedules.entries()) {
    const path = `schedules[${i}]`;
    if (!isRecord(entry)) {
      wrong(path, "an object, as `tirc tune` writes it", entry);
      continue;
    }
    onlyKnown(`${path}.`, entry, ["kernel", "fn", "columns", "choice"]);
    if (entry.kernel !== undefined && !/^[0-9a-f]{16}$/.test(String(entry.kernel))) {
      wrong(`${path}.kernel`, "16 hexadecimal digits, as `tirc tune` writes them", entry.kernel);
    }
    if (entry.fn !== undefined && typeof entry.fn !== "string") wrong(`${path}.fn`, "a function's name", entry.fn);
    if (!isCount(entry.columns)) wrong(`${path}.columns`, "a whole number above 0", entry.columns);
    const choice = isRecord(entry.choice) ? entry.choice : {};
    if (!isRecord(entry.choice)) wrong(`${path}.choice`, "an object", entry.choice);
    else onlyKnown(`${path}.choice.`, choice, ["lanes", "workgroup", "rowsPerLane", "width", "keep"]);
    for (const part of ["lanes", "workgroup", "rowsPerLane", "width"]) {
      if (!isPower(choice[part])) wrong(`${path}.choice.${part}`, "a power of two", choice[part]);
    }
    if (choice.keep !== 0 && !isCount(choice.keep)) wrong(`${path}.choice.keep`, "a whole number", choice.keep);
  }
}

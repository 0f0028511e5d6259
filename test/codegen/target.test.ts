import { describe, expect, test } from "vitest";
import type { TircError } from "../../src/diagnostics/diagnostic.ts";
import { builtinTargets, checkTarget, defaultLimits, parseTarget, targetByName } from "../../src/target/target.ts";
import { diagnosticsOf } from "../support/diagnostics.ts";

test("every built-in profile is one that a file may hold", () => {
  for (const target of builtinTargets) {
    expect(checkTarget(JSON.parse(JSON.stringify(target)), "built-in")).toEqual(target);
    expect(targetByName(target.name)).toBe(target);
  }
  expect(new Set(builtinTargets.map(({ name }) => name)).size).toBe(builtinTargets.length);
});

test("`portable` asks for nothing", () => {
  expect(targetByName("portable")).toEqual({ name: "portable", kind: "gpu", features: [], limits: defaultLimits });
});

test("E0590: a name that is none, with the one that was meant", () => {
  const [message] = diagnosticsOf(() => targetByName("portabel"));
  expect(message).toMatch(/^E0590: .*`portabel`/);
  expect(message).toContain("help: did you mean `portable`?");
});

const parse = (text: string) => parseTarget({ name: "my.json", text });

test("a file may leave out features and limits", () => {
  expect(parse('{ "name": "mine", "kind": "gpu", "limits": { "maxStorageBuffersPerShaderStage": 10 } }')).toEqual({
    name: "mine",
    kind: "gpu",
    features: [],
    limits: { ...defaultLimits, maxStorageBuffersPerShaderStage: 10 },
  });
});

describe("schedules that were measured", () => {
  const choice = { lanes: 8, workgroup: 32, rowsPerLane: 2, width: 4, keep: 64 };
  const withSchedules = (schedules: unknown) => JSON.stringify({ name: "mine", kind: "gpu", schedules });

  test("are kept", () => {
    const schedules = [{ kernel: "0123456789abcdef", fn: "f", columns: 768, choice }];
    expect(parse(withSchedules(schedules)).schedules).toEqual(schedules);
  });

  test.each([
    [{}, "`schedules` must be a list"],
    [[3], "`schedules[0]` must be an object"],
    [[{ fn: 3, columns: 768, choice }], "`schedules[0].fn` must be a function's name"],
    [[{ kernel: "f", columns: 768, choice }], "`schedules[0].kernel` must be 16 hexadecimal digits"],
    [[{ fn: "f", columns: 0, choice }], "`schedules[0].columns` must be a whole number above 0"],
    [[{ fn: "f", columns: 8, choice: { ...choice, lanes: 3 } }], "`schedules[0].choice.lanes` must be a power of two"],
    [[{ fn: "f", columns: 8, choice: { ...choice, keep: -1 } }], "`schedules[0].choice.keep` must be a whole number"],
    [[{ fn: "f", columns: 8, choice, rows: 4 }], "there is no field `schedules[0].rows`"],
  ])("E0592 and E0593: %j", (schedules, message) => {
    expect(diagnosticsOf(() => parse(withSchedules(schedules)))[0]).toContain(message);
  });
});

test("E0591: what is no JSON, at its place where the reason names it", () => {
  try {
    parse('{ "name": "mine" "kind" }');
    expect.unreachable();
  } catch (caught) {
    const [found] = (caught as TircError).diagnostics;
    expect(found?.code).toBe("E0591");
    expect(found?.span).toMatchObject({ source: { name: "my.json" }, start: 17 });
  }
  expect(diagnosticsOf(() => parse(""))[0]).toMatch(/^E0591: /);
});

const base = { name: "mine", kind: "gpu" };

test.each([
  ["no object", 3, ["(the whole)"]],
  ["a list", [], ["(the whole)"]],
  ["null", null, ["(the whole)"]],
  ["nothing of what it needs", {}, ["name", "kind"]],
  ["an empty name", { ...base, name: "" }, ["name"]],
  ["another kind", { ...base, kind: "tpu" }, ["kind"]],
  ["features that are no list", { ...base, features: "subgroups" }, ["features"]],
  ["subgroups of no size", { ...base, features: ["subgroups"] }, ["subgroup"]],
  ["a size that is no power of two", { ...base, subgroup: { min: 24, max: 32 } }, ["subgroup.min"]],
  ["a size above 128", { ...base, subgroup: { min: 32, max: 256 } }, ["subgroup.max"]],
  ["sizes the wrong way round", { ...base, subgroup: { min: 64, max: 32 } }, ["subgroup.max"]],
  ["a size that the device cannot take", { ...base, subgroup: { min: 32, max: 64, size: 16 } }, ["subgroup.size"]],
  ["limits that are no object", { ...base, limits: 8 }, ["limits"]],
  [
    "a limit of 0",
    { ...base, limits: { maxStorageBuffersPerShaderStage: 0 } },
    ["limits.maxStorageBuffersPerShaderStage"],
  ],
  ["a fraction", { ...base, limits: { maxComputeWorkgroupSizeX: 1.5 } }, ["limits.maxComputeWorkgroupSizeX"]],
])("E0592: %s", (_, value, paths) => {
  const found = diagnosticsOf(() => parse(JSON.stringify(value)));
  expect(found.map((text) => text.slice(0, 5))).toEqual(paths.map(() => "E0592"));
  for (const [i, path] of paths.entries()) expect(found[i]).toContain(path);
});

test.each([
  [{ ...base, feature: [] }, "feature"],
  [{ ...base, limits: { maxBufferSize: 8 } }, "limits.maxBufferSize"],
  [{ ...base, subgroup: { min: 32, max: 32, sizes: [32] } }, "subgroup.sizes"],
])("E0593: %j has a field too many", (value, path) => {
  const found = diagnosticsOf(() => parse(JSON.stringify(value)));
  expect(found).toHaveLength(1);
  expect(found[0]).toMatch(/^E0593: /);
  expect(found[0]).toContain(path);
});

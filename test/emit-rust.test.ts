/** The emitted Rust module for wgpu, read as text and compared with the manifest: this needs no Rust toolchain. */

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { generateKernel } from "../codegen/generate.ts";
import { compile, optimize } from "../src/driver/compile.ts";
import { compact } from "../src/emit/compact-manifest.ts";
import { emitRust } from "../src/emit/rust.ts";
import { product, workgroupsOf } from "../src/launch/counts.ts";
import { entryFor } from "../src/launch/entries.ts";
import { planExtents } from "../src/launch/plan-manifest.ts";
import { boundSize } from "../src/launch/tensors.ts";
import { parse } from "../src/parse/parse.ts";
import { planManifest } from "../src/plan/manifest.ts";
import type { Plan } from "../src/plan/plan.ts";
import type { Kernel } from "../src/target/manifest.ts";
import { targetByName } from "../src/target/target.ts";

const { fns } = optimize(
  parse(`fn norm(x: f32[batch, rows, 64], gamma: f32[64]) -> (y: f32[batch, rows, 64]) {
  return rmsnorm(x, gamma, axes = [-1])
}
fn half(x: f16[rows, k], s: f32, on: bool[k], b: f16, i: i32, not: bool) -> (y: f16[rows, k], m: f32[rows]) {
  return where(on, x * b, 0), sum(cast(x, to = f32), axes = [-1]) * where(not, s, cast(i, to = f32))
}
fn rows(x: f32[rows, k]) -> (y: f32[rows, k]) { return softmax(x, axes = [-1]) }
fn loop(type: f32[n], self: i32) -> (y: f32[n]) { return type * cast(self, to = f32) }`),
).module;
const kernels: readonly Kernel[] = ["portable", "gpu-f16", "gpu-subgroup-32"].flatMap((target) =>
  fns.flatMap((fn) => [[], ["k"]].map((specialize) => generateKernel(fn, targetByName(target), { specialize }))),
);

/** A Rust expression of these extents. */
function evaluate(expression: string, dims: Readonly<Record<string, number>>): number {
  return product(
    expression.split(" * ").map((factor) => {
      const name = /^u64::from\(self\.(\w+)\)$/.exec(factor)?.[1];
      return name === undefined ? Number(/^(\d+)u64$/.exec(factor)?.[1]) : (dims[name] as number);
    }),
  );
}

const allOf = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map((found) => found.slice(1));
const rustName = (name: string) => (["type", "self", "loop"].includes(name) ? `${name}_` : name);

describe.each(kernels.map((kernel) => [`${kernel.name} for ${kernel.manifest.target}`, kernel] as const))(
  "%s",
  (_, kernel) => {
    const { bindings, uniforms, dims, dispatch, overrides, requiredFeatures, requiredLimits } = kernel.manifest;
    const { variants = [] } = kernel.manifest;
    const strides = bindings.map(({ stride }, i) => Math.max(stride, ...variants.map((one) => one.strides[i] ?? 0)));
    const text = emitRust([kernel], "f.tir");
    const [wgsl = "", after = ""] = text.split('WGSL: &str = r#"')[1]?.split('"#;\n') ?? [];

    test("has the WGSL and a module of the kernel's name", () => {
      expect(wgsl).toBe(kernel.wgsl);
      expect(text).toContain(`pub mod ${rustName(kernel.name)} {`);
    });

    test("has the entries of the layout", () => {
      const entries = allOf(after, /entry\((\d+), wgpu::BufferBindingType::(.*), (\d+)\),/g);
      expect(entries).toEqual([
        ...bindings.map(({ binding, access }, i) => {
          return [`${binding}`, `Storage { read_only: ${access === "read"} }`, `${Math.max(4, strides[i] ?? 0)}`];
        }),
        ...(uniforms ? [[`${uniforms.binding}`, "Uniform", `${uniforms.size}`]] : []),
      ]);
      expect(after).toContain(`[wgpu::BindGroupLayoutEntry; ${entries.length}]`);
      expect(after).toContain(`[wgpu::BindingResource<'_>; ${entries.length}]`);
    });

    test("has the fields of the uniform buffer where the kernel reads them", () => {
      const writes = allOf(
        after,
        /bytes\[(\d+)\.\.(\d+)\]\.copy_from_slice\(&(?:u32::from\()?self\.(\w+)\)?\.to_le_bytes/g,
      );
      const fields = (uniforms?.fields ?? []).map(({ name }, i) => [`${4 * i}`, `${4 * i + 4}`, rustName(name)]);
      expect(writes).toEqual(fields);
      const declared = allOf(after, /^ +pub (\w+): (\w+),$/gm);
      const types = {
        f32: "f32",
        f16: "f32",
        bf16: "f32",
        f8e4m3: "f32",
        f8e5m2: "f32",
        i32: "i32",
        u32: "u32",
        i8: "i32",
        u8: "u32",
        bool: "bool",
      } as const;
      const scalars = (uniforms?.fields ?? []).filter(({ kind }) => kind === "scalar");
      expect(declared).toEqual([
        ...dims.map(({ name }) => [name, "u32"]),
        ...scalars.map(({ name, element }) => [rustName(name), types[element]]),
      ]);
    });

    test("counts bytes and workgroups as the launcher does", () => {
      const sizes = allOf(after, /\((.*) \* (\d)\)\.div_ceil\(4\)\.max\((\d+)\) \* 4, \/\/ (\w+)/g);
      expect(sizes.map(([, , , name]) => name)).toEqual(bindings.map(({ name }) => name));
      const counted =
        /rows: u64 = (.*);\n.*rows\.div_ceil\((?:(\d+)|\[([\d, ]+)\]\[self\.entry\(\)\])\)(\.max\(1\))?;/g;
      const [[rows = "", one, several = "", least] = []] = allOf(after, counted);
      const per = one === undefined ? several.split(", ") : [one];
      const names = allOf(after, /ENTRY_POINTS: \[&str; \d\] = \[(.*)\]/g)[0]?.[0]?.split(", ") ?? [];
      const choices = allOf(after, /if (.*) > 0 && self\.(\w+) >= (\d+) && self\.\w+ % (\d+) == 0 \{\s+return (\d);/g);
      expect(choices).toHaveLength(variants.length);
      for (const extent of [0, 1, 3, 255, 256, 70000]) {
        const extents = Object.fromEntries(dims.map(({ name }, i) => [name, extent + i]));
        const shapeOf = (shape: readonly (number | string)[]) =>
          shape.map((dim) => (typeof dim === "number" ? dim : (extents[dim] as number)));
        for (const [i, binding] of bindings.entries()) {
          const [expression = "", bytes, most] = sizes[i] as string[];
          expect(Number(bytes)).toBe(binding.element === "f16" ? 2 : 4);
          const words = Math.max(Number(most), Math.ceil((evaluate(expression, extents) * Number(bytes)) / 4));
          expect(4 * words).toBe(boundSize(binding.element, strides[i] as number, product(shapeOf(binding.shape))));
        }
        const taken = choices.find(([rows = "", dim = "", atLeast, multipleOf]) => {
          const own = extents[dim] as number;
          return evaluate(rows, extents) > 0 && own >= Number(atLeast) && own % Number(multipleOf) === 0;
        });
        const entry = Number(taken?.[4] ?? 0);
        const count = Math.max(least ? 1 : 0, Math.ceil(evaluate(rows, extents) / Number(per[entry])));
        const y = Math.max(1, Math.ceil(count / 65535));
        const workgroups = [Math.ceil(count / y), y];
        const wanted = product(shapeOf(dispatch.rows));
        const manifest = compact(kernel.manifest);
        const own = entryFor(manifest, wanted, (dim) => extents[dim] as number);
        expect(names[entry]).toBe(`"${own?.entryPoint ?? "main"}"`);
        expect(workgroups).toEqual(workgroupsOf(own ?? dispatch, wanted));
      }
    });

    test("asks for what the kernel needs, and makes constants of extents", () => {
      const features = allOf(after, /wgpu::Features::([A-Z]\w+)/g).flat();
      const names: Record<string, string> = { subgroups: "SUBGROUP", "shader-f16": "SHADER_F16" };
      expect(features).toEqual(requiredFeatures.map((feature) => names[feature]));
      const limits = allOf(after, /limits\.(\w+) = limits\.\w+\.max\((\d+)\);/g);
      const camel = (name = "") => name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
      expect(limits.map(([name, value]) => [camel(name), Number(value)])).toEqual(Object.entries(requiredLimits));
      const replaced = allOf(after, /\.replace\("(.*?)", &format!\("(.*?)", self\.(\w+)\)\)/g);
      expect(replaced.map(([, , dim]) => dim)).toEqual(overrides.map(({ dim }) => dim));
      for (const [from = "", to = ""] of replaced) {
        expect(kernel.wgsl.split(from)).toHaveLength(2);
        expect(to).toMatch(/^const dim_k: u32 = \{\}u;$/);
      }
      expect(after.includes("parameters: &Parameters) -> Self")).toBe(overrides.length > 0);
    });
  },
);

test("some of these kernels have constants, features, scalars, entry points, and one has none", () => {
  const manifests = kernels.map(({ manifest }) => manifest);
  expect(manifests.some(({ overrides }) => overrides.length > 0)).toBe(true);
  expect(manifests.some(({ variants }) => variants !== undefined)).toBe(true);
  expect(new Set(manifests.flatMap(({ requiredFeatures }) => requiredFeatures))).toEqual(
    new Set(["shader-f16", "subgroups"]),
  );
});

describe.each(["channel-statistics", "llama-block", "mean-loss"])("the plan %s", (name) => {
  const { plans, kernels } = compile(parse(readFileSync(`examples/plans/${name}.tir`, "utf8")));
  const plan = planManifest(plans[0] as Plan);
  const text = emitRust([{ plan, kernels }], name);
  const [, after = ""] = text.split(`pub mod ${plan.name} {`);
  const dims = plan.dims.map((dim) => dim.name);
  /** The extents that Rust computes for these. */
  const extentsIn = (given: Readonly<Record<string, number>>) => {
    const all: Record<string, number> = { ...given };
    const derived = /fn extent_(\w+)\(&self\) -> u32 \{\s+(.*)\n/g;
    for (const [own = "", body = ""] of text.includes("extent_") ? allOf(after, derived) : []) {
      const [, of = "", by = "", least, most] =
        /^(.*)\.div_ceil\((.*?)\)(?:\.max\((\d+)\))?(?:\.min\((\d+)\))?$/.exec(body) ?? [];
      const read = (part: string) => {
        const found = /^self\.(?:extent_)?(\w+?)(?:\(\))?$/.exec(part)?.[1];
        return found === undefined ? Number.parseInt(part, 10) : (all[found] as number);
      };
      const count = Math.max(Number(least ?? 0), Math.ceil(read(of) / read(by)));
      all[own] = Math.min(Number(most ?? Infinity), count);
    }
    return all;
  };
  /** Bytes that a line of Rust says: the most of its terms. */
  const bytesIn = (line: string, extents: Readonly<Record<string, number>>) => {
    const terms = allOf(line, /\(([^()]*(?:\([^()]*(?:\(\))?\)[^()]*)*) \* (\d)\)\.div_ceil\(4\)\.max\((\d+)\) \* 4/g);
    const plain = terms.map(([shape = "", bytes, least]) => {
      const words = evaluate(shape.replace(/self\.extent_(\w+)\(\)/g, "self.$1"), extents) * Number(bytes);
      return 4 * Math.max(Number(least), Math.ceil(words / 4));
    });
    return Math.max(...plain);
  };
  const linesOf = (method: string) =>
    after
      .split(`pub fn ${method}(&self)`)[1]
      ?.split("}\n")[0]
      ?.match(/.*\/\/ .*/g) ?? [];

  test("derives extents, and counts bytes, as the launcher does", () => {
    for (const extent of [1, 7, 300, 65537]) {
      const given = Object.fromEntries(dims.map((dim) => [dim, extent]));
      const extents = extentsIn(given);
      expect(extents).toEqual({ ...planExtents(plan.extents, given) });
      const needs = ({ element, shape }: (typeof plan.buffers)[number]) =>
        boundSize(element, 4, product(shape.map((dim) => (typeof dim === "number" ? dim : (extents[dim] as number)))));
      for (const line of linesOf("sizes")) {
        const buffer = plan.buffers.find((one) => line.endsWith(`// ${one.name}`)) as (typeof plan.buffers)[number];
        expect([needs(buffer), Math.max(16, needs(buffer))]).toContain(bytesIn(line, extents));
      }
      for (const [slot, line] of linesOf("places").entries()) {
        const there = plan.buffers.filter((one) => one.slot === slot);
        const most = Math.max(...there.map(needs));
        expect([most, Math.max(16, most)]).toContain(bytesIn(line, extents));
        expect(line.split("// ")[1]).toBe(there.map((one) => one.name).join(", "));
      }
    }
    const given = plan.buffers.filter(({ kind }) => kind !== "intermediate");
    expect(
      linesOf("sizes")
        .map((line) => line.split("// ")[1])
        .sort(),
    ).toEqual(given.map((one) => one.name).sort());
    expect(linesOf("places")).toHaveLength(new Set(plan.buffers.map(({ slot }) => slot)).size - 1);
  });

  test("launches the kernels in order, with the buffers of the plan", () => {
    const slotOf = (name = "") => {
      const { slot, kind } = plan.buffers.find((one) => one.name === name) ?? {};
      return kind === "intermediate" ? `places[${slot}]` : `buffers.${name}`;
    };
    const wanted = plan.steps.flatMap((step): string[][] => {
      if ("opaque" in step) {
        const views = [...Object.values(step.reads), ...Object.values(step.writes)];
        return [[step.name, ...views.map(({ buffer }) => slotOf(buffer))]];
      }
      if (!("launch" in step)) return [];
      const { manifest } = kernels.find((kernel) => kernel.name === step.launch) as Kernel;
      const bound = manifest.bindings.map(({ name, access }) => (access === "read" ? step.reads : step.writes)[name]);
      return [[step.launch, ...bound.map(slotOf), ...(manifest.uniforms ? ["uniforms"] : [])]];
    });
    const steps = after.split("pub fn encode(")[1] ?? "";
    const launched = /self\.(\w+)\.bind\(device, \[(.*)\]\)|products\(encoder, &products::Product \{([\s\S]*?)\}\);/g;
    const got = [...steps.matchAll(launched)].map(([, kernel, list = "", filled = ""]) => {
      if (kernel !== undefined)
        return [kernel, ...list.split(", ").map((one) => one.replace(".as_entire_binding()", ""))];
      const name = / name: "(\w+)",\n +attributes/.exec(filled)?.[1];
      return [name, ...allOf(filled, /buffer: &?([\w.[\]]+)/g).flat()];
    });
    expect(got).toEqual(wanted);
  });
});

/** Kernels rewritten to expose what a driver would hide: other subgroup sizes, workgroup memory that is not zero. */

import type { Kernel } from "../../src/target/manifest.ts";

const start = /(fn main\([^)]*\)[^{]*\{\n)/;

/** The variables that a kernel declares in workgroup memory. */
export function workgroupArrays(wgsl: string): { name: string; type: string; count: number }[] {
  return [...wgsl.matchAll(/var<workgroup> (\w+): array<(\w+), (\d+)>;/g)].map(([, name, type, count]) => {
    return { name: name as string, type: type as string, count: Number(count) };
  });
}

/**
 * The kernel on memory that holds something else than the zeros which WGSL promises, and which not every driver writes:
 * what reads before it writes gives other results.
 */
export function onDirtyMemory(kernel: Kernel): Kernel {
  const writes = workgroupArrays(kernel.wgsl).map(({ name, type, count }) => {
    const garbage = /^(i32|u32)$/.test(type) ? `${type}(1234567)` : `${type}(1.5e30)`;
    const size = kernel.manifest.workgroupSize[0];
    return `  for (var dirty = local; dirty < ${count}u; dirty += ${size}u) { ${name}[dirty] = ${garbage}; }\n`;
  });
  if (writes.length === 0) throw new Error("the kernel has no workgroup memory");
  return { ...kernel, wgsl: kernel.wgsl.replace(start, `$1${writes.join("")}  workgroupBarrier();\n`) };
}

/** The type of a variable whose first value is a vector or what a function returns, or `element`. */
function typeIn(wgsl: string, name: string, element: string): string {
  const maker = new RegExp(`var ${name} = (?:select\\()?(\\w+)\\(`).exec(wgsl)?.[1] ?? "";
  if (/^vec\d[fiu]$/.test(maker)) return maker;
  return new RegExp(`fn ${maker}\\([^)]*\\) -> (\\w+)`).exec(wgsl)?.[1] ?? element;
}

/**
 * The kernel with its subgroup shuffles done through workgroup memory, so that one compiled for subgroups of any size runs
 * on a device whose subgroups have another.
 * @param element of states that are numbers.
 */
export function withoutSubgroups(kernel: Kernel, element: "f32" | "i32"): Kernel {
  const size = kernel.manifest.workgroupSize[0];
  const used = new Set<string>();
  const masks = { X: 1, Y: 2, Diagonal: 3 };
  const shuffles = kernel.wgsl.replace(
    /quadSwap(X|Y|Diagonal)\((\w+)\)/g,
    (_, which: keyof typeof masks, name: string) => `subgroupShuffleXor(${name}, ${masks[which]}u)`,
  );
  const shuffled = shuffles.replace(/subgroupShuffleXor\((\w+)/g, (_, name: string) => {
    const type = typeIn(kernel.wgsl, name, element);
    used.add(type);
    return `shuffle_${type}(${name}`;
  });
  const library = [...used].map(
    (type) => `var<workgroup> shuffled_${type}: array<${type}, ${size}>;
fn shuffle_${type}(value: ${type}, mask: u32) -> ${type} {
  shuffled_${type}[own_lane] = value;
  workgroupBarrier();
  let other = shuffled_${type}[own_lane ^ mask];
  workgroupBarrier();
  return other;
}
`,
  );
  const wgsl = shuffled
    .replace("enable subgroups;\n", "")
    .replace(/(\n@compute)/, `\nvar<private> own_lane: u32;\n${library.join("")}$1`)
    .replace(start, "$1  own_lane = local;\n");
  const { requiredSubgroupSize: _, ...manifest } = kernel.manifest;
  const requiredFeatures = manifest.requiredFeatures.filter((feature) => feature !== "subgroups");
  return { ...kernel, wgsl, manifest: { ...manifest, requiredFeatures } };
}

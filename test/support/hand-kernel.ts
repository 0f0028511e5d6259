/** Kernels written by hand, with their manifests: what the runtime and the checkers are tested with. */

import type { Dim, ElementType } from "../../src/ir/types.ts";
import type { Binding, Kernel, Manifest } from "../../src/target/manifest.ts";

type Described = Partial<Omit<Manifest, "bindings">> & {
  /** `name: [element type, shape]`; f16 is packed two in a u32. */
  readonly inputs?: Readonly<Record<string, readonly [ElementType, readonly Dim[]]>>;
  readonly outputs: Readonly<Record<string, readonly [ElementType, readonly Dim[]]>>;
  /** Inputs that the kernel does not read. */
  readonly unread?: readonly string[];
};

const storageOf = {
  f32: "f32",
  f16: "f16x2",
  bf16: "bf16x2",
  i32: "i32",
  u32: "u32",
  f8e4m3: "f8e4m3x4",
  f8e5m2: "f8e5m2x4",
  i8: "i8x4",
  u8: "u8x4",
  bool: "u32",
} as const;

/** A kernel called `hand` with bindings numbered from 0, inputs first; the entry point is `main`. */
export function handKernel(wgsl: string, { inputs = {}, outputs, unread = [], ...rest }: Described): Kernel {
  const bindings: Binding[] = [
    ...Object.entries(inputs).map((entry) => [...entry, "read"] as const),
    ...Object.entries(outputs).map((entry) => [...entry, "read_write"] as const),
  ].map(([name, [element, shape], access], binding) => {
    const storage = storageOf[element];
    return {
      binding,
      name,
      access,
      element,
      shape,
      storage,
      variable: name,
      stride: element === "f16" && storage !== "f16x2" ? 2 : 4,
      ...(unread.includes(name) && { reads: [] }),
    };
  });
  const manifest: Manifest = {
    version: 1,
    entryPoint: "main",
    workgroupSize: [64, 1, 1],
    dims: [],
    overrides: [],
    dispatch: { rows: [1], columns: [], rowsPerWorkgroup: 1 },
    requiredFeatures: [],
    requiredLimits: {},
    target: "portable",
    kind: "gpu",
    ...rest,
    bindings,
  };
  return { name: "hand", wgsl, manifest };
}

/** Row sums with a tree in workgroup memory: a row a workgroup, `columns` an override, `rows` a uniform. */
export const rowSum: Kernel = handKernel(
  `@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
struct Dimensions { rows: u32 }
@group(0) @binding(2) var<uniform> dimensions: Dimensions;
override columns: u32;
const lanes = 16u;
var<workgroup> partial: array<f32, lanes>;

fn sum(value: f32, lane: u32) -> f32 {
  partial[lane] = value;
  workgroupBarrier();
  for (var step = lanes / 2u; step > 0u; step = step / 2u) {
    if (lane < step) {
      partial[lane] = partial[lane] + partial[lane + step];
    }
    workgroupBarrier();
  }
  let total = partial[0];
  workgroupBarrier();
  return total;
}

@compute @workgroup_size(lanes)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let row = group.x + group.y * groups.x;
  if (row >= dimensions.rows) {
    return;
  }
  var value = 0.0;
  for (var column = lane; column < columns; column += lanes) {
    value += x[row * columns + column];
  }
  let total = sum(value, lane);
  let again = sum(value, lane);
  if (lane == 0u) {
    y[row] = 0.5 * (total + again);
  }
}
`,
  {
    inputs: { x: ["f32", ["rows", "columns"]] },
    outputs: { y: ["f32", ["rows"]] },
    workgroupSize: [16, 1, 1],
    dims: [
      { name: "rows", binding: "uniform" },
      { name: "columns", binding: "override" },
    ],
    uniforms: { binding: 2, fields: [{ kind: "dim", name: "rows", element: "u32" }], size: 16 },
    overrides: [{ dim: "columns", constant: "columns" }],
    dispatch: { rows: ["rows"], columns: ["columns"], rowsPerWorkgroup: 1 },
  },
);

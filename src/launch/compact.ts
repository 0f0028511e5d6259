/** A manifest as modules carry it: in a tenth of the text, without what is the same for all kernels. */

import type { LaunchBinding, LaunchElement, LaunchManifest, UniformField } from "./manifest.ts";

/** `variable` is `in_` or `out_` before the name; storage is the element unless it is said. */
export type CompactBinding = readonly [
  name: string,
  element: LaunchElement,
  shape: LaunchBinding["shape"],
  stride: number,
  storage?: LaunchBinding["storage"] | 0,
  mayAlias?: readonly string[] | 0,
  constant?: 1,
];

/** A dimension, or a scalar if there is an element type. */
export type CompactUniform = readonly [name: string, element?: LaunchElement, constant?: 1];

/** What is left out is empty. */
export interface CompactManifest {
  readonly reads?: readonly CompactBinding[];
  readonly writes?: readonly CompactBinding[];
  readonly dims?: readonly string[];
  readonly uniforms?: readonly CompactUniform[];
  /** Dimensions that are pipeline constants. */
  readonly overrides?: readonly string[];
  readonly rows?: LaunchManifest["dispatch"]["rows"];
  readonly columns?: LaunchManifest["dispatch"]["columns"];
  readonly rowsPerWorkgroup?: number;
  readonly atLeastOne?: 1;
  readonly features?: readonly string[];
  readonly limits?: Readonly<Record<string, number>>;
  readonly subgroup?: number;
  readonly kind?: "cpu" | "gpu";
}

/** What a launcher reads. */
export function expand(given: CompactManifest): LaunchManifest {
  const { reads = [], writes = [], dims = [], uniforms = [], overrides = [], rows = [], columns = [] } = given;
  const { rowsPerWorkgroup = 1, atLeastOne, features = [], limits = {}, subgroup, kind } = given;
  const bindings = [...reads, ...writes].map((one, binding): LaunchBinding => {
    const [name, element, shape, stride, storage, mayAlias, constant] = one;
    const isRead = binding < reads.length;
    return {
      ...{ binding, name, access: isRead ? "read" : "read_write", element, shape, stride },
      storage: storage || (element === "bool" ? "u32" : element),
      variable: `${isRead ? "in" : "out"}_${name}`,
      ...(mayAlias && { mayAlias }),
      ...(constant && { constant: true }),
    };
  });
  const fields = uniforms.map(([name, element, constant]): UniformField => {
    const kind = element ? "scalar" : "dim";
    return { kind, name, element: element ?? "u32", ...(constant && { constant: true }) };
  });
  return {
    ...{ entryPoint: "main", bindings, dims: dims.map((name) => ({ name })) },
    ...(fields.length > 0 && {
      uniforms: { binding: bindings.length, fields, size: Math.ceil(fields.length / 4) * 16 },
    }),
    overrides: overrides.map((dim) => ({ dim, constant: `dim_${dim}` })),
    dispatch: { rows, columns, rowsPerWorkgroup, ...(atLeastOne && { atLeastOne: true }) },
    ...{ requiredFeatures: features, requiredLimits: limits },
    ...(subgroup && { requiredSubgroupSize: subgroup }),
    ...(kind && { kind }),
  };
}

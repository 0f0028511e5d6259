/** Conversion of manifests to the compact form of modules and the launcher, and back. */

import { storageOf } from "../kernel/buffer.ts";
import type { CompactBinding, CompactManifest, CompactUniform, CompactVariant } from "../launch/compact.ts";
import type { LaunchBinding, LaunchDispatch, LaunchManifest, LaunchVariant, UniformField } from "../launch/manifest.ts";
import { uniformWords } from "../launch/tensors.ts";

/** A binding in compact form, without trailing zeros. */
function compactBinding({ name, element, shape, mayAlias, constant, reads }: LaunchBinding): CompactBinding {
  const unread = reads?.length === 0 ? 1 : 0;
  const all = [name, shape, mayAlias ?? 0, element === "f32" ? 0 : element, constant ? 1 : 0, unread];
  while (all.at(-1) === 0) all.pop();
  return all as unknown as CompactBinding;
}

function compactUniform({ kind, name, element, constant }: UniformField): CompactUniform {
  if (kind === "dim") return name;
  return constant ? [name, element, 1] : [name, element];
}

const compactVariant = (one: LaunchVariant): CompactVariant => {
  return [one.dim, one.multipleOf, one.atLeast, one.rowsPerWorkgroup, one.strides];
};

const readVariant = ([dim, multipleOf, atLeast, rowsPerWorkgroup, strides]: CompactVariant): LaunchVariant => {
  return { entryPoint: `main_x${multipleOf}`, dim, multipleOf, atLeast, rowsPerWorkgroup, strides };
};

/** The compact form of a manifest. */
export function compact(manifest: LaunchManifest): CompactManifest {
  const { bindings, uniforms, overrides, dispatch, requiredFeatures, requiredLimits, kind } = manifest;
  const { requiredSubgroupSize: subgroup, variants = [] } = manifest;
  const { rows, rowsPerWorkgroup, atLeastOne } = dispatch;
  const filled = {
    variants: variants.map(compactVariant),
    columns: countedColumns(dispatch),
    overrides: Object.fromEntries(overrides.map(({ dim, constant }) => [constant, dim])),
    needs: {
      ...Object.fromEntries(requiredFeatures.map((feature) => [feature, 1])),
      ...requiredLimits,
      ...(subgroup && { subgroupMinSize: subgroup }),
    },
  };
  return {
    reads: bindings.filter(({ access }) => access === "read").map(compactBinding),
    writes: bindings.filter(({ access }) => access !== "read").map(compactBinding),
    strides: bindings.map(({ stride }) => stride),
    uniforms: uniforms?.fields.map(compactUniform) ?? [],
    ...{ rows, rowsPerWorkgroup },
    ...Object.fromEntries(Object.entries(filled).filter(([, list]) => Object.keys(list).length > 0)),
    ...(atLeastOne && { atLeastOne }),
    ...(variants.length > 0 && { entryPoint: manifest.entryPoint }),
    ...(kind === "cpu" && { cpu: 1 }),
    ...(uniforms?.unread && { unread: 1 }),
  };
}

/** The inverse of `compact`, with the names of variables in generated kernels. */
export function expand(given: CompactManifest): LaunchManifest {
  const { reads, writes, strides, uniforms, overrides = {}, rows, columns = [], rowsPerWorkgroup, atLeastOne } = given;
  const { subgroupMinSize: subgroup, ...needs } = given.needs ?? {};
  const asked = Object.entries(needs);
  const features = asked.filter(([name]) => !isLimit(name)).map(([name]) => name);
  const limits = Object.fromEntries(asked.filter(([name]) => isLimit(name)));
  const bindings = [...reads, ...writes].map((one, binding): LaunchBinding => {
    const [name, shape, mayAlias, given, constant] = one;
    const element = given || "f32";
    const isRead = binding < reads.length;
    return {
      ...{ binding, name, access: isRead ? "read" : "read_write", element, shape },
      stride: strides[binding] as number,
      storage: storageOf(element, features.includes("shader-f16")),
      variable: `${isRead ? "in" : "out"}_${name}`,
      ...(mayAlias && { mayAlias }),
      ...(constant && { constant: true }),
    };
  });
  // The length of a tile is not a dimension of any tensor.
  const named = [
    ...bindings.flatMap(({ shape }) => shape.filter((dim) => typeof dim === "string")),
    ...uniforms.filter((one) => typeof one === "string"),
    ...Object.values(overrides),
  ];
  const fields = uniforms.map((one): UniformField => {
    const [name, element, constant] = typeof one === "string" ? [one] : one;
    const kind = element ? "scalar" : "dim";
    return { kind, name, element: element ?? "u32", ...(constant && { constant: true }) };
  });
  const variants = given.variants?.map(readVariant);
  return {
    ...{
      entryPoint: "main",
      ...(variants?.length && { variants }),
      bindings,
      dims: [...new Set(named)].map((name) => ({ name })),
    },
    ...(fields.length > 0 && {
      uniforms: {
        binding: bindings.length,
        fields,
        size: 4 * uniformWords(uniforms),
        ...(given.unread && { unread: true }),
      },
    }),
    overrides: Object.entries(overrides).map(([constant, dim]) => ({ dim, constant })),
    dispatch: { rows, columns, rowsPerWorkgroup, ...(atLeastOne && { atLeastOne }) },
    ...{ requiredFeatures: features, requiredLimits: limits },
    ...(subgroup && { requiredSubgroupSize: subgroup }),
    kind: given.cpu ? "cpu" : "gpu",
  };
}

/** Whether the name is that of a limit with a minimum. No feature has such a name. */
const isLimit = (name: string) => name.startsWith("max");

/** Throws if a compact manifest has not everything that a launcher reads. */
export function checkCarried(carried: CompactManifest, manifest: LaunchManifest): void {
  const isCarried = inOrder(expand(carried)) === inOrder(launchPart(manifest));
  if (!isCarried) throw new Error("a manifest has something that modules cannot carry");
}

/** The columns that the launcher must count. Known columns are counted when compiling. */
const countedColumns = ({ columns }: LaunchDispatch) => (columns.some((dim) => typeof dim === "string") ? columns : []);

/** The fields that a launcher reads. */
export function launchPart(manifest: LaunchManifest): LaunchManifest {
  const { entryPoint, bindings, dims, uniforms, overrides, dispatch, requiredFeatures, requiredLimits } = manifest;
  const { requiredSubgroupSize, kind, variants } = manifest;
  return {
    ...(variants && {
      variants: variants.map((one) => ({ ...readVariant(compactVariant(one)), entryPoint: one.entryPoint })),
    }),
    ...{
      entryPoint,
      bindings: bindings.map(({ reads: _, ...binding }) => binding),
      dims: dims.map(({ name }) => ({ name })),
      overrides,
    },
    dispatch: { ...dispatch, columns: countedColumns(dispatch) },
    ...{ requiredFeatures, requiredLimits, ...(uniforms && { uniforms }), ...(kind && { kind }) },
    ...(requiredSubgroupSize && { requiredSubgroupSize }),
  };
}

/** A manifest as JSON, independent of the order of dimensions and members. */
const inOrder = (manifest: LaunchManifest): string => {
  const dims = manifest.dims.map(({ name }) => name).sort();
  return JSON.stringify({ ...manifest, dims }, (_, one) =>
    typeof one === "object" && one !== null && !Array.isArray(one)
      ? Object.fromEntries(Object.entries(one).sort(([a], [b]) => (a < b ? -1 : 1)))
      : one,
  );
};

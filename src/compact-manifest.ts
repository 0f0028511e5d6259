/** Manifests as modules carry them; `expand` of src/launch/compact.ts is the way back. */

import { type CompactBinding, type CompactManifest, type CompactUniform, expand } from "./launch/compact.ts";
import type { LaunchBinding, LaunchManifest, UniformField } from "./launch/manifest.ts";

function compactBinding({ name, element, shape, stride, storage, mayAlias, constant }: LaunchBinding): CompactBinding {
  const isUsual = storage === (element === "bool" ? "u32" : element);
  const all = [name, element, shape, stride, isUsual ? 0 : storage, mayAlias ?? 0, constant ? 1 : 0];
  while (all.at(-1) === 0) all.pop();
  return all as unknown as CompactBinding;
}

function compactUniform({ kind, name, element, constant }: UniformField): CompactUniform {
  if (kind === "dim") return [name];
  return constant ? [name, element, 1] : [name, element];
}

/** What a launcher reads of a manifest, without what `expand` knows. */
export function compact(manifest: LaunchManifest): CompactManifest {
  const { bindings, dims, uniforms, overrides, dispatch, requiredFeatures, requiredLimits, kind } = manifest;
  const { requiredSubgroupSize: subgroup } = manifest;
  const { rows, columns, rowsPerWorkgroup, atLeastOne } = dispatch;
  const filled = {
    reads: bindings.filter(({ access }) => access === "read").map(compactBinding),
    writes: bindings.filter(({ access }) => access !== "read").map(compactBinding),
    dims: dims.map(({ name }) => name),
    uniforms: uniforms?.fields.map(compactUniform) ?? [],
    overrides: overrides.map(({ dim }) => dim),
    ...{ rows, columns, features: requiredFeatures, limits: requiredLimits },
  };
  const given = Object.fromEntries(Object.entries(filled).filter(([, list]) => Object.keys(list).length > 0));
  return {
    ...given,
    rowsPerWorkgroup,
    ...(atLeastOne && { atLeastOne: 1 }),
    ...(subgroup && { subgroup }),
    ...(kind && { kind }),
  };
}

/** Throws where what a module carries of a manifest is not all that a launcher reads. */
export function checkCarried(carried: CompactManifest, manifest: LaunchManifest): void {
  if (sorted(expand(carried)) !== sorted(launchPart(manifest)))
    throw new Error("a manifest has something that modules cannot carry");
}

/** The fields that a launcher reads. */
export function launchPart(manifest: LaunchManifest): LaunchManifest {
  const { entryPoint, bindings, dims, uniforms, overrides, dispatch, requiredFeatures, requiredLimits } = manifest;
  const { requiredSubgroupSize, kind } = manifest;
  return {
    ...{ entryPoint, bindings, dims: dims.map(({ name }) => ({ name })), overrides, dispatch },
    ...{ requiredFeatures, requiredLimits, ...(uniforms && { uniforms }), ...(kind && { kind }) },
    ...(requiredSubgroupSize && { requiredSubgroupSize }),
  };
}

/** JSON in which the order of members tells nothing. */
const sorted = (value: unknown): string =>
  JSON.stringify(value, (_, one) =>
    typeof one === "object" && one !== null && !Array.isArray(one)
      ? Object.fromEntries(Object.entries(one).sort(([a], [b]) => (a < b ? -1 : 1)))
      : one,
  );

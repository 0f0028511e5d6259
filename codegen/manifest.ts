/** The manifest of a kernel: what a launcher must know, from the program that the WGSL is printed from. */

import type { Buffer } from "../src/kernel/buffer.ts";
import { type Program, sharedBytes } from "../src/kernel/statement.ts";
import { roundUp } from "../src/launch/counts.ts";
import type { LaunchUniforms, UniformField } from "../src/launch/manifest.ts";
import type { Binding, Dispatch, Manifest, Storage } from "../src/target/manifest.ts";
import { defaultLimits, type TargetProfile } from "../src/target/target.ts";
import { arrayStride } from "./buffers.ts";
import type { Printed } from "./print-kernel.ts";

/** Facts about a launch that its program does not contain. */
interface Launched {
  readonly dispatch: Dispatch;
  /** The inputs that are `const`s of the module, by name. */
  readonly constants?: ReadonlySet<string>;
  /** For each result, the inputs that it may overwrite. */
  readonly aliases?: ReadonlyMap<string, readonly string[]>;
  /** The lanes that reduce by subgroup operations, if the device chooses its subgroup size. */
  readonly subgroup?: number;
}

/** The features of a device that extensions of WGSL need. */
const featureOf: Readonly<Record<string, string>> = {
  f16: "shader-f16",
  subgroups: "subgroups",
  subgroup_size_control: "subgroup-size-control",
};

/** The name of a tensor's or a scalar's variable in the kernel. */
export const variableOf = (name: string, access: Buffer["access"]) => `${access === "read" ? "in" : "out"}_${name}`;
const nameOf = ({ wgsl }: Buffer) => wgsl.replace(/^(in|out)_/, "");

/** The tensors of a program, in the order of their bindings. */
export const tensorsOf = ({ buffers }: Pick<Program, "buffers">) =>
  buffers.filter(({ storage }) => storage !== "uniform");

/** @param programs the entry points, the main one first. */
export function manifestOf(
  programs: readonly [Program, ...Program[]],
  printed: Printed,
  target: TargetProfile,
  launched: Launched,
): Manifest {
  const [program] = programs;
  const { entryPoint, dims, enables, buffers } = program;
  const { dispatch, constants, aliases, subgroup } = launched;
  const constant = (buffer: Buffer) =>
    buffer.access === "read" && constants?.has(nameOf(buffer)) && { constant: true as const };
  const bindings = tensorsOf(program).map((buffer, binding): Binding => {
    const { wgsl, access, element, shape } = buffer;
    const name = nameOf(buffer);
    const mayAlias = access === "read" ? undefined : aliases?.get(name);
    return {
      ...{ binding, name, access, ...constant(buffer), element, shape, storage: buffer.storage as Storage },
      ...{ variable: wgsl, stride: arrayStride(buffer), ...(mayAlias && { mayAlias }) },
      ...(access === "read" && { reads: printed.reads.get(wgsl) ?? [] }),
    };
  });
  const overrides = dims.filter(({ isOverride }) => isOverride);
  const scalars = buffers.filter(({ storage }) => storage === "uniform");
  const fields: UniformField[] = [
    ...dims.flatMap(({ name, isOverride }) =>
      isOverride ? [] : [{ kind: "dim" as const, name, element: "u32" as const }],
    ),
    ...scalars.map((one) => ({ kind: "scalar" as const, name: nameOf(one), element: one.element, ...constant(one) })),
  ];
  return {
    version: 1,
    entryPoint,
    workgroupSize: [program.workgroupSize, 1, 1],
    bindings,
    dims: dims.map(({ name, isOverride }) => ({ name, binding: isOverride ? "override" : "uniform" })),
    ...(fields.length > 0 && { uniforms: uniformsOf(bindings.length, fields, printed) }),
    overrides: overrides.map(({ name }) => ({ dim: name, constant: `dim_${name}` })),
    dispatch,
    requiredFeatures: enables.map((name) => featureOf[name] as string),
    requiredLimits: limitsOf(programs, bindings.length),
    ...(subgroup !== undefined && { requiredSubgroupSize: subgroup }),
    target: target.name,
    kind: target.kind,
  };
}

/** The uniform buffer of these fields. @param printed whether the kernel's text reads it. */
function uniformsOf(binding: number, fields: readonly UniformField[], { readsUniforms }: Printed): LaunchUniforms {
  const size = roundUp(fields.length * 4, 16);
  return { binding, fields, size, ...(!readsUniforms && { unread: true }) };
}

/** The limits that a kernel needs beyond those that every device has. @param programs its entry points. */
function limitsOf(programs: readonly Program[], buffers: number): Manifest["requiredLimits"] {
  const most = (numberOf: (program: Program) => number) => Math.max(...programs.map(numberOf));
  const workgroup = most((program) => program.workgroupSize);
  const needed = {
    maxStorageBuffersPerShaderStage: buffers,
    maxComputeInvocationsPerWorkgroup: workgroup,
    maxComputeWorkgroupSizeX: workgroup,
    maxComputeWorkgroupStorageSize: most(sharedBytes),
  };
  const isMore = ([name, number]: [string, number]) => number > defaultLimits[name as keyof typeof needed];
  return Object.fromEntries(Object.entries(needed).filter(isMore));
}

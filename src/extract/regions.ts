/**
 * Finds the regions of a model that become kernels.
 *
 * - stream: the input of a norm, and everything that elementwise ops compute from it and from the norm's result.
 * - region: a norm and ops of its stream. It grows op by op, first backwards to the sums before the norm, then forwards, as
 *   long as a single kernel can compute it.
 *
 * The boundaries of a region are tensors of the model, so that it can replace nodes; its results have the same names and
 * values as in the model.
 */

import { builtins } from "../../passes/index.ts";
import * as normWarnings from "../diagnostics/areas/norms.ts";
import { type Diagnostic, TircError } from "../diagnostics/diagnostic.ts";
import { progress } from "../diagnostics/progress.ts";
import { compile } from "../driver/compile.ts";
import { tensorsIn } from "../driver/model-tensors.ts";
import { Copies } from "../ir/builder.ts";
import { FreshNames } from "../ir/fresh-names.ts";
import {
  type Fn,
  isLeaf,
  isOp,
  type Module,
  makeFn,
  makeModule,
  type Op,
  presentOperands,
  type Value,
} from "../ir/ir.ts";
import { isNorm } from "../ir/op-kinds.ts";
import type { Imported } from "../onnx/import.ts";
import type { OnnxModel } from "../onnx/model.ts";
import { PassManager } from "../pass-manager/pass-manager.ts";
import type { Kernel } from "../target/manifest.ts";
import { portableTarget, type TargetProfile } from "../target/target.ts";
import { Dataflow, type Step } from "./dataflow.ts";
import { Growth, type Part } from "./growth.ts";

/** `inputs` and `outputs` are tensors of the model, in the order of the function's parameters and results. */
export interface NormRegion extends Step {
  /** The name of the function and its kernel, after the last norm's result. */
  readonly name: string;
  readonly module: Module;
  readonly kernel: Kernel;
  /** The tensors of the model that are constants of the kernel, by their names there. */
  readonly weights: ReadonlyMap<string, string>;
}

interface NormRegions {
  /** In program order. */
  readonly regions: readonly NormRegion[];
  /** The norms without a kernel, and why: R0602. */
  readonly refused: readonly { readonly tensors: readonly string[]; readonly warning: Diagnostic }[];
}

export function normRegions(model: OnnxModel, imported: Imported, target: TargetProfile = portableTarget): NormRegions {
  const { module, history } = new PassManager("raise-norms,canonicalize,cse,dce", { builtins }).run(imported.module);
  const regions: NormRegion[] = [];
  const refused: NormRegions["refused"][number][] = [];
  const flow = new Dataflow(model);
  for (const fn of module.fns) {
    const tensors = tensorsIn(fn, imported, history);
    const nameOf = (value: Value) => imported.names.get(tensors.get(value) ?? "");
    const growth = new Growth(fn, tensors, flow, target.limits.maxStorageBuffersPerShaderStage);
    for (const norm of fn.ops.filter(isNorm)) {
      if (growth.isTaken(norm)) continue;
      progress(() => `kernel of ${norm.name}: ${regions.length + refused.length + 1}`);
      const parts = growth.of(norm, regions);
      const found = typeof parts === "string" ? parts : largest(parts, norm, { module, regions, target, nameOf });
      if (typeof found === "string") {
        const tensor = tensors.get(norm.result);
        const warning = normWarnings.noKernel(norm.span, `\`${nameOf(norm.result) ?? norm.name}\``, found);
        refused.push({ tensors: tensor === undefined ? [] : [tensor], warning });
        continue;
      }
      growth.take(found.part);
      const weights = weightsOf(found.program, model);
      const { program, kernel } = found;
      regions.push({ ...growth.stepOf(found.part), name: kernel.name, module: program, kernel, weights });
    }
  }
  return { regions, refused };
}

interface Around {
  readonly module: Module;
  readonly regions: readonly NormRegion[];
  readonly target: TargetProfile;
  /** The name in the program of a value that is a tensor of the model. */
  readonly nameOf: (value: Value) => string | undefined;
}

/** The largest region that code generation accepts, or why it does not even accept the norm. */
function largest(parts: readonly Part[], norm: Op, { module, regions, target, nameOf }: Around) {
  let why = "";
  for (const part of parts.toReversed()) {
    const last = part.ops.findLast(isNorm) as Op;
    // The name `plan` is that of `plan.json`.
    const name = new FreshNames(["plan", ...regions.map(({ name }) => name)]).next(nameOf(last.result) ?? "norm");
    const program = makeModule(
      [functionOf(name, part, norm, nameOf)],
      module.consts.filter(({ name }) => readBy(part).has(name)),
    );
    const kernel = kernelOf(program, target);
    if (typeof kernel !== "string") return { part, program, kernel };
    why = kernel;
  }
  return why;
}

/** The kernel of a program with one function, or why there is none. */
function kernelOf(program: Module, target: TargetProfile): Kernel | string {
  try {
    // A centering that is folded into a constant would need a tensor that the model does not have.
    return compile(program, { target, disabled: ["eliminate-centering"], singleKernel: true }).kernels[0] as Kernel;
  } catch (caught) {
    if (!(caught instanceof TircError)) throw caught;
    return caught.diagnostics[0]?.message ?? "";
  }
}

const readBy = ({ ops }: Part) =>
  new Set(ops.flatMap(presentOperands).flatMap(({ def }) => (isOp(def, "global") ? [def.attributes.name] : [])));

function functionOf(name: string, { ops, params, results }: Part, norm: Op, nameOf: Around["nameOf"]): Fn {
  const now = new Copies();
  const parameters = params.map((value) => now.param(value, { name: nameOf(value) }));
  const body: Op[] = [];
  for (const op of ops) {
    for (const value of presentOperands(op)) {
      if (value.def === undefined || !isLeaf(value.def) || now.has(value)) continue;
      body.push(now.record(value.def, value.def));
    }
    body.push(now.op(op, { kernel: undefined }));
  }
  const returned = results.map((value) => ({ name: nameOf(value) as string, value: now.of(value) }));
  return makeFn({ name, params: parameters, ops: body, results: returned, span: norm.span });
}

function weightsOf({ consts }: Module, model: OnnxModel): ReadonlyMap<string, string> {
  return new Map(
    consts.flatMap(({ name, data }) => {
      const written = data.kind === "load" ? data.tensor : undefined;
      const tensor = written === undefined ? undefined : model.tensorWritten(written);
      return tensor === undefined ? [] : [[name, tensor] as const];
    }),
  );
}

/** Runs kernels lane by lane, without a device. */

import { elementCount } from "../../src/ir/tensor.ts";
import { interpretProgram } from "../../src/kernel/interpret.ts";
import type { Program, Statement } from "../../src/kernel/statement.ts";
import { workgroupsOf } from "../../src/launch/counts.ts";
import { type Dims, extents } from "../../src/runtime/bind-inputs.ts";
import { fromNumbers, type HostTensor, toNumbers } from "../../src/runtime/host-tensor.ts";
import { type Kernel, type Parameter, parametersOf } from "../../src/target/manifest.ts";
import { normal, random } from "./oracle.ts";

/** The results of a kernel by name, and its errors. */
interface ProgramRun {
  readonly outputs: Readonly<Record<string, HostTensor>>;
  readonly faults: readonly string[];
}

interface RunOptions {
  /** By name; random numbers by default. */
  readonly inputs?: Readonly<Record<string, HostTensor>>;
  /** Workgroups to run at most: the first ones, and the last. */
  readonly most?: number;
}

/** @param kernel whose program it is, or was before it was changed. */
export function runProgram(
  { manifest }: Kernel,
  program: Program,
  dims: Dims,
  { inputs = {}, most = Infinity }: RunOptions = {},
): ProgramRun {
  const { bindings, dispatch } = manifest;
  const next = random(1);
  const numbersOf = (binding: Parameter): ArrayLike<number> => {
    const given = inputs[binding.name];
    if (given !== undefined) return toNumbers(given);
    const count = elementCount(extents(binding.shape, dims));
    return Float64Array.from({ length: count }, () => usual(binding, next));
  };
  const numbers = new Map(parametersOf(manifest).map((binding) => [`in_${binding.name}`, numbersOf(binding)]));
  const [x, y] = workgroupsOf(dispatch, elementCount(extents(dispatch.rows, dims)));
  const all = Array.from({ length: x * y }, (_, group) => group);
  const groups = all.filter((group) => group < most - 1 || group === all.length - 1);
  const { outputs, faults } = interpretProgram(program, numbers, dims, groups);
  const tensors = bindings
    .filter(({ access }) => access === "read_write")
    .map(({ name, element, shape }) => {
      return [name, fromNumbers(element, extents(shape, dims), numbersIn(outputs.get(`out_${name}`)))] as const;
    });
  return { outputs: Object.fromEntries(tensors), faults };
}

/** NaN where nothing was stored. */
const numbersIn = (stored: readonly (number | undefined)[] = []) => Float64Array.from(stored, (one) => one ?? NaN);

function usual({ element }: Parameter, next: () => number): number {
  if (element === "f32" || element === "f16") return Math.fround(normal(next));
  return Math.floor(next() * (element === "bool" ? 2 : 20));
}

/** How many barriers the program has. */
export function countBarriers(program: Program): number {
  let count = 0;
  withStatements(program, (statement) => {
    if (statement.kind === "barrier") count++;
    return statement;
  });
  return count;
}

/** The program without its barrier number `index`: broken on purpose. */
export function withoutBarrier(program: Program, index: number): Program {
  let at = 0;
  return withStatements(program, (statement) =>
    statement.kind === "barrier" && at++ === index ? undefined : statement,
  );
}

/** The program with each statement, the inner ones first, as `change` has it, or without it. */
export function withStatements(program: Program, change: (statement: Statement) => Statement | undefined): Program {
  const all = (list: readonly Statement[]): readonly Statement[] =>
    list.flatMap((statement) => {
      const inner = "body" in statement ? { ...statement, body: all(statement.body) } : statement;
      const changed = change(inner);
      return changed === undefined ? [] : [changed];
    });
  return { ...program, body: all(program.body) };
}

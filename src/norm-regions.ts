/**
 * The norms of a program, each as a program of its own with what one kernel computes around it: the sums and activations
 * before it, residuals that are added. What a region makes has the name and the numbers that it has in the whole.
 */

import { copyOp } from "./ir/builder.ts";
import { type Fn, isLeaf, type Module, makeFn, makeModule, type Op, presentOperands, Value } from "./ir/ir.ts";
import { isNorm } from "./norm-records.ts";
import { PassManager } from "./pass-manager/pass-manager.ts";

export interface NormRegion {
  /** That of its function: of what the last of its norms makes. */
  readonly name: string;
  readonly module: Module;
}

/** In the order of the program. What a region takes are the parameters of its one function. */
export function normRegions(module: Module): NormRegion[] {
  const { module: grouped } = new PassManager("raise-norms,canonicalize,cse,dce,fuse-elementwise").run(module);
  const names = new Names();
  return grouped.fns.flatMap((fn) =>
    [...groupsOf(fn)].flatMap((ops): NormRegion[] => {
      const norm = ops.findLast(isNorm);
      if (norm === undefined) return [];
      const name = names.unique(norm.result.name ?? "norm");
      const region = functionOf(name, ops, fn);
      const read = new Set(region.ops.map(({ attributes }) => attributes.name));
      return [
        {
          name,
          module: makeModule(
            [region],
            grouped.consts.filter((constant) => read.has(constant.name)),
          ),
        },
      ];
    }),
  );
}

class Names {
  private readonly taken = new Set<string>();

  unique(hint: string): string {
    let name = hint;
    for (let i = 1; this.taken.has(name); i++) name = `${hint}_${i}`;
    this.taken.add(name);
    return name;
  }
}

function groupsOf(fn: Fn): Iterable<Op[]> {
  const groups = new Map<number, Op[]>();
  for (const op of fn.ops) {
    if (op.kernel === undefined || isLeaf(op)) continue;
    const group = groups.get(op.kernel);
    if (group === undefined) groups.set(op.kernel, [op]);
    else group.push(op);
  }
  return groups.values();
}

/** The ops as a function: its parameters are what they take, its results what others read of what they make. */
function functionOf(name: string, group: readonly Op[], whole: Fn): Fn {
  const inside = new Set(group);
  const names = new Names();
  const now = new Map<Value, Value>();
  const params: Value[] = [];
  const ops: Op[] = [];
  const take = (value: Value): Value => {
    const known = now.get(value);
    if (known !== undefined) return known;
    if (value.def !== undefined && isLeaf(value.def)) {
      ops.push(value.def);
      now.set(value, value);
      return value;
    }
    const param = new Value(value.type, names.unique(value.name ?? "x"), value.span, undefined, 0, value.centered);
    params.push(param);
    now.set(value, param);
    return param;
  };
  for (const op of group) {
    const operands = op.operands.map((operand) => operand && take(operand));
    const copy = copyOp(op, { operands, kernel: undefined });
    ops.push(copy);
    for (const [i, result] of op.results.entries()) now.set(result, copy.results[i] as Value);
  }
  const readElsewhere = new Set([
    ...whole.ops.filter((op) => !inside.has(op)).flatMap(presentOperands),
    ...whole.results.map(({ value }) => value),
  ]);
  const made = group.flatMap((op) => op.results).filter((value) => readElsewhere.has(value));
  const results = made.map((value) => ({ name: names.unique(value.name ?? "y"), value: now.get(value) as Value }));
  return makeFn({ name, params, ops, results, span: whole.span });
}

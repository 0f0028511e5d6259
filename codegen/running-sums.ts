/**
 * The kernel of `cumsum`. Lines along the axis are cut into chunks; a chunk is scanned by some lanes, and what came before it
 * is carried on.
 *
 *   for each chunk of the line:
 *     each lane sums up its own elements                  some that lie together
 *     the lanes exchange their sums                       before = the sum of the lanes below, all = that of the chunk
 *     y = carried + (before + own sums)
 *     carried += all
 *
 * Lanes exchange sums as in a butterfly: of two neighbouring groups of lanes each adds the other's sum to its own, and the
 * upper one adds the lower one's to what comes before it (Hillis and Steele 1986, but all lanes end with the whole sum,
 * which is the next chunk's). What is carried lies in nested blocks of 16, as the sums of reductions do (Higham 2002, section
 * 4.2), so that an element passes through few additions however long the line is. No sum is taken back by a difference, and so
 * an infinity stays out of what comes before it.
 *
 * Where other axes lie behind the scanned one, neighbouring lanes have neighbouring lines, as they lie in memory. On a processor,
 * where barriers are slow, a lane scans a line alone. Futhark's single-pass scan (`SegScan/SinglePass.hs`) lets workgroups wait
 * for each other, which WebGPU does not promise to work.
 */

import type { Op } from "../src/ir/ir.ts";
import { attribute } from "../src/ir/ops/attributes.ts";
import type { Dim } from "../src/ir/types.ts";
import type { Buffer } from "../src/kernel/buffer.ts";
import {
  add,
  allOf,
  binary,
  call,
  count,
  divide,
  type Expression,
  equals,
  item,
  literal,
  load,
  local,
  multiply,
  remainder,
  select,
  subtract,
  type Variable,
} from "../src/kernel/expression.ts";
import { Statements, type Target, target } from "../src/kernel/statement.ts";
import type { Type } from "../src/kernel/types.ts";
import { powerOfTwo } from "../src/target/choice.ts";
import type { TargetProfile } from "../src/target/target.ts";
import { extent, isLess, type Made, product } from "./plain-kernel.ts";

/** Elements of a chunk that a lane sums up by itself. */
const perLane = { gpu: 8, cpu: 16 } as const;
/** Lines that lanes of a GPU read side by side, where they lie so. */
const sideBySide = 16;
/** Blocks of what is carried, and how many of one make one of the next. */
const blocks = 3;
const blockSize = 16;

/** How a workgroup divides its work. */
interface Teams {
  /** Lines that it scans at a time. */
  readonly lines: number;
  /** Lanes that scan one of them; a power of two. */
  readonly lanes: number;
  /** Elements of a lane in a chunk. */
  readonly each: number;
}

const powerBelow = (count: number) => 2 ** Math.floor(Math.log2(Math.max(1, count)));

/** @param inner the axes behind the scanned one. */
function teamsOf(length: Dim, inner: readonly Dim[], { kind, limits }: TargetProfile): Teams {
  const each = perLane[kind];
  const invocations = powerBelow(Math.min(kind === "cpu" ? 64 : 256, limits.maxComputeInvocationsPerWorkgroup));
  if (kind === "cpu") return { lines: invocations, lanes: 1, each };
  const known = inner.reduce<number>((all, dim) => (typeof dim === "number" ? all * dim : Infinity), 1);
  const most = invocations / Math.min(sideBySide, powerBelow(known), invocations);
  const lanes = typeof length === "number" ? Math.min(most, powerOfTwo(length / each)) : most;
  return { lines: invocations / lanes, lanes, each };
}

/** Elements of a line, beyond which a proof takes long. */
const mostProved = 8192;

/** The dimension along which sums run, where it has a name, and an extent at which blocks of what is carried have been closed. */
export function longLine(
  op: Op,
  profile: TargetProfile,
): { readonly name: string; readonly extent: number } | undefined {
  const { length, inner } = axesOf(op);
  if (typeof length === "number") return undefined;
  const { lanes, each } = teamsOf(length, inner, profile);
  const chunk = lanes * each;
  const block = chunk * blockSize;
  return { name: length, extent: chunk + 3 + (block * blockSize > mostProved ? block : block * blockSize) };
}

function axesOf(op: Op) {
  const { shape } = op.result;
  const axis = attribute.axis(op.attributes) + shape.length;
  return { outer: shape.slice(0, axis), length: shape[axis] as Dim, inner: shape.slice(axis + 1) };
}

/** The sums of what came before a chunk, the ones of the smallest blocks first. */
class Carried {
  private readonly to: Statements;
  private readonly sums: readonly Target[];

  constructor(to: Statements, type: Type) {
    this.to = to;
    // Integers lose nothing.
    const depth = type.scalar === "f32" ? blocks + 1 : 1;
    this.sums = Array.from({ length: depth }, (_, i) => to.variable(`carried${i}`, literal(type, 0)));
  }

  get value(): Expression {
    return this.sums.reduceRight<Expression | undefined>(
      (all, sum) => (all ? add(all, sum) : sum),
      undefined,
    ) as Expression;
  }

  /** @param first of the chunk's elements. @param length of a chunk. */
  add(sum: Expression, first: Expression, length: number): void {
    const { to, sums } = this;
    to.assign(sums[0] as Target, sum, "+");
    const close = (i: number): void => {
      const [block, around] = [sums[i], sums[i + 1]];
      if (block === undefined || around === undefined) return;
      const size = length * blockSize ** (i + 1);
      to.when(equals(remainder(first, size), size - length), () => {
        to.assign(around, block, "+");
        to.assign(block, literal(block.type, 0));
        close(i + 1);
      });
    };
    close(0);
  }
}

/** The sum of the lanes below, and that of all lanes of the line. @param arrays of a state each, in turn. */
function exchanged(
  to: Statements,
  sum: Expression,
  lane: Expression,
  { lanes, lines }: Teams,
  arrays: readonly Variable[],
): { readonly before: Expression; readonly all: Expression } {
  const before = to.variable("before", literal(sum.type, 0));
  const all = to.variable("all", sum);
  const steps = Math.log2(lanes);
  for (let step = 0; step < steps; step++) {
    // Who still reads the last sums reads the other array.
    const array = arrays[step % 2] as Variable;
    to.assign(target(array, local), all);
    to.barrier();
    to.scope(() => {
      const other = to.define("other", item(array, binary("^", local, count(2 ** step * lines))));
      const isUpper = binary(">", binary("&", lane, count(2 ** step)), 0);
      to.assign(before, select(literal(sum.type, 0), other, isUpper), "+");
      to.assign(all, other, "+");
    });
  }
  if (steps % 2 === 1) to.barrier();
  return { before, all };
}

export function runningSums(op: Op, buffers: readonly Buffer[], profile: TargetProfile): Made {
  const [x, out] = buffers as [Buffer, Buffer];
  const { outer, length, inner } = axesOf(op);
  const [isExclusive, isReverse] = ["exclusive", "reverse"].map((name) => attribute.flag(op.attributes, name));
  const teams = teamsOf(length, inner, profile);
  const { lines, lanes, each } = teams;
  const shared = Array.from({ length: Math.min(2, Math.log2(lanes)) }, (_, i): Variable => {
    return { name: `sums${i}`, type: x.type, length: lines * lanes, isMutable: true, isShared: true };
  });
  const chunk = lanes * each;
  const elements = extent(length);
  const to = new Statements();
  to.at(op.span, () =>
    to.bind("grid", "number", undefined, (number) => {
      const lane = lanes === 1 ? count(0) : to.define("lane", lines === 1 ? local : divide(local, lines));
      const beside = lines === 1 ? undefined : lanes === 1 ? local : remainder(local, lines);
      const index = to.define("index", beside ? add(multiply(number, lines), beside) : number);
      const total = product([...outer, ...inner]);
      const isLine = to.define("isLine", isLess(index, total));
      const line = to.define("line", call("min", index, subtract(total, 1)));
      const stride = product(inner);
      const isLast = inner.every((dim) => dim === 1);
      const start = to.define(
        "start",
        isLast
          ? multiply(line, elements)
          : add(multiply(divide(line, stride), multiply(elements, stride)), remainder(line, stride)),
      );
      const carried = new Carried(to, x.type);
      to.loop("first", count(0), elements, chunk, (first) => {
        const own = lanes === 1 ? first : to.define("own", add(first, multiply(lane, each)));
        const sums: Expression[] = [];
        const places = Array.from({ length: each }, (_, i) => {
          const at = to.define(`at${i}`, i === 0 ? own : add(own, i));
          // Behind the last element the last one is read again: nothing that is stored has it.
          const inside = to.define(`inside${i}`, call("min", at, subtract(elements, 1)));
          const along = isReverse ? subtract(subtract(elements, 1), inside) : inside;
          const place = to.define(`place${i}`, add(start, isLast ? along : multiply(along, stride)));
          const value = load(x, place);
          const before = sums.at(-1);
          sums.push(to.define(`sum${i}`, before ? add(before, value) : value));
          return { at, place };
        });
        const sum = sums.at(-1) as Expression;
        const { before, all } = lanes === 1 ? { before: undefined, all: sum } : exchanged(to, sum, lane, teams, shared);
        const base = to.define("base", before ? add(carried.value, before) : carried.value);
        for (const [i, { at, place }] of places.entries()) {
          const upTo = isExclusive ? sums[i - 1] : sums[i];
          to.when(allOf([isLine, isLess(at, elements)]), () => to.store(out, place, upTo ? add(base, upTo) : base));
        }
        carried.add(all, first, chunk);
      });
    }),
  );
  return {
    ...{ body: to.all, shared, workgroupSize: lines * lanes },
    dispatch: { rows: [...outer, ...inner], rowsPerWorkgroup: lines },
  };
}

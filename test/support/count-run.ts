/** Counts the operations of a kernel while it runs lane by lane. */

import { wgslFunctions } from "../../src/ir/ops/wgsl-functions.ts";
import { elementCount } from "../../src/ir/tensor.ts";
import type { ElementType } from "../../src/ir/types.ts";
import { type Arithmetic, float32 } from "../../src/kernel/arithmetic.ts";
import { builtinFunctions } from "../../src/kernel/expression.ts";
import { interpretOver } from "../../src/kernel/interpret.ts";
import type { Program } from "../../src/kernel/statement.ts";
import { workgroupsOf } from "../../src/launch/counts.ts";
import { type Dims, extents } from "../../src/runtime/bind-inputs.ts";
import { type Kernel, parametersOf } from "../../src/target/manifest.ts";

/** Arithmetic that counts its operations. */
class Counting implements Arithmetic<number> {
  operations = 0;
  transcendentals = 0;
  /** Numbers that are written in the kernel are made before it runs. */
  isRunning = false;

  counted<T>(operations: number, transcendentals: number, value: T): T {
    this.operations += operations;
    this.transcendentals += transcendentals;
    return value;
  }

  literal: Arithmetic<number>["literal"] = (value, scalar) =>
    // That is how truth values are negated.
    this.counted(this.isRunning && scalar === "bool" ? 1 : 0, 0, float32.literal(value, scalar));
  negate: Arithmetic<number>["negate"] = (a, scalar) => this.counted(1, 0, float32.negate(a, scalar));
  binary: Arithmetic<number>["binary"] = (operator, a, b, from, to) => {
    const isDivision = operator === "/" || operator === "%";
    const isShift = from === "u32" && Number.isInteger(Math.log2(b));
    const value = float32.binary(operator, a, b, from, to);
    return isDivision && !isShift ? this.counted(0, 1, value) : this.counted(1, 0, value);
  };
  call: Arithmetic<number>["call"] = (name, args, scalar) => {
    const value = float32.call(name, args, scalar);
    return builtinFunctions[name].isTranscendental ? this.counted(0, 1, value) : this.counted(1, 0, value);
  };
  library: Arithmetic<number>["library"] = (name, args) =>
    this.counted(...wgslFunctions[name].cost, float32.library(name, args));
  converted: Arithmetic<number>["converted"] = (value, from, to) =>
    this.counted(from === to ? 0 : 1, 0, float32.converted(value, from, to));
  select: Arithmetic<number>["select"] = (no, yes, condition) => this.counted(1, 0, float32.select(no, yes, condition));
  stored: Arithmetic<number>["stored"] = (value, element) =>
    this.counted(costOfStored[element] ?? 0, 0, float32.stored(value, element));
}

const bytesOf: Partial<Record<ElementType, number>> = { f16: 2, bf16: 2, f8e4m3: 1, f8e5m2: 1, i8: 1, u8: 1 };
const costOfStored: Partial<Record<ElementType, number>> = {
  f16: wgslFunctions.f16_bits.cost[0],
  bf16: wgslFunctions.bf16_bits.cost[0],
  f8e4m3: wgslFunctions.f8e4m3_bits.cost[0],
  f8e5m2: wgslFunctions.f8e5m2_bits.cost[0],
};

const costOfLoaded: Partial<Record<ElementType, number>> = {
  f8e4m3: wgslFunctions.f8e4m3_value.cost[0],
  f8e5m2: wgslFunctions.f8e5m2_value.cost[0],
};

/** What `estimate` has of a run, each lane by itself. @param most workgroups to run. */
export function countRun({ manifest }: Kernel, program: Program, dims: Dims, most = Infinity) {
  const arithmetic = new Counting();
  const bytes = { loaded: 0, stored: 0 };
  const sizeOf = (name: string) => {
    const { storage, element } = program.buffers.find(({ wgsl }) => wgsl === name) as Program["buffers"][number];
    return storage === "uniform" ? 0 : (bytesOf[element] ?? 4);
  };
  const inputs = new Map(
    parametersOf(manifest).map(({ name, shape, element }) => {
      const size = sizeOf(`in_${name}`);
      const numbers = Array.from({ length: elementCount(extents(shape, dims)) }, (_, i) =>
        element === "f32" || element === "f16" ? Math.sin(i) : i % 2,
      );
      const counted = new Proxy(numbers, {
        get(of, key) {
          if (typeof key === "string" && /^\d+$/.test(key)) {
            bytes.loaded += size;
            arithmetic.counted(costOfLoaded[element] ?? 0, 0, 0);
          }
          return Reflect.get(of, key);
        },
      });
      return [`in_${name}`, counted as ArrayLike<number>] as const;
    }),
  );
  const [x, y] = workgroupsOf(manifest.dispatch, elementCount(extents(manifest.dispatch.rows, dims)));
  const workgroups = Math.min(most, x * y);
  function* groups() {
    arithmetic.isRunning = true;
    for (let group = 0; group < workgroups; group++) yield group;
  }
  const { outputs, counts, faults } = interpretOver(arithmetic, program, inputs, dims, groups());
  for (const [name, elements] of outputs) {
    bytes.stored += sizeOf(name) * elements.filter((one) => one !== undefined).length;
  }
  return { arithmetic, bytes, counts, faults, workgroups };
}

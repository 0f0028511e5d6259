/** Floats of one byte as ml_dtypes converts them (tools/float8/ml_dtypes_tables.py). */

import { readFileSync } from "node:fs";

interface Table {
  /** The number of each code. */
  readonly values: readonly number[];
  /** f32 numbers, positive and negative, and the code of each; those that saturate are left out. */
  readonly samples: readonly (readonly [number: number, code: number])[];
}

type Stored = Readonly<Record<"f8e4m3" | "f8e5m2", { values: readonly (number | string)[]; codes: string }>>;

const stored = JSON.parse(readFileSync("test/fixtures/float8.json", "utf8")) as Stored;

const floatOf = (bits: number) => new Float32Array(Uint32Array.of(bits).buffer)[0] as number;

function tableOf(element: keyof Stored): Table {
  const { values, codes } = stored[element];
  const numbers = values.map((value) => Number(value === "inf" ? Infinity : value === "-inf" ? -Infinity : value));
  const samples = [...Buffer.from(codes, "hex")].flatMap((code, i) => {
    const number = floatOf(0x30000000 + Math.floor(i / 3) * 2 ** 19 + (i % 3) - 1);
    const both = [[number, code] as const, [-number, code | 0x80] as const];
    return Number.isFinite(numbers[code]) ? both : [];
  });
  return { values: numbers, samples };
}

export const float8 = { f8e4m3: tableOf("f8e4m3"), f8e5m2: tableOf("f8e5m2") };

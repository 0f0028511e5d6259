/** The errors that a comparison allows, and the rows that they are relative to. */

import type { Tensor } from "../ir/tensor.ts";
import type { ElementType } from "../ir/types.ts";

/** Relative to the largest magnitude of a row, or to 1 if that is larger. */
export const tolerances = {
  ...{ f32: 2e-6, f16: 1e-3, bf16: 8e-3, f8e4m3: 0, f8e5m2: 0 },
  ...{ i32: 0, u32: 0, i8: 0, u8: 0, bool: 0 },
} as const satisfies Record<ElementType, number>;

/** Calls `visit` for each row (the last axis) with its start and end index and its largest finite magnitude. */
export function forEachRow(
  { shape, data }: Tensor,
  visit: (start: number, end: number, largest: number) => void,
): void {
  const length = shape.at(-1) ?? 1;
  for (let start = 0; start < data.length; start += length) {
    let largest = 0;
    for (let i = start; i < start + length; i++) {
      const size = Math.abs(data[i] as number);
      if (size > largest && size !== Infinity) largest = size;
    }
    visit(start, start + length, largest);
  }
}

/** Descriptions of keywords and element types. Those of ops are in the op table. */

import type { keywords } from "../ir/print.ts";

/** What each keyword is for. */
export const keywordSummaries: Readonly<Record<(typeof keywords)[number], string>> = {
  fn: "A function, compiled to one kernel where possible.",
  let: "Names a value.",
  const: "A constant tensor, visible in all functions of the file.",
  return: "The results of the function, in the order of their declaration.",
  kernel: "Statements computed by one kernel. Their names stay visible after the block.",
};

/** What each element type holds. */
export const elementSummaries = {
  f32: "32-bit floating point.",
  f16: "16-bit floating point: stored in 16 bits, computed in 32 unless rounding is strict.",
  bf16: "The upper half of an f32: stored in 16 bits, computed in 32 unless rounding is strict.",
  f8e4m3:
    "8-bit floating point, E4M3 without infinities (up to 448): stored four in a word; moved, converted and tested by `==`, not computed with. `cast(x, to = f32)` to compute with it.",
  f8e5m2:
    "8-bit floating point, E5M2 with infinities (up to 57344): stored four in a word; moved, converted and tested by `==`, not computed with. `cast(x, to = f32)` to compute with it.",
  i8: "8-bit signed integer: stored four in a word; moved, converted and tested by `==`, not computed with. `cast(x, to = i32)` to compute with it.",
  u8: "8-bit unsigned integer: stored four in a word; moved, converted and tested by `==`, not computed with. `cast(x, to = u32)` to compute with it.",
  i32: "32-bit signed integer.",
  u32: "32-bit unsigned integer.",
  bool: "`true` or `false`.",
} as const;

/** The row of the op table for random numbers. `dropout`, which draws them, is expanded into it (composites.ts). */

import { by, ternary } from "./elementwise.ts";
import { exactly } from "./numerics.ts";
import { firstWord, threefry2x32 } from "./threefry.ts";

export const random_bits = ternary({
  summary:
    "32 random bits for each `position`, the same for the same operands: Threefry-2x32 of the counter (position, offset) and the key (seed, stream).",
  operands: [{ name: "position" }, { name: "offset" }, { name: "seed" }],
  attributes: {
    stream: {
      summary: "Selects other bits for the same seed, for another use in the program.",
      type: "integer",
      minimum: 0,
      default: 0,
    },
  },
  elements: ["u32"],
  cost: "high",
  facts: { jumps: true },
  scalar: (position, offset, seed, { attributes }) => threefry2x32([position, offset], [seed, attributes.stream])[0],
  kernel: ([position, offset, seed], at) =>
    firstWord(position.type, position, offset, seed, at.literal(at.attributes.stream)),
  numerics: { error: exactly, special: [] },
  exact: (field, operands, { attributes }) => field.apply(`random_bits ${attributes.stream}`, operands),
  vjp: by(null, null, null),
});

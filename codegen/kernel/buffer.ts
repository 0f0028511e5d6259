/** The buffers of a kernel: what lies in them, and what lanes see of them. */

import type { ElementType, Shape } from "../../src/ir/types.ts";
import type { Type } from "./expression.ts";

/**
 * How elements lie in a buffer. `f16x2` packs two halves in a u32, for targets without shader-f16; a bool is stored as a
 * u32.
 */
export type Storage = "f32" | "f16" | "i32" | "u32" | "f16x2";

/** A buffer of a kernel. */
export interface Buffer {
  /** Its name in the kernel. */
  readonly wgsl: string;
  /** Its elements as lanes compute with them: single ones, or vectors. */
  readonly type: Type;
  /** Of the tensor that lies in it. */
  readonly shape: Shape;
  readonly element: ElementType;
  readonly storage: Storage;
  readonly access: "read" | "read_write";
}

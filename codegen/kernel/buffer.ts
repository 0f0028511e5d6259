/** The buffers of a kernel: what lies in them, and what lanes see of them. */

import type { Span } from "../../src/diagnostics/diagnostic.ts";
import type { ElementType, Shape } from "../../src/ir/types.ts";
import type { LaunchBinding } from "../../src/launch/manifest.ts";
import type { Type } from "./expression.ts";

/** How elements lie in a buffer. */
export type Storage = LaunchBinding["storage"];

/** A buffer of a kernel. */
export interface Buffer {
  /** Its name in the kernel. */
  readonly wgsl: string;
  /** Its elements as lanes compute with them: single ones, or vectors. */
  readonly type: Type;
  /** Of the tensor that lies in it. */
  readonly shape: Shape;
  readonly element: ElementType;
  /** A scalar is a field of the uniform buffer. */
  readonly storage: Storage | "uniform";
  readonly access: "read" | "read_write";
  /** Where the program declares what is read, or computes what is written. */
  readonly span?: Span;
}

/**
 * Maps symbolic extents of a model to named dimensions of the program, and back.
 *
 * A name in the model stands for the same extent everywhere. An extent that nodes compute (half of one, a product of two)
 * gets a name of its own, and equal extents get the same name, so that branches that meet later are known to have the
 * same shape.
 */

import type { Dim } from "../ir/types.ts";
import { type Extent, Extents, keyOf } from "./extent.ts";
import { UniqueNames } from "./names.ts";

export class Dimensions {
  readonly extents = new Extents();
  private readonly names = new UniqueNames();
  /** Extents by their names in the model. */
  private readonly byModelName = new Map<string, Extent>();
  /** Dimensions of the program by the keys of their extents. */
  private readonly dims = new Map<string, string>();
  private count = 0;

  /** The extent that the model calls `name`. */
  named(name: string): Extent {
    let extent = this.byModelName.get(name);
    if (extent === undefined) {
      const dim = this.names.give(name);
      extent = this.extents.dimension(dim);
      this.dims.set(keyOf(extent), dim);
      this.byModelName.set(name, extent);
    }
    return extent;
  }

  /** An unknown extent; it may be 0. */
  fresh(): Extent {
    return this.extents.dimension(`?${this.count++}`, 0);
  }

  /** The dimension of the program that stands for an extent. */
  dim(extent: Extent): Dim {
    if (typeof extent === "number") return extent;
    let dim = this.dims.get(extent.key);
    if (dim === undefined) {
      dim = this.names.give("d");
      this.dims.set(extent.key, dim);
    }
    return dim;
  }

  shape(extents: readonly Extent[]): Dim[] {
    return extents.map((extent) => this.dim(extent));
  }
}

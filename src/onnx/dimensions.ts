/**
 * Names of the program for extents that the model does not give as numbers, and the other way round.
 *
 * A name of the model is one extent everywhere. What nodes make of extents (half of one, a product of two) has a name of
 * its own, the same wherever the same is made of the same: so two branches that are added later are known to fit.
 */

import type { Dim } from "../ir/types.ts";
import { type Extent, Extents, keyOf } from "./extent.ts";
import { UniqueNames } from "./names.ts";

export class Dimensions {
  readonly extents = new Extents();
  private readonly names = new UniqueNames();
  /** Extents of the model's own names, and of those that were made up. */
  private readonly ofModel = new Map<string, Extent>();
  private readonly named_ = new Map<string, string>();
  private count = 0;

  /** The extent that the model calls `name`. */
  named(name: string): Extent {
    let extent = this.ofModel.get(name);
    if (extent === undefined) {
      const given = this.names.give(name);
      extent = this.extents.dimension(given);
      this.named_.set(keyOf(extent), given);
      this.ofModel.set(name, extent);
    }
    return extent;
  }

  /** A dimension of which nothing is known; it may be 0. */
  fresh(): Extent {
    return this.extents.dimension(`?${this.count++}`, 0);
  }

  /** A dimension for an extent. */
  dim(extent: Extent): Dim {
    if (typeof extent === "number") return extent;
    let given = this.named_.get(extent.key);
    if (given === undefined) {
      given = this.names.give("d");
      this.named_.set(extent.key, given);
    }
    return given;
  }

  /** The dimensions of a shape. */
  shape(extents: readonly Extent[]): Dim[] {
    return extents.map((extent) => this.dim(extent));
  }
}

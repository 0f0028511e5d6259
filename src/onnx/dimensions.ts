/**
 * Extents that the model does not give as numbers, by names.
 *
 * A name of the model is one extent everywhere. What a node makes of an extent (half of it, say) has a name of its own,
 * the same wherever the same is made of the same: so two branches that are added later are known to fit.
 */

import type { Dim } from "../ir/types.ts";
import { UniqueNames } from "./names.ts";

/** An extent as a rule gives it: known, computed from others in the way that `made` says, or not known at all. */
export type Extent = Dim | { readonly made: string } | undefined;

export class Dimensions {
  private readonly names = new UniqueNames();
  private readonly ofModel = new Map<string, string>();
  private readonly ofRule = new Map<string, string>();

  /** The name for what the model calls `name`. */
  named(name: string): string {
    let given = this.ofModel.get(name);
    if (given === undefined) {
      given = this.names.give(name);
      this.ofModel.set(name, given);
    }
    return given;
  }

  /** A dimension for an extent. */
  dim(extent: Extent): Dim {
    if (typeof extent === "number" || typeof extent === "string") return extent;
    if (extent === undefined) return this.names.give("d");
    let given = this.ofRule.get(extent.made);
    if (given === undefined) {
      given = this.names.give("d");
      this.ofRule.set(extent.made, given);
    }
    return given;
  }

  /** A shape as a file declares it. */
  declared(shape: readonly (number | string | undefined)[]): Dim[] {
    return shape.map((dim) => this.dim(typeof dim === "string" ? this.named(dim) : dim));
  }
}

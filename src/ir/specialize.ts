/** Replaces symbolic dimensions by extents. */

import * as shapeErrors from "../diagnostics/areas/shapes.ts";
import { anObject, checkArgument } from "../diagnostics/arguments.ts";
import { fail } from "../diagnostics/diagnostic.ts";
import { checkModule } from "./arguments.ts";
import { Builder, Copies, makeOp } from "./builder.ts";
import { type Attributes, dimensionNames, type Fn, type Module, makeFn, makeModule } from "./ir.ts";
import { type Dim, tensorType } from "./types.ts";

/** Extents by the names of dimensions. */
export type Extents = Readonly<Record<string, number>>;

/**
 * Replaces the dimensions in `dims` by their extents, in every function that has them.
 * @throws TircError E0219 for a dimension that no function has, E0229 for an invalid extent, and E02xx if the types
 *   no longer match.
 */
export function specialize(module: Module, dims: Extents): Module {
  checkModule("specialize", module);
  checkArgument("the extents", "specialize", dims, { ...anObject, what: "an object with a number per dimension" });
  const known = [...new Set(module.fns.flatMap(dimensionNames))];
  for (const [name, extent] of Object.entries(dims)) {
    if (!known.includes(name)) fail(shapeErrors.unknownDimension(undefined, name, () => known));
    const fits = Number.isInteger(extent) && extent >= 0 && extent < 2 ** 32;
    if (!fits) fail(shapeErrors.badExtent(undefined, String(extent)));
  }
  return Object.keys(dims).length === 0
    ? module
    : makeModule(
        module.fns.map((fn) => specializeFn(fn, dims)),
        module.consts,
      );
}

function specializeFn(fn: Fn, dims: Extents): Fn {
  return withDims(fn, (dim) => (typeof dim === "string" && Object.hasOwn(dims, dim) ? (dims[dim] as number) : dim));
}

/**
 * Replaces every dimension in the types and attributes of the function.
 * @throws TircError E02xx if the types no longer match.
 */
export function withDims(fn: Fn, fixed: (dim: Dim) => Dim): Fn {
  const copies = new Copies();
  const params = fn.params.map((param) => {
    return copies.param(param, { type: tensorType(param.element, param.shape.map(fixed)) });
  });
  const attributes = (given: Attributes): Attributes =>
    given.shape === undefined ? given : { ...given, shape: (given.shape as readonly Dim[]).map(fixed) };
  const builder = new Builder(fn.span);
  for (const op of fn.ops) {
    const names = op.results.map((result) => result.name);
    const types = op.results.map(({ type }) => (type.opaque ? type : tensorType(type.element, type.shape.map(fixed))));
    const options = { places: { op: op.span }, names, kernel: op.kernel, types };
    const copy = makeOp(op.name, copies.operandsOf(op), attributes(op.attributes), options);
    copies.record(op, builder.add(copy));
  }
  return makeFn({ ...fn, params, ops: builder.ops, results: copies.resultsOf(fn) });
}

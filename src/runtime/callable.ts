/** The maker of callable kernels, with checked arguments: it is easily taken for `prepare`. */

import { aString, checkArgument, isRecord, listOf } from "../diagnostics/arguments.ts";
import { kernel as makeCallable } from "../launch/callable.ts";

/**
 * Makes a kernel of a generated module, which can be called, from its forms.
 * @throws TircError E0901
 */
export const kernel: typeof makeCallable = (name, forms, parts) => {
  const help = (value: unknown) =>
    isRecord(value) ? ["a kernel of `compile` runs with `prepare(device, kernel)`"] : ["generated modules call it"];
  checkArgument("the first argument", "kernel", name, { ...aString, what: "the name of a kernel", help });
  checkArgument("the second argument", "kernel", forms, {
    ...listOf("forms, each a text with a manifest", { what: "a form", holds: Array.isArray }),
    help: () => ["generated modules call it"],
  });
  return makeCallable(name, forms, parts);
};

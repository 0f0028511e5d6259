/** Compiled kernels as arguments of the library. */

import { checkArgument, isRecord, type Kind, listOf } from "../diagnostics/arguments.ts";

const aKernel: Kind = {
  what: "a kernel",
  holds: (value) => isRecord(value) && typeof value.wgsl === "string" && isRecord(value.manifest),
  help: (value) => [
    isRecord(value) && Array.isArray(value.kernels)
      ? "pass one of its `kernels`"
      : "`compile(module).kernels` are kernels",
  ],
};

/** @throws TircError E0901 if the first argument of a public function is not a kernel. */
export const checkKernel = (name: string, value: unknown): void =>
  checkArgument("the first argument", name, value, aKernel);

/** @throws TircError E0901 if the first argument of a public function is not a list of kernels. */
export const checkKernels = (name: string, value: unknown): void =>
  checkArgument("the first argument", name, value, listOf("kernels", aKernel));

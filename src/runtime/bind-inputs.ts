/** Checks the inputs of a kernel, and infers the extents of its symbolic dimensions. */

import * as inputErrors from "../diagnostics/areas/inputs.ts";
import { isRecord } from "../diagnostics/arguments.ts";
import { type Diagnostic, fail } from "../diagnostics/diagnostic.ts";
import { elementCount } from "../ir/tensor.ts";
import { type Dim, printShape, printType } from "../ir/types.ts";
import type { OnDevice } from "../launch/types.ts";
import { type Kernel, type Parameter, parametersOf } from "../target/manifest.ts";
import { type HostInput, type NoInput, type ReadInput, readInput, shown, withArticle } from "./host-tensor.ts";

/** Extents by name. */
export type Dims = Readonly<Record<string, number>>;
/** The inputs of a kernel, by the names of its parameters and constants. A scalar may be a number. */
export type Inputs = Readonly<Record<string, HostInput | OnDevice | number | boolean>>;

export interface BoundInputs {
  readonly dims: Dims;
  /** Inputs on the host, in the order of the kernel's parameters. */
  readonly arrays: readonly { readonly binding: Parameter; readonly data: ReadInput["data"] }[];
  /** Inputs and results on the device, by name. */
  readonly onDevice: Readonly<Record<string, unknown>>;
}

/** Whether a value is, or is meant to be, a `GPUBuffer` or a part of one. */
function isOnDevice(value: unknown): boolean {
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return false;
  return Object.hasOwn(value, "buffer") || ("usage" in value && "size" in value);
}

/** The extents of a shape, once all dimensions are known. */
export function extents(shape: readonly Dim[], dims: Dims): number[] {
  return shape.map((dim) => (typeof dim === "number" ? dim : (dims[dim] as number)));
}

/**
 * Matches `inputs` with the kernel's parameters. Dimensions are inferred from the shapes of the inputs, and from the length
 * of a bare array if one dimension is missing; `given` has the others. Throws all of E0601 to E0607
 * that apply.
 */
export function bindInputs(kernel: Kernel, inputs: Inputs, given: Dims): BoundInputs {
  const parameters = parametersOf(kernel.manifest);
  const found: Diagnostic[] = [];
  const dims = new DimTable(kernel, given, found);

  if (typeof inputs !== "object" || inputs === null || Array.isArray(inputs) || ArrayBuffer.isView(inputs)) {
    fail(inputErrors.noInputs(kernel.name, withArticle(inputs)), ...found);
  }
  const names = parameters.map((binding) => binding.name);
  const results = kernel.manifest.bindings.filter(({ access }) => access === "read_write").map(({ name }) => name);
  const onDevice: [string, unknown][] = [];
  for (const name of Object.keys(inputs).filter((name) => !names.includes(name))) {
    if (results.includes(name)) onDevice.push([name, inputs[name]]);
    else found.push(inputErrors.unknownInput(kernel.name, name, names));
  }
  const arrays = parameters.flatMap((binding) => {
    const value = peek(inputs, binding.name);
    if (isOnDevice(value) && binding.shape.length > 0) {
      onDevice.push([binding.name, value]);
      return [];
    }
    const read = readMember(binding, inputs);
    if (read !== undefined && !("got" in read)) return [{ binding, ...read }];
    found.push(
      read === undefined
        ? inputErrors.missingInput(kernel.name, binding.name, printType(binding))
        : inputErrors.wrongElement(binding.name, printType(binding), read.got),
    );
    return [];
  });

  for (const { binding, shape } of arrays) if (shape) dims.matchShape(binding, shape);
  // A bare array may determine a dimension that another one needs, so this is repeated until nothing changes.
  let open = arrays.filter(({ shape }) => shape === undefined);
  for (let before = -1; before !== open.length; ) {
    before = open.length;
    open = open.filter(({ binding, data }) => !dims.matchLength(binding, data.length));
  }
  for (const { binding, data } of open) dims.reportOpen(binding, data.length);
  if (found.length === 0) {
    dims.reportMissing();
    for (const { binding, data } of arrays) checkLength(binding, data, dims.extents, found);
  }
  if (found.length > 0) fail(...found);
  return { dims: dims.extents, arrays, onDevice: Object.fromEntries(onDevice) };
}

/** The input of this name; `undefined` if it cannot be read, which is reported later. */
function peek(inputs: Inputs, name: string): unknown {
  try {
    return Object.hasOwn(inputs, name) ? inputs[name] : undefined;
  } catch {
    return undefined;
  }
}

/** Reads an input; `undefined` if there is none of this name. Inherited members such as `toString` do not count. */
function readMember(binding: Parameter, inputs: Inputs): ReadInput | NoInput | undefined {
  if (!Object.hasOwn(inputs, binding.name)) return undefined;
  try {
    const input: unknown = inputs[binding.name];
    if (input === undefined || input === null) return undefined;
    const isNumber = typeof input === "number" || typeof input === "boolean";
    return readInput(binding, isNumber && binding.shape.length === 0 ? [input] : input);
  } catch (caught) {
    return { got: `something that cannot be read: ${messageOf(caught)}` };
  }
}

const messageOf = (caught: unknown) => (caught instanceof Error ? caught.message : shown(caught));

/**
 * A copy of the caller's dimensions. Throws E0607 for those that the kernel does not have, or that are not valid
 * extents.
 */
export function readDims(kernel: Kernel, given: Dims): Dims {
  if (!isRecord(given) || ArrayBuffer.isView(given)) fail(inputErrors.noDims(kernel.name, shown(given)));
  let dims: Dims;
  try {
    dims = Object.assign(Object.create(null), given);
  } catch (caught) {
    fail(inputErrors.noDims(kernel.name, `something that cannot be read: ${messageOf(caught)}`));
  }
  const found: Diagnostic[] = [];
  new DimTable(kernel, dims, found);
  if (found.length > 0) fail(...found);
  return dims;
}

function checkLength(binding: Parameter, data: ReadInput["data"], dims: Dims, found: Diagnostic[]): void {
  const shape = extents(binding.shape, dims);
  const count = elementCount(shape);
  if (count === data.length) return;
  found.push(inputErrors.wrongLength(binding.name, printType({ ...binding, shape }), count, data.length));
}

/** The extents that are known so far, and where they come from. */
export class DimTable {
  /** Without a prototype: a dimension may be called `constructor`. */
  readonly extents: Record<string, number> = Object.create(null);
  readonly #toldBy = new Map<string, string>();
  readonly #kernel: Kernel;
  readonly #found: Diagnostic[];

  constructor(kernel: Kernel, given: Dims, found: Diagnostic[]) {
    this.#kernel = kernel;
    this.#found = found;
    const known = kernel.manifest.dims.map((dim) => dim.name);
    for (const [name, extent] of Object.entries(given)) {
      if (!known.includes(name)) found.push(inputErrors.unknownDim(kernel.name, name, known));
      else if (!isExtent(extent)) found.push(inputErrors.wrongExtent(name, shown(extent)));
      else this.#tell(name, extent, "the dimensions given");
    }
  }

  #tell(name: string, extent: number, teller: string): void {
    const before = this.extents[name];
    if (before === undefined) {
      this.extents[name] = extent;
      this.#toldBy.set(name, teller);
    } else if (before !== extent) {
      this.#found.push(inputErrors.dimConflict(name, this.#toldBy.get(name) ?? "", before, teller, extent));
    }
  }

  matchShape(binding: Parameter, shape: readonly number[]): void {
    const report = (why: string) => {
      this.#found.push(inputErrors.wrongShape(binding.name, printType(binding), printShape(shape.map(shown)), why));
    };
    if (shape.length !== binding.shape.length) {
      report(`it has ${shape.length} dimensions, not ${binding.shape.length}`);
      return;
    }
    for (const [axis, dim] of binding.shape.entries()) {
      const extent = shape[axis];
      if (!isExtent(extent)) report(`the extent of axis ${axis} is not a whole number`);
      else if (typeof dim === "string") this.#tell(dim, extent, `the shape of \`${binding.name}\``);
      else if (dim !== extent) report(`axis ${axis} is ${extent}, not ${dim}`);
    }
  }

  /** The symbolic dimensions of a shape whose extents are not known yet. */
  #unknown(shape: readonly Dim[]): string[] {
    return [...new Set(shape.filter((dim) => typeof dim === "string" && this.extents[dim] === undefined))] as string[];
  }

  /** Infers the only unknown extent of a bare array from its length. @returns false if more extents are unknown. */
  matchLength(binding: Parameter, length: number): boolean {
    const [unknown, ...more] = this.#unknown(binding.shape);
    if (unknown === undefined) return true;
    const isOnce = binding.shape.filter((dim) => dim === unknown).length === 1;
    const rest = elementCount(
      extents(
        binding.shape.filter((dim) => dim !== unknown),
        this.extents,
      ),
    );
    const extent = length / rest;
    if (more.length > 0 || !isOnce || !isExtent(extent)) return false;
    this.#tell(unknown, extent, `the length of \`${binding.name}\``);
    return true;
  }

  reportOpen(binding: Parameter, length: number): void {
    const unknown = this.#unknown(binding.shape);
    this.#found.push(inputErrors.ambiguousShape(binding.name, printType(binding), length, unknown));
  }

  reportMissing(): void {
    for (const { name } of this.#kernel.manifest.dims) {
      if (this.extents[name] === undefined) this.#found.push(inputErrors.missingDim(this.#kernel.name, name));
    }
  }
}

function isExtent(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) < 2 ** 32;
}

/** The windows of a convolution, the shape of its result, and the products that it sums. */

import * as linearErrors from "../../diagnostics/areas/linear.ts";
import { eachIndex, elementCount } from "../tensor.ts";
import { type Dim, printShape, type Shape, sameShape } from "../types.ts";
import type { AttributeDefs, AttributesOf } from "./attributes.ts";
import type { LinearDef, Refusal } from "./def.ts";

const numbersAlong = (summary: string, minimum: number) =>
  ({ type: "integers", minimum, default: [], summary }) as const;

/** How the window moves over the tensor. */
export const windowAttributes = {
  strides: numbersAlong("The step of the kernel along each spatial axis; 1 if the list is empty.", 1),
  pads: numbersAlong("The number of zeros before each spatial axis, then after each; 0 if the list is empty.", 0),
  dilations: numbersAlong("The distance between the elements that the kernel reads; 1 if the list is empty.", 1),
  group: {
    type: "integer",
    minimum: 1,
    default: 1,
    summary: "The number of groups into which channels and outputs are divided; each group is convolved separately.",
  },
} as const satisfies AttributeDefs;

export type WindowAttributes = AttributesOf<typeof windowAttributes>;

/** How the window moves along one spatial axis. */
interface Window {
  readonly size: number;
  readonly stride: number;
  readonly before: number;
  readonly after: number;
  readonly dilation: number;
}

/** The extents that a kernel covers, which are those of an equivalent kernel of dilation 1. */
const reach = ({ size, dilation }: Window) => dilation * (size - 1) + 1;

/** An attribute, of which an empty list stands for `fill` along every axis. */
function listOf(given: readonly number[], length: number, fill: number): readonly number[] {
  return given.length === 0 ? new Array<number>(length).fill(fill) : given;
}

/** One window for each axis of `kernel`. */
export function windowsOf(kernel: readonly number[], attributes: WindowAttributes): Window[] {
  const count = kernel.length;
  const strides = listOf(attributes.strides, count, 1);
  const dilations = listOf(attributes.dilations, count, 1);
  const pads = listOf(attributes.pads, 2 * count, 0);
  return kernel.map((size, i) => ({
    size,
    stride: strides[i] as number,
    before: pads[i] as number,
    after: pads[i + count] as number,
    dilation: dilations[i] as number,
  }));
}

/** The number of positions of a window along an axis; `undefined` if it is neither a number nor the extent itself. */
function placesAlong(extent: Dim, window: Window): Dim | undefined {
  const rest = window.before + window.after - reach(window);
  if (typeof extent === "number") return Math.max(0, Math.floor((extent + rest) / window.stride) + 1);
  return window.stride === 1 && rest === -1 ? extent : undefined;
}

/** The lists that do not have one number per axis, or two for `pads`. */
function wrongList(attributes: WindowAttributes, count: number): Refusal | undefined {
  for (const [name, wanted] of [
    ["strides", count] as const,
    ["pads", 2 * count] as const,
    ["dilations", count] as const,
  ]) {
    const { length } = attributes[name];
    if (length !== 0 && length !== wanted)
      return (at) => linearErrors.windowList(at(name), name, length, wanted, count);
  }
  return undefined;
}

export const inferConv: LinearDef<typeof windowAttributes>["infer"] = (shapes, attributes) => {
  const [x, weight, bias] = shapes as [Shape, Shape, Shape | undefined];
  const refused =
    (index: number, name: string, wanted: string, got: string): Refusal =>
    (at) =>
      linearErrors.operandShape(at(index), "conv", name, wanted, got);
  const dims = "[batch, channels, ...spatial], of one to three spatial dimensions";
  if (x.length < 3 || x.length > 5) return refused(0, "x", dims, x.length === 0 ? "a scalar" : printShape(x));
  const kernel = weight.slice(2);
  const isKernel = weight.length === x.length && kernel.every((size) => typeof size === "number" && size > 0);
  if (!isKernel)
    return refused(1, "weight", "[out, in, ...kernel] with as many numbers as spatial dimensions", printShape(weight));
  const { group } = attributes;
  const [channels, out, inner] = [x[1], weight[0], weight[1]] as [Dim, Dim, Dim];
  const perGroup = group === 1 ? channels : typeof channels === "number" ? channels / group : undefined;
  if (perGroup !== inner) {
    const second = { name: "weight", shape: printShape(weight), extent: String(inner) };
    const of = group === 1 ? String(channels) : `${channels} / ${group} channels`;
    return (at) =>
      linearErrors.contraction(at(1), "conv", second, { name: "x", shape: printShape(x), extent: of, span: at(0) }, []);
  }
  if (group > 1 && (typeof out !== "number" || out % group !== 0))
    return (at) => linearErrors.groups(at("group"), group, String(out));
  if (bias !== undefined && !sameShape(bias, [out])) return refused(2, "bias", printShape([out]), printShape(bias));
  const wrong = wrongList(attributes, kernel.length);
  if (wrong !== undefined) return wrong;
  const windows = windowsOf(kernel as number[], attributes);
  const places = windows.map((window, i) => placesAlong(x[i + 2] as Dim, window));
  const open = places.indexOf(undefined);
  if (open >= 0) return (at) => linearErrors.namedExtent(at(0), "conv", "x", open - kernel.length, String(x[open + 2]));
  return [x[0] as Dim, out, ...(places as Dim[])];
};

/** For each window position and each tap, in row-major order: the index within a channel that it reads, -1 in the padding. */
function readsOf(extents: readonly number[], kernel: readonly number[], windows: readonly Window[]): Int32Array {
  const places = windows.map((window, i) => placesAlong(extents[i] as number, window) as number);
  const reads = new Int32Array(elementCount(places) * elementCount(kernel));
  let at = 0;
  eachIndex([...places, ...kernel], (index) => {
    let read = 0;
    for (const [axis, { stride, before, dilation }] of windows.entries()) {
      const [place, tap] = [index[axis] as number, index[axis + windows.length] as number];
      const [position, extent] = [place * stride - before + tap * dilation, extents[axis] as number];
      read = read < 0 || position < 0 || position >= extent ? -1 : read * extent + position;
    }
    reads[at++] = read;
  });
  return reads;
}

/**
 * Calls `visit` with the row-major indices of each x, weight and output whose product is a term of the
 * convolution, all terms of an output in succession.
 */
export function eachTerm(
  x: readonly number[],
  weight: readonly number[],
  attributes: WindowAttributes,
  visit: (x: number, weight: number, output: number) => void,
): void {
  const [batch, channels, ...extents] = x as [number, number, ...number[]];
  const [out, inner, ...kernel] = weight as [number, number, ...number[]];
  const perGroup = out / attributes.group;
  const [plane, taps] = [elementCount(extents), elementCount(kernel)];
  // The same for all images and channels.
  const reads = readsOf(extents, kernel, windowsOf(kernel, attributes));
  const places = reads.length / taps;
  let at = 0;
  for (let line = 0; line < batch * out; line++) {
    const [image, output] = [Math.floor(line / out), line % out];
    const first = (image * channels + Math.floor(output / perGroup) * inner) * plane;
    for (let place = 0; place < places; place++, at++) {
      for (let tap = 0; tap < taps; tap++) {
        const read = reads[place * taps + tap] as number;
        if (read < 0) continue;
        for (let channel = 0; channel < inner; channel++) {
          visit(first + channel * plane + read, (output * inner + channel) * taps + tap, at);
        }
      }
    }
  }
}

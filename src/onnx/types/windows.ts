/** Type inference for convolutions, pooling, resizing and sampling. */

import { types } from "../data-types.ts";
import { add, type Extent, multiply, subtract } from "../extent.ts";
import { extentsOf } from "./shapes.ts";
import { decline, each, shaped, type Typed, type TypeRule, type TypeView } from "./view.ts";

type Open = Extent | undefined;

/** The number of windows of `size` elements, one every `stride`, in an extent with `padding` in total. */
function windows(at: TypeView, extent: Extent, size: number, stride: number, padding: number, isCeil: boolean): Extent {
  const last = add(extent, padding - size);
  const { extents } = at;
  const steps = isCeil ? extents.ceil(extents.ratio(last, stride)) : extents.floorDivide(last, stride);
  return add(steps, 1);
}

function spatial(at: TypeView): readonly Extent[] {
  const shape = at.shape(0);
  return shape.length < 3 ? decline("its input has no spatial dimensions") : shape.slice(2);
}

const all = (at: TypeView, name: string, other: number, length: number) =>
  at.ints(name) ?? new Array<number>(length).fill(other);

/** The spatial extents of the result of a convolution or pooling. */
function afterWindows(at: TypeView, space: readonly Extent[], kernel: readonly Open[]): Open[] {
  const count = space.length;
  const [strides, dilations] = [all(at, "strides", 1, count), all(at, "dilations", 1, count)];
  const pads = all(at, "pads", 0, 2 * count);
  const auto = at.text("auto_pad", "NOTSET");
  const isCeil = at.int("ceil_mode", 0) === 1;
  return space.map((extent, i) => {
    const [stride, dilation, window] = [strides[i] ?? 1, dilations[i] ?? 1, kernel[i] ?? 1];
    if (typeof window !== "number" || stride < 1) return undefined;
    const size = dilation * (window - 1) + 1;
    // SAME: ceil(extent / stride) windows.
    if (auto.startsWith("SAME")) return windows(at, extent, stride, stride, stride - 1, false);
    const [before, after] = auto === "VALID" ? [0, 0] : [pads[i] ?? 0, pads[i + count] ?? 0];
    const found = windows(at, extent, size, stride, before + after, isCeil);
    // With ceil_mode, no window begins in the padding at the end.
    const { extents } = at;
    return isCeil ? extents.minimum(found, extents.ceil(extents.ratio(add(extent, before), stride))) : found;
  });
}

const convOf =
  (weight: number, element?: number): TypeRule =>
  (at) => {
    const w = at.info(weight).shape;
    const kernel = at.ints("kernel_shape") ?? w?.slice(2) ?? decline("the size of its window is not known");
    const x = at.shape(0);
    return [
      at.like(0, {
        element: element ?? at.element(0),
        shape: [x[0], w?.[0], ...afterWindows(at, spatial(at), kernel)],
      }),
    ];
  };

/** Channels are the last axis of input and weight. */
const nhwcConv = shaped((at) => {
  const x = at.shape(0);
  const w = at.shape(1);
  return [x[0], ...afterWindows(at, x.slice(1, -1), w.slice(1, -1)), w[0]];
});

const convTranspose = shaped((at) => {
  const [x, weight] = [at.shape(0), at.shape(1)];
  const space = spatial(at);
  const count = space.length;
  const [strides, dilations] = [all(at, "strides", 1, count), all(at, "dilations", 1, count)];
  const [more, pads] = [all(at, "output_padding", 0, count), all(at, "pads", 0, 2 * count)];
  const auto = at.text("auto_pad", "NOTSET");
  const kernel = at.ints("kernel_shape") ?? weight.slice(2);
  const wanted = at.ints("output_shape");
  const channels = weight[1];
  const dims = space.map((extent, i): Open => {
    const [stride, window] = [strides[i] ?? 1, kernel[i]];
    if (wanted !== undefined) return wanted.at(i - count);
    if (auto.startsWith("SAME")) return multiply(extent, stride);
    if (typeof window !== "number") return undefined;
    const size = (dilations[i] ?? 1) * (window - 1) + 1;
    const padding = auto === "VALID" ? 0 : (pads[i] ?? 0) + (pads[i + count] ?? 0);
    return add(multiply(subtract(extent, 1), stride), size + (more[i] ?? 0) - padding);
  });
  return [x[0], channels === undefined ? undefined : multiply(channels, at.int("group", 1)), ...dims];
});

/** Channels are the second axis, or the last. */
const pool: TypeRule = (at) => {
  const kernel = at.ints("kernel_shape") ?? decline("it has no `kernel_shape`");
  const x = at.shape(0);
  if (at.int("channels_last", 0) === 1 || at.node.opType === "NhwcMaxPool")
    return [at.like(0, { shape: [x[0], ...afterWindows(at, x.slice(1, -1), kernel), x.at(-1)] })];
  const shape = [...at.shape(0).slice(0, 2), ...afterWindows(at, spatial(at), kernel)];
  return [at.like(0, { shape }), { element: types.int64, shape }];
};

const globalPool = shaped((at) => {
  const x = at.shape(0);
  return x.map((extent, i) => (i < 2 ? extent : 1));
});

/** floor(extent * factor); of a symbolic extent only for factors k / 2^n, which are free of rounding errors. */
function scaled(at: TypeView, extent: Extent, factor: number | undefined): Open {
  if (factor === undefined) return undefined;
  if (typeof extent === "number") return Math.floor(extent * factor);
  for (let bottom = 1; bottom <= 1024; bottom *= 2) {
    if (Number.isInteger(factor * bottom)) return at.extents.floorDivide(multiply(extent, factor * bottom), bottom);
  }
  return undefined;
}

/** Scales or sizes are given for the named axes. */
const resize = shaped((at) => {
  const x = at.shape(0);
  const isOld = at.opset < 11 || at.node.opType === "Upsample";
  const sizes = !isOld && at.has(3) ? extentsOf(at, 3) : undefined;
  const fromAttribute = at.node.opType === "Upsample" && at.opset < 9 ? at.floats("scales") : undefined;
  const scales = fromAttribute ?? at.constantItems(isOld ? 1 : 2);
  const axes = at.axes(at.ints("axes") ?? [...x.keys()], x.length);
  const isStretched = at.text("keep_aspect_ratio_policy", "stretch") === "stretch";
  const shape = x.map((extent, i): Open => {
    const from = axes.indexOf(i);
    if (from < 0) return extent;
    if (sizes !== undefined) return isStretched ? sizes[from] : undefined;
    return scales?.length === axes.length ? scaled(at, extent, scales[from]) : undefined;
  });
  return shape;
});

const gridSample = shaped((at) => {
  const [x, grid] = [at.shape(0), at.shape(1)];
  return [x[0], x[1], ...grid.slice(1, -1)];
});

const affineGrid = shaped((at) => {
  const size = extentsOf(at, 1);
  return [size[0], ...size.slice(2), size.length - 2];
});

const roiAlign = shaped((at) => {
  const size = [at.int("output_height", 1), at.int("output_width", 1)];
  return [at.shape(1)[0], at.shape(0)[1], ...size];
});

const maxRoiPool = shaped((at) => [at.shape(1)[0], at.shape(0)[1], ...(at.ints("pooled_shape") ?? [])]);

const unpool = shaped((at) => {
  if (at.has(2)) return extentsOf(at, 2);
  const x = at.shape(0);
  const count = x.length - 2;
  const kernel = at.ints("kernel_shape") ?? decline("it has no `kernel_shape`");
  const [strides, pads] = [all(at, "strides", 1, count), all(at, "pads", 0, 2 * count)];
  const space = x.slice(2).map((extent, i) => {
    const rest = (kernel[i] ?? 1) - (pads[i] ?? 0) - (pads[i + count] ?? 0);
    return add(multiply(subtract(extent, 1), strides[i] ?? 1), rest);
  });
  return [...x.slice(0, 2), ...space];
});

const col2Im = shaped((at) => {
  const x = at.shape(0);
  const block = at.constantItems(2);
  const channels = x[1];
  const size = block?.reduce((a, b) => a * b, 1);
  const isKnown = channels !== undefined && size !== undefined && size > 0;
  return [x[0], isKnown ? at.extents.floorDivide(channels, size) : undefined, ...extentsOf(at, 1)];
});

export const windowTypes: Readonly<Record<string, TypeRule>> = {
  Conv: convOf(1),
  ConvInteger: convOf(1, types.int32),
  DeformConv: convOf(1),
  QLinearConv: (at) => [{ ...(convOf(3)(at)[0] as Typed), element: at.element(7) }],
  ConvTranspose: convTranspose,
  ...each("AveragePool LpPool MaxPool", pool),
  ...each("GlobalAveragePool GlobalLpPool GlobalMaxPool", globalPool),
  ...each("Resize Upsample", resize),
  GridSample: gridSample,
  AffineGrid: affineGrid,
  RoiAlign: roiAlign,
  MaxRoiPool: maxRoiPool,
  MaxUnpool: unpool,
  Col2Im: col2Im,
};

export const windowTypesOfMicrosoft: Readonly<Record<string, TypeRule>> = {
  FusedConv: convOf(1),
  NhwcFusedConv: nhwcConv,
  NhwcConv: nhwcConv,
  NhwcMaxPool: pool,
  QLinearAveragePool: pool,
};

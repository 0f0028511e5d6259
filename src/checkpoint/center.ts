/**
 * Centering, scaling and products along an axis, in place: a tensor may have a hundred million elements.
 */

/** Rows along an axis: `outer` blocks of `inner` rows, whose `extent` elements have a stride of `inner`. */
interface RowLayout {
  readonly outer: number;
  readonly extent: number;
  readonly inner: number;
}

export function rowsAlong(shape: readonly number[], axis: number): RowLayout {
  const product = (extents: readonly number[]) => extents.reduce((all, extent) => all * extent, 1);
  return { outer: product(shape.slice(0, axis)), extent: shape[axis] as number, inner: product(shape.slice(axis + 1)) };
}

/** The row with the largest mean relative to its largest element; a row with a NaN takes precedence. */
interface RowMean {
  readonly row: number;
  readonly mean: number;
  /** |mean| divided by the magnitude of the row's largest element. */
  readonly part: number;
}

/** Calls `visit` for the rows of each block, with their means and largest magnitudes, in float64. */
function forBlocks(
  numbers: Float64Array,
  { outer, extent, inner }: RowLayout,
  visit: (start: number, means: Float64Array, sizes: Float64Array) => void,
): void {
  const [means, sizes] = [new Float64Array(inner), new Float64Array(inner)];
  for (let block = 0; block < outer; block++) {
    means.fill(0);
    sizes.fill(0);
    const start = block * extent * inner;
    // In memory order, which is the fastest for a large matrix.
    for (let i = 0, at = start; i < extent; i++) {
      for (let j = 0; j < inner; j++, at++) {
        const value = numbers[at] as number;
        means[j] = (means[j] as number) + value;
        sizes[j] = Math.max(sizes[j] as number, Math.abs(value));
      }
    }
    for (let j = 0; j < inner; j++) means[j] = (means[j] as number) / extent;
    visit(start, means, sizes);
  }
}

export function worstMean(numbers: Float64Array, layout: RowLayout): RowMean {
  let worst: RowMean = { row: 0, mean: 0, part: 0 };
  forBlocks(numbers, layout, (start, means, sizes) => {
    for (let j = 0; j < layout.inner && !Number.isNaN(worst.part); j++) {
      const mean = means[j] as number;
      const part = mean === 0 ? 0 : Math.abs(mean) / (sizes[j] as number);
      if (!(part <= worst.part)) worst = { row: start / layout.extent + j, mean, part };
    }
  });
  return worst;
}

/** Subtracts its mean from each row, and rounds the result. */
export function centerInPlace(numbers: Float64Array, layout: RowLayout, round: (value: number) => number): void {
  const { extent, inner } = layout;
  forBlocks(numbers, layout, (start, means) => {
    for (let i = 0, at = start; i < extent; i++) {
      for (let j = 0; j < inner; j++, at++) numbers[at] = round((numbers[at] as number) - (means[j] as number));
    }
  });
}

/** Multiplies each row elementwise by `by`. */
export function multiplyInPlace(numbers: Float64Array, { outer, extent, inner }: RowLayout, by: Float64Array): void {
  for (let block = 0, at = 0; block < outer; block++) {
    for (let i = 0; i < extent; i++) {
      const factor = by[i] as number;
      for (let j = 0; j < inner; j++, at++) numbers[at] = (numbers[at] as number) * factor;
    }
  }
}

/** The dot product of each row with `by`: `outer * inner` sums. */
export function productsAlong(
  numbers: Float64Array,
  { outer, extent, inner }: RowLayout,
  by: Float64Array,
): Float64Array {
  const sums = new Float64Array(outer * inner);
  for (let block = 0, at = 0; block < outer; block++) {
    for (let i = 0; i < extent; i++) {
      const factor = by[i] as number;
      for (let j = 0; j < inner; j++, at++) {
        const to = block * inner + j;
        sums[to] = (sums[to] as number) + (numbers[at] as number) * factor;
      }
    }
  }
  return sums;
}

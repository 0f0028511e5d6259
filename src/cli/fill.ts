/** What fills an input of `tirc run` that no file gives. */

export const fills = ["randn", "zeros", "ones"] as const;

export type Fill = (typeof fills)[number] | number;

const numbers: Readonly<Record<string, number>> = { inf: Infinity, "+inf": Infinity, "-inf": -Infinity, nan: NaN };

/** What the text of a value means; `undefined` where it is the name of a file. */
export function fillOf(text: string): Fill | undefined {
  const fill = fills.find((known) => known === text);
  if (fill !== undefined) return fill;
  if (Object.hasOwn(numbers, text)) return numbers[text];
  return /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(text) ? Number(text) : undefined;
}

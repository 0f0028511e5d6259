/** The types of attributes: which values they take, as a check and in the words of messages. */

import type { AttributeValue } from "./ir.ts";
import { type AttributeDef, isSize } from "./ops/attributes.ts";
import { elementTypes, isElementType } from "./types.ts";

interface AttributeType<Def extends AttributeDef> {
  /** What messages suggest for a missing attribute without a default. */
  readonly example: string;
  /** Whether the example is what most programs write. */
  readonly isUsual?: true;
  /** What a value must be. */
  words(def: Def): string;
  takes(value: AttributeValue, def: Def): boolean;
}

/** The description of an attribute of type `size`. */
export const sizeWords = "0 or a positive number that f32 can hold";

export function oneOf(choices: readonly string[]): string {
  return `one of ${choices.map((choice) => `"${choice}"`).join(", ")}`;
}

const isText = (value: AttributeValue) => typeof value === "string";
const isWhole = (value: AttributeValue, least = -Infinity) =>
  typeof value === "number" && Number.isInteger(value) && value >= least;
const areAll = (list: AttributeValue, holds: (item: number | string) => boolean) =>
  typeof list === "object" && list.every((item) => holds(item));
const wholes = "a list of whole numbers, such as [-1]";

const attributeTypes: {
  readonly [Type in AttributeDef["type"]]: AttributeType<Extract<AttributeDef, { type: Type }>>;
} = {
  number: { example: "1", words: () => "a number", takes: (value) => typeof value === "number" },
  size: {
    ...{ example: "1e-5", isUsual: true, words: () => sizeWords },
    takes: (value) => typeof value === "number" && isSize(value),
  },
  integer: {
    example: "1",
    words: ({ minimum: least }) => (least === undefined ? "a whole number" : `a whole number of at least ${least}`),
    takes: (value, { minimum }) => isWhole(value, minimum),
  },
  boolean: {
    ...{ example: "true", isUsual: true, words: () => "true or false" },
    takes: (value) => typeof value === "boolean",
  },
  choice: { example: '"..."', words: ({ choices }) => oneOf(choices), takes: isText },
  element: {
    ...{ example: "f16", isUsual: true, words: () => `an element type (${elementTypes.join(", ")})` },
    takes: (value) => typeof value === "string" && isElementType(value),
  },
  name: { example: "weight", words: () => "a name", takes: isText },
  text: { example: '"Conv"', words: () => "a string", takes: isText },
  axes: { example: "[-1]", isUsual: true, words: () => wholes, takes: (value) => areAll(value, isWhole) },
  axis: {
    ...{ example: "-1", isUsual: true, words: () => "one axis: a whole number, -1 for the last" },
    takes: (value) => isWhole(value),
  },
  permutation: { example: "[1, 0]", words: () => wholes, takes: (value) => areAll(value, isWhole) },
  integers: {
    example: "[0]",
    words: ({ minimum: least }) => (least === undefined ? wholes : `a list of whole numbers of at least ${least}`),
    takes: (value, { minimum }) => areAll(value, (item) => isWhole(item, minimum)),
  },
  shape: {
    example: "[rows, 12, 64]",
    words: () => "a list of whole numbers and dimension names, such as [rows, 12, 64]",
    takes: (value) => areAll(value, (item) => isWhole(item) || isText(item)),
  },
};

/** The type of an attribute. */
export const typeOfAttribute = ({ type }: Pick<AttributeDef, "type">) =>
  attributeTypes[type] as AttributeType<AttributeDef>;

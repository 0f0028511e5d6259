/** Attributes of ops: how a row of the op table declares them, and the types of their values. */

import type { Attributes } from "../ir.ts";
import type { Dim, ElementType, Shape } from "../types.ts";

/** An attribute of an op. */
export type AttributeDef = { readonly summary: string } & (
  | { readonly type: "number"; readonly default?: number }
  /** 0, or a positive number in the range of f32. */
  | { readonly type: "size"; readonly default?: number }
  | { readonly type: "integer"; readonly minimum?: number; readonly default?: number }
  | { readonly type: "boolean"; readonly default?: boolean }
  | { readonly type: "choice"; readonly choices: readonly string[]; readonly default?: string }
  | { readonly type: "element" }
  | { readonly type: "name" }
  | { readonly type: "text"; readonly default?: string }
  /** One number for each of several axes; an empty list stands for a default. */
  | { readonly type: "axes" }
  | { readonly type: "axis" }
  | { readonly type: "permutation" }
  | { readonly type: "integers"; readonly minimum?: number; readonly default?: readonly number[] }
  | { readonly type: "shape" }
);

/** The attributes of an op by name. */
export type AttributeDefs = Readonly<Record<string, AttributeDef>>;

/** The TypeScript type of the values of each attribute type. A choice has the type of its choices. */
export interface AttributeTypes {
  readonly number: number;
  readonly size: number;
  readonly integer: number;
  readonly boolean: boolean;
  readonly element: ElementType;
  readonly name: string;
  readonly text: string;
  readonly axes: readonly number[];
  readonly axis: number;
  readonly permutation: readonly number[];
  readonly integers: readonly number[];
  readonly shape: Shape;
}

/** The TypeScript type of the value of a declared attribute. */
export type AttributeOf<D extends AttributeDef> = D extends { readonly choices: readonly (infer Choice)[] }
  ? Choice
  : AttributeTypes[Exclude<D["type"], "choice">];

/** A row with the types of the attributes that it declares. */
export type Declaring<Row, A extends AttributeDefs> = Omit<Row, "attributes"> & { readonly attributes: A };

/** The values of attributes with these definitions. The builder has checked them. */
export type AttributesOf<A extends AttributeDefs> = string extends keyof A
  ? Attributes
  : { readonly [Name in keyof A]: AttributeOf<A[Name]> };

/** Whether the number is valid for an attribute of type `size`. */
export function isSize(value: number): boolean {
  return value >= 0 && Number.isFinite(Math.fround(value));
}

/** Attribute readers: the builder has checked the types against the table. */
export const attribute = {
  number: (attributes: Attributes, name: string) => attributes[name] as number,
  text: (attributes: Attributes, name: string) => attributes[name] as string,
  flag: (attributes: Attributes, name: string) => attributes[name] as boolean,
  axis: (attributes: Attributes) => attributes.axis as number,
  axes: (attributes: Attributes) => attributes.axes as readonly number[],
  permutation: (attributes: Attributes) => attributes.perm as readonly number[],
  integers: (attributes: Attributes, name: string) => attributes[name] as readonly number[],
  shape: (attributes: Attributes, name: string) => attributes[name] as readonly Dim[],
};

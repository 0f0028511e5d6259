/** The type rules by domain and op. */

import type { NodeProto } from "../messages.ts";
import { controlTypes } from "./control.ts";
import { numberTypes } from "./numbers.ts";
import { otherTypes, otherTypesOfMicrosoft } from "./others.ts";
import { productTypes, productTypesOfMicrosoft } from "./products.ts";
import { shapeTypes } from "./shapes.ts";
import type { TypeRule } from "./view.ts";
import { windowTypes, windowTypesOfMicrosoft } from "./windows.ts";

export const standardTypes: Readonly<Record<string, TypeRule>> = {
  ...numberTypes,
  ...shapeTypes,
  ...windowTypes,
  ...productTypes,
  ...otherTypes,
  ...controlTypes,
};

const typesOfMicrosoft: Readonly<Record<string, TypeRule>> = {
  ...windowTypesOfMicrosoft,
  ...productTypesOfMicrosoft,
  ...otherTypesOfMicrosoft,
};

const standard = new Map(Object.entries(standardTypes));
const microsoft = new Map(Object.entries(typesOfMicrosoft));

/** An op of com.microsoft without a rule of its own has that of the standard op with the same name. */
export function typeRuleOf({ domain, opType }: Pick<NodeProto, "domain" | "opType">): TypeRule | undefined {
  if (domain === "") return standard.get(opType);
  return domain.startsWith("com.microsoft") ? (microsoft.get(opType) ?? standard.get(opType)) : undefined;
}

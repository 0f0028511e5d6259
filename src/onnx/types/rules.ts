/** The type rules by domain and name of the op. */

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

/** Ops of com.microsoft that are called like one of ONNX's have its types, unless they are known for others. */
export function typeRuleOf({ domain, opType }: Pick<NodeProto, "domain" | "opType">): TypeRule | undefined {
  if (domain === "") return standard.get(opType);
  return domain.startsWith("com.microsoft") ? (microsoft.get(opType) ?? standard.get(opType)) : undefined;
}

/** Runs the WGSL of one elementwise op over lists of numbers, on its own: no fusion, no schedule. */

import { computedType, laneType } from "../../codegen/expression.ts";
import { ownNames, WgslPrinter } from "../../codegen/print-wgsl.ts";
import type { Attributes } from "../../src/ir/ir.ts";
import type { ElementwiseDef } from "../../src/ir/ops/def.ts";
import { type ElementwiseName, ops } from "../../src/ir/ops/index.ts";
import type { Operands } from "../../src/ir/ops/meaning.ts";
import { wgslFunctionText } from "../../src/ir/ops/wgsl-functions.ts";
import type { ElementType } from "../../src/ir/types.ts";
import { literal, read } from "../../src/kernel/expression.ts";
import type { Scalar } from "../../src/kernel/types.ts";
import { fromNumbers, toNumbers } from "../../src/runtime/host-tensor.ts";
import { runKernel } from "../../src/runtime/prepare.ts";
import type { Kernel } from "../../src/target/manifest.ts";
import { handKernel } from "./hand-kernel.ts";

/** What f16 is computed in. */
export type Computed = Scalar;

interface Evaluation {
  readonly name: ElementwiseName;
  readonly element: Computed;
  readonly attributes: Attributes;
  /** One list an operand, all equally long, a multiple of four. */
  readonly operands: readonly (readonly number[])[];
  /** Components of a vector that are computed at once. */
  readonly width: 1 | 4;
}

const words = { f32: "f32", i32: "i32", u32: "u32", bool: "u32" } as const;

/** The element type of the result, in which it is computed. */
export function resultElement({ name, element, attributes }: Pick<Evaluation, "name" | "element" | "attributes">) {
  const { result } = ops[name] as ElementwiseDef;
  if (result === "same") return element;
  const to = result === "bool" ? "bool" : (attributes.to as ElementType);
  return computedType(to);
}

/** Attributes with the table's defaults. */
export function completeAttributes(def: ElementwiseDef, given: Attributes): Attributes {
  const defaults = Object.entries(def.attributes).flatMap(([name, attribute]) =>
    "default" in attribute ? [[name, attribute.default] as const] : [],
  );
  return { ...Object.fromEntries(defaults), ...given } as Attributes;
}

/** The kernel that stores `op(x0[i], x1[i], ...)` in `y[i]`. */
export function elementwiseKernel({ name, element, attributes, operands, width }: Evaluation): Kernel {
  const def = ops[name] as ElementwiseDef;
  const wide = (type: string) => (width === 1 ? type : `vec4<${type}>`);
  const elements = def.operands.map((operand) => operand.element ?? element);
  const loads = elements.map((type, i) => `  let a${i} = ${wide(type)}(x${i}[i]);`);
  const values = elements.map((type, i) => read({ name: `a${i}`, type: laneType(type, width), isMutable: false }));
  const value = def.kernel(values as Operands<(typeof values)[number]>, {
    element,
    attributes,
    type: (type) => laneType(type, width),
    literal: (number) => literal(laneType(element, width), number),
    constant: () => undefined,
  });
  const printer = new WgslPrinter(ownNames);
  const expression = printer.print(value);
  const seen = new Set<string>();
  const functions = [...printer.library.values()].flatMap((one) => wgslFunctionText(one.name, one.width, seen));
  const out = resultElement({ name, element, attributes });
  const wgsl = [
    ...elements.map((type, i) => `@group(0) @binding(${i}) var<storage, read> x${i}: array<${wide(words[type])}>;`),
    `@group(0) @binding(${elements.length}) var<storage, read_write> y: array<${wide(words[out])}>;`,
    ...functions,
    ...[...printer.functions].map((one) => printer.function(one)),
    "@compute @workgroup_size(1)",
    "fn main(@builtin(workgroup_id) group: vec3<u32>) {",
    "  let i = group.x;",
    ...loads,
    `  let result: ${wide(out)} = ${expression};`,
    `  y[i] = ${wide(words[out])}(result);`,
    "}",
  ].join("\n");
  const count = operands[0]?.length ?? 0;
  return handKernel(wgsl, {
    inputs: Object.fromEntries(elements.map((type, i) => [`x${i}`, [type, [count]]] as const)),
    outputs: { y: [out, [count]] },
    dispatch: { rows: [count / width], columns: [], rowsPerWorkgroup: 1 },
  });
}

/** The results as the device computes them. Operands are rounded to the element type first. */
export async function evaluateOn(device: GPUDevice, evaluation: Evaluation): Promise<Float64Array> {
  const kernel = elementwiseKernel(evaluation);
  const inputs = kernel.manifest.bindings
    .filter(({ access }) => access === "read")
    .map(({ name, element }, i) => {
      const numbers = evaluation.operands[i] ?? [];
      return [name, fromNumbers(element, [numbers.length], numbers)] as const;
    });
  const { outputs } = await runKernel(device, kernel, Object.fromEntries(inputs));
  return toNumbers(outputs.y as NonNullable<typeof outputs.y>);
}

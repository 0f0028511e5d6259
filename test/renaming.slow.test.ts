/** Names of values are hints: with other names, or without, programs and models compile to the same. */

import { readdirSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { minifyKernel } from "../codegen/minify.ts";
import { applyFusedRmsNorm } from "../src/driver/apply-fused-rms-norm.ts";
import { normRegions } from "../src/extract/regions.ts";
import { sameModule } from "../src/ir/equal.ts";
import type { Module } from "../src/ir/ir.ts";
import { print } from "../src/ir/print.ts";
import { importModel } from "../src/onnx/import.ts";
import { bytesInMemory, bytesOf, OnnxModel, type SurgeryOptions } from "../src/onnx/index.ts";
import { operate } from "../src/surgery/surgery.ts";
import type { Kernel } from "../src/target/manifest.ts";
import { isDeep } from "./support/deep.ts";
import { randomModels } from "./support/random-models.ts";
import { nextNames, noNames, renamedImport, renamedModule } from "./support/renamed.ts";
import { sampleRowPrograms } from "./support/row-programs.ts";

const outcomesOf = (module: Module) => {
  const { norms, module: made } = applyFusedRmsNorm(module);
  const outcomes = norms.map(({ centering, beginsStream, constants, movedTo, centers }) => {
    return { centering, beginsStream, moved: [constants.length, movedTo.length], centers: centers().length };
  });
  return { outcomes, made };
};

describe("programs", () => {
  const all = sampleRowPrograms(isDeep ? 60 : 30);

  test.each([
    ["other names", nextNames],
    ["no names", noNames],
  ])("with %s", (_, naming) => {
    for (const { module, text } of all) {
      const [was, is] = [outcomesOf(module), outcomesOf(renamedModule(module, naming))];
      expect(is.outcomes, text).toEqual(was.outcomes);
      // New constants have names, which are made from the names of old constants.
      expect(sameModule(was.made, is.made), `${text}\n${print(is.made)}`).toBe(true);
    }
  });
});

const folder = new URL("onnx/models/", import.meta.url);
const files = readdirSync(folder).filter((name) => name.endsWith(".onnx"));
const models = [
  ...files.map((name) => [name, readFileSync(new URL(name, folder))] as const),
  ...fc
    .sample(randomModels, { numRuns: isDeep ? 12 : 6, seed: 7 })
    .map((bytes, i) => [`random model ${i}`, bytes] as const),
];

/** A kernel with numbers for the names that its text defines, in the order of their definitions. */
function unnamed(kernel: Kernel) {
  const { wgsl, manifest } = minifyKernel(kernel);
  const numbers = new Map<string, number>();
  let count = 0;
  const text = wgsl.replace(/(\b(?:let|var(?:<[^>]*>)?) )?(?<![.\w])([A-Za-z_]\w*)/g, (all, defines, word) => {
    // Each definition of a name gets its own number: scopes do not shadow each other's names.
    if (defines !== undefined) numbers.set(word, count++);
    return numbers.has(word) ? `${defines ?? ""}#${numbers.get(word)}` : all;
  });
  // The positions of bindings follow from the text and the lengths of names.
  const bindings = manifest.bindings.map(({ reads, ...binding }) => {
    return { ...binding, reads: reads?.map((at) => wgsl.slice(at, at + binding.variable.length)) };
  });
  return { text, manifest: { ...manifest, bindings } };
}

describe("models", () => {
  test.each(models)("%s", (_, bytes) => {
    const model = new OnnxModel(bytesInMemory("m.onnx", bytes), () => expect.unreachable());
    const imported = importModel(model, "model.onnx", { rowsOfUnknownRank: true });
    const written = (program: typeof imported, options: SurgeryOptions) => {
      const { pieces, norms, weights, remarks } = operate(model, program, options);
      return {
        bytes: Buffer.concat([...bytesOf(model.reader.source, pieces)]),
        norms,
        weights,
        remarks: remarks.length,
      };
    };
    const regions = (program: typeof imported) =>
      normRegions(model, program).regions.map(({ name, inputs, outputs, kernel }) => [
        name,
        inputs,
        outputs,
        unnamed(kernel),
      ]);
    const regionsBefore = regions(imported);
    for (const naming of [nextNames, noNames]) {
      const renamed = renamedImport(imported, naming);
      const normOp = naming === nextNames ? "skip" : "auto";
      expect(written(renamed, { normOp })).toEqual(written(imported, { normOp }));
      expect(regions(renamed)).toEqual(regionsBefore);
    }
  });
});

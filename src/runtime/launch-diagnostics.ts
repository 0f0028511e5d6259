/** The launcher's problems as diagnostics. */

import * as deviceErrors from "../diagnostics/areas/devices.ts";
import * as inputErrors from "../diagnostics/areas/inputs.ts";
import * as libraryErrors from "../diagnostics/areas/library.ts";
import type { Diagnostic } from "../diagnostics/diagnostic.ts";
import { code } from "../diagnostics/wording.ts";
import { printType } from "../ir/types.ts";
import { mostCounted } from "../launch/counts.ts";
import type { ForEachProblem } from "../launch/explain.ts";
import type { LaunchManifest } from "../launch/manifest.ts";
import type { LaunchProblem } from "../launch/problems.ts";
import { parametersOf } from "../target/manifest.ts";
import { shown, withArticle } from "./host-tensor.ts";

const typeOf = (manifest: LaunchManifest, name: string): string => {
  const found = [...parametersOf(manifest), ...manifest.bindings].find((one) => one.name === name);
  return found === undefined ? "" : printType(found);
};

/** How to get an argument of this kind, from another if that was given. */
function helpFor(what: string, got: unknown): string[] {
  const has = (member: string) => member in Object(got);
  if (what === "encoder") {
    return has("dispatchWorkgroups")
      ? ["`dispatch` of a bound kernel records into a pass; `encode` begins a pass of its own in an encoder"]
      : ["`device.createCommandEncoder()` makes one"];
  }
  if (what === "pass") {
    return has("beginComputePass")
      ? ["`encode` records a pass of its own into an encoder; `dispatch` takes `encoder.beginComputePass()`"]
      : ["`encoder.beginComputePass()` begins one"];
  }
  return [];
}

const told: ForEachProblem<Diagnostic, [kernel: string, manifest: LaunchManifest]> = {
  "E0601 missing": ([name], kernel, manifest) => inputErrors.missingInput(kernel, name, typeOf(manifest, name)),
  "E0602 unknown": ([what, name, ...known], kernel) =>
    what === "outputs" ? inputErrors.unknownResult(kernel, name, known) : inputErrors.unknownInput(kernel, name, known),
  "E0601 not an object": ([what, got], kernel) =>
    what === "dimensions"
      ? inputErrors.noDims(kernel, shown(got))
      : what === "tensors"
        ? inputErrors.noInputs(kernel, withArticle(got))
        : libraryErrors.wrongArgument(`the ${what} of ${code(kernel)}`, "an object", withArticle(got)),
  "E0901 wrong argument": ([what, expected, got], kernel) =>
    libraryErrors.wrongArgument(`the ${what} of ${code(kernel)}`, expected, withArticle(got), helpFor(what, got)),
  "E0603 not a tensor": ([name, array, got], _, manifest) =>
    (array ? inputErrors.wrongElement : inputErrors.noBuffer)(name, typeOf(manifest, name), withArticle(got)),
  "E0603 not a scalar": ([name, , got], _, manifest) =>
    inputErrors.wrongElement(name, typeOf(manifest, name), shown(got)),
  "E0603 not an element": ([name, , at, got], _, manifest) =>
    inputErrors.wrongElement(name, typeOf(manifest, name), `${got} at element ${at}`),
  "E0605 wrong length": ([name, has, needs], _, manifest) =>
    inputErrors.wrongLength(name, typeOf(manifest, name), needs, has),
  "E0618 no storage": ([name], kernel) => inputErrors.noStorage(kernel, name),
  "E0618 too small": ([name, has, needs], _, manifest) =>
    inputErrors.bufferTooSmall(name, typeOf(manifest, name), has, needs),
  "E0618 misaligned": ([name, offset, multiple]) => inputErrors.misaligned(name, offset, multiple),
  "E0608 too large": ([name, bytes, limit, most]) => inputErrors.bufferTooLarge(name, bytes, limit, most),
  "E0619 one buffer": ([name, other, mayAlias], kernel) => inputErrors.boundTwice(kernel, name, other, mayAlias),
  "E0607 no extent": ([name, got], kernel) =>
    got === undefined ? inputErrors.missingDim(kernel, name) : inputErrors.wrongExtent(name, shown(got)),
  "E0608 not counted": ([what, count, ...extents], kernel) =>
    inputErrors.notCounted(kernel, { what, count, extents }, mostCounted),
  "E0610 no feature": ([name], kernel) => deviceErrors.missingFeatures(kernel, [name]),
  "E0611 no limit": ([limit, needs, has], kernel) => deviceErrors.missingLimit(kernel, limit, needs, has),
  "E0628 no product": ([op, step], kernel) => inputErrors.noProduct(kernel, step, op),
  "E0627 narrow subgroups": ([, needs, has], kernel) => deviceErrors.narrowSubgroups(kernel, needs, has),
  "E0613 no pipeline": ([message], kernel) => deviceErrors.pipelineRejected(kernel, message),
  "E0609 destroyed": (_, kernel) => inputErrors.destroyed(kernel),
};

/** The detailed diagnostic of a problem with a call: E0601 to E0619, E0627, E0628 and E0901. */
export function diagnosticOf(kernel: string, [is, ...about]: LaunchProblem, manifest: LaunchManifest): Diagnostic {
  return told[is](about as never, kernel, manifest);
}

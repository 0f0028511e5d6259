/** The launcher's problems as diagnostics. */

import { parametersOf } from "../../codegen/manifest.ts";
import type { Diagnostic } from "../diagnostics/diagnostic.ts";
import { runtimeErrors } from "../diagnostics/errors-runtime.ts";
import { printType } from "../ir/types.ts";
import { mostCounted } from "../launch/counts.ts";
import type { LaunchManifest } from "../launch/manifest.ts";
import type { LaunchProblem } from "../launch/problems.ts";
import { shown, withArticle } from "./host-tensor.ts";

type Of<Kind> = Extract<LaunchProblem, { readonly is: Kind }>;
type Told = {
  readonly [Kind in LaunchProblem["is"]]: (problem: Of<Kind>, kernel: string, manifest: LaunchManifest) => Diagnostic;
};

const typeOf = (manifest: LaunchManifest, name: string): string => {
  const found = [...parametersOf(manifest), ...manifest.bindings].find((one) => one.name === name);
  return found === undefined ? "" : printType(found);
};

const told: Told = {
  missing: ({ name }, kernel, manifest) => runtimeErrors.missingInput(kernel, name, typeOf(manifest, name)),
  unknown: ({ name, known }, kernel) => runtimeErrors.unknownInput(kernel, name, known),
  "not an object": ({ what, got }, kernel) =>
    what === "dimensions" ? runtimeErrors.noDims(kernel, shown(got)) : runtimeErrors.noInputs(kernel, withArticle(got)),
  "not a tensor": ({ name, got }, _, manifest) =>
    runtimeErrors.wrongElement(name, typeOf(manifest, name), withArticle(got)),
  "not a scalar": ({ name, got }, _, manifest) => runtimeErrors.wrongElement(name, typeOf(manifest, name), shown(got)),
  "wrong length": ({ name, has, needs }, _, manifest) =>
    runtimeErrors.wrongLength(name, typeOf(manifest, name), needs, has),
  "no storage": ({ name }, kernel) => runtimeErrors.noStorage(kernel, name),
  "too small": ({ name, has, needs }, _, manifest) =>
    runtimeErrors.bufferTooSmall(name, typeOf(manifest, name), has, needs),
  misaligned: ({ name, offset, multiple }) => runtimeErrors.misaligned(name, offset, multiple),
  "too large": ({ name, bytes, limit, most }) => runtimeErrors.bufferTooLarge(name, bytes, limit, most),
  "one buffer": ({ name, other, mayAlias }, kernel) => runtimeErrors.boundTwice(kernel, name, other, mayAlias),
  "no extent": ({ name, got }, kernel) =>
    got === undefined ? runtimeErrors.missingDim(kernel, name) : runtimeErrors.wrongExtent(name, shown(got)),
  "not counted": ({ overflow }, kernel) => runtimeErrors.notCounted(kernel, overflow, mostCounted),
  "no feature": ({ missing }, kernel) => runtimeErrors.missingFeatures(kernel, missing),
  "no limit": ({ limit, needs, has }, kernel) => runtimeErrors.missingLimit(kernel, limit, needs, has),
  "narrow subgroups": ({ needs, has }, kernel) => runtimeErrors.narrowSubgroups(kernel, needs, has),
  "no pipeline": ({ message }, kernel) => runtimeErrors.pipelineRejected(kernel, message),
  destroyed: (_, kernel) => runtimeErrors.destroyed(kernel),
};

/** E0601 to E0619: what is wrong with a call, at length. */
export function diagnosticOf(kernel: string, problem: LaunchProblem, manifest: LaunchManifest): Diagnostic {
  const tell = told[problem.is] as (problem: LaunchProblem, kernel: string, manifest: LaunchManifest) => Diagnostic;
  return tell(problem, kernel, manifest);
}

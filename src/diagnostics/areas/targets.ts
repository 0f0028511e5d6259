/** Target profiles: E0590 to E0593. */

import { error, type Span } from "../diagnostic.ts";
import type { Entry } from "../page.ts";
import { didYouMean, didYouMeanOr } from "../suggest.ts";

const wholeFile = `{
  "name": "my-gpu",
  "kind": "gpu",
  "features": ["subgroups", "shader-f16"],
  "subgroup": { "min": 32, "max": 32 },
  "limits": {
    "maxStorageBuffersPerShaderStage": 8,
    "maxComputeInvocationsPerWorkgroup": 256,
    "maxComputeWorkgroupStorageSize": 16384,
    "maxComputeWorkgroupsPerDimension": 65535,
    "maxComputeWorkgroupSizeX": 256,
    "maxStorageBufferBindingSize": 134217728
  }
}`;

const example = "`tirc explain E0592` shows a whole target file";

export const E0590: Entry = {
  title: "a target that does not exist",
  explanation: `A target profile states what a kernel can rely on: features, limits and subgroup sizes. Some profiles
are built in; \`portable\` works on every WebGPU device. A file whose name ends in \`.json\` is a profile of your own.`,
  wrong: "tirc compile model.tir --target metal",
  fix: "tirc compile model.tir --target portable",
};

export function unknownTarget(name: string, known: readonly string[]) {
  return error("E0590", `there is no target \`${name}\``, {
    notes: [`built-in targets: ${known.join(", ")}`],
    help: [
      ...didYouMean(name, known),
      "name one of these, or a JSON file with a profile of your own, whose name ends in `.json`",
    ],
  });
}

export const E0591: Entry = {
  title: "a target file that is not valid JSON",
  explanation: "A target file is JSON: names in double quotes, no comments, no trailing commas, and no field twice.",
  wrong: '{ name: "my-gpu" }',
  fix: wholeFile,
};

export function notJson(span: Span, reason: string) {
  return error("E0591", `the target file is not JSON: ${reason}`, { span, help: [example] });
}

export function fieldTwice(span: Span, key: string) {
  return error("E0591", `the target file gives \`${key}\` twice`, { span, help: ["leave one of them out"] });
}

export const E0592: Entry = {
  title: "an invalid field of a target profile",
  explanation: `\`name\` and \`kind\` ("cpu" or "gpu") are required. \`features\` lists WebGPU feature names; by
default there are none. \`subgroup\` is required if the features include "subgroups": it gives the smallest and the
largest subgroup size that the device may choose, as powers of two up to 128. With "subgroup-size-control", kernels
request \`size\`, if it is given. Limits that are left out are WebGPU's defaults.`,
  wrong: '{ "name": "my-gpu", "kind": "gpu", "features": ["subgroups"] }',
  fix: wholeFile,
};

export function wrongField(file: string, path: string, expected: string, got: string) {
  return error("E0592", `${file}: \`${path}\` must be ${expected}, but is ${got}`, {
    help: [example],
  });
}

export const E0593: Entry = {
  title: "an unknown field of a target profile",
  explanation: `The message lists the fields that are allowed there. Limits are those that the compiler uses, by their
WebGPU names.`,
  wrong: '{ "name": "my-gpu", "kind": "gpu", "limits": { "maxBindGroups": 8 } }',
  fix: wholeFile,
};

export function unknownField(file: string, path: string, known: readonly string[]) {
  return error("E0593", `${file}: there is no field \`${path}\` in a target profile`, {
    notes: [`the fields here are ${known.join(", ")}`],
    help: didYouMeanOr("leave it out", path.split(".").at(-1) as string, known),
  });
}

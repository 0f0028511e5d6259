/** Target profiles: E0590 to E0593. */

import { error, type Span } from "../diagnostic.ts";
import type { Entry } from "../page.ts";
import { didYouMean } from "../suggest.ts";

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

export const E0590: Entry = {
  title: "a target that does not exist",
  explanation: `A target profile says what a kernel may count on: features, limits and subgroup sizes. Some are built in; \`portable\`
is what every WebGPU device has. A file whose name ends in \`.json\` holds one of your own.`,
  wrong: "tirc compile model.tir --target metal",
  fix: "tirc compile model.tir --target portable",
};

export function unknownTarget(name: string, known: readonly string[]) {
  return error("E0590", `there is no target \`${name}\``, {
    notes: [`built-in targets: ${known.join(", ")}`],
    help: [
      ...didYouMean(name, known),
      "or give a JSON file with a target profile of your own: its name ends in `.json`",
    ],
  });
}

export const E0591: Entry = {
  title: "a target file that is not JSON",
  explanation:
    "A target file is JSON: names in double quotes, no comments, no comma after the last field, and no field twice.",
  wrong: '{ name: "my-gpu" }',
  fix: wholeFile,
};

export function notJson(span: Span, reason: string) {
  return error("E0591", `the target file is not JSON: ${reason}`, { span });
}

export function fieldTwice(span: Span, key: string) {
  return error("E0591", `the target file gives \`${key}\` twice`, { span });
}

export const E0592: Entry = {
  title: "a field of a target profile is wrong",
  explanation: `\`name\` and \`kind\` ("cpu" or "gpu") must be there. \`features\` are WebGPU feature names, and none if left out.
\`subgroup\` is there when the features have "subgroups": the smallest and the largest subgroup size that the device
may choose, powers of two up to 128; with "subgroup-size-control" kernels ask for \`size\`, if it is there. Limits
that are left out are WebGPU's default ones.`,
  wrong: '{ "name": "my-gpu", "kind": "gpu", "features": ["subgroups"] }',
  fix: wholeFile,
};

export function wrongField(file: string, path: string, expected: string, got: string) {
  return error("E0592", `${file}: \`${path}\` must be ${expected}, and is ${got}`, {
    help: ["`tirc explain E0592` shows a whole target file"],
  });
}

export const E0593: Entry = {
  title: "a field that a target profile does not have",
  explanation:
    "The message lists the fields that may stand there. Limits are those that the compiler reads, by WebGPU's names.",
  wrong: '{ "name": "my-gpu", "kind": "gpu", "limits": { "maxBindGroups": 8 } }',
  fix: wholeFile,
};

export function unknownField(file: string, path: string, known: readonly string[]) {
  return error("E0593", `${file}: there is no field \`${path}\` in a target profile`, {
    notes: [`the fields here are ${known.join(", ")}`],
  });
}

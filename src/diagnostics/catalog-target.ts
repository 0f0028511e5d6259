/** The pages of errors in target profiles: E0590 to E0593. */

import { program } from "./example.ts";
import type { Page } from "./page.ts";

const wholeFile = program(
  "{",
  '  "name": "my-gpu",',
  '  "kind": "gpu",',
  '  "features": ["subgroups", "shader-f16"],',
  '  "subgroup": { "min": 32, "max": 32 },',
  '  "limits": {',
  '    "maxStorageBuffersPerShaderStage": 8,',
  '    "maxComputeInvocationsPerWorkgroup": 256,',
  '    "maxComputeWorkgroupStorageSize": 16384,',
  '    "maxComputeWorkgroupsPerDimension": 65535,',
  '    "maxComputeWorkgroupSizeX": 256,',
  '    "maxStorageBufferBindingSize": 134217728',
  "  }",
  "}",
);

export const targetPages = {
  E0590: {
    title: "a target that does not exist",
    explanation: `A target profile says what a kernel may count on: features, limits and subgroup sizes. Some are built in; \`portable\`
is what every WebGPU device has. A file whose name ends in \`.json\` holds one of your own.`,
    wrong: "tirc compile model.tir --target metal",
    fix: "tirc compile model.tir --target portable",
  },
  E0591: {
    title: "a target file that is not JSON",
    explanation:
      "A target file is JSON: names in double quotes, no comments, no comma after the last field, and no field twice.",
    wrong: '{ name: "my-gpu" }',
    fix: wholeFile,
  },
  E0592: {
    title: "a field of a target profile is wrong",
    explanation: `\`name\` and \`kind\` ("cpu" or "gpu") must be there. \`features\` are WebGPU feature names, and none if left out.
\`subgroup\` is there when the features have "subgroups": the smallest and the largest subgroup size that the device
may choose, powers of two up to 128; with "subgroup-size-control" kernels ask for \`size\`, if it is there. Limits
that are left out are WebGPU's default ones.`,
    wrong: '{ "name": "my-gpu", "kind": "gpu", "features": ["subgroups"] }',
    fix: wholeFile,
  },
  E0593: {
    title: "a field that a target profile does not have",
    explanation:
      "The message lists the fields that may stand there. Limits are those that the compiler reads, by WebGPU's names.",
    wrong: '{ "name": "my-gpu", "kind": "gpu", "limits": { "maxBindGroups": 8 } }',
    fix: wholeFile,
  },
} satisfies Record<string, Page>;

/** Functions that do not become one kernel, and kernels that do not compute their function: E0501 to E0508, R050x. */

import { error, remark, type Span, warning } from "../diagnostic.ts";
import type { Entry } from "../page.ts";
import type { Refusal } from "../refusals.ts";
import { code, counted, extentsText, listing, type TooMany } from "../wording.ts";

export const E0501: Entry = {
  title: "a function that was not fused",
  explanation: `The code generator compiles the groups that \`fuse-elementwise\` has formed. The pipeline did not run
this pass, or a later pass dissolved the groups.`,
  wrong: "tirc compile bert.tir --passes canonicalize",
  fix: "tirc compile bert.tir --passes canonicalize,fuse-elementwise",
};

export function notFused(span: Span, fn: string, op: string) {
  return error("E0501", `\`${op}\` of \`${fn}\` is not in a kernel: the pipeline did not fuse the function`, {
    span,
    help: ["end the pipeline with `fuse-elementwise`"],
  });
}

export const E0502: Entry = {
  title: "a function that is not one kernel",
  explanation: `A kernel is one loop nest over rows and columns: the columns are the axes that its reductions reduce,
the rows are all the others. An op that needs a different iteration space cannot join the ops before it: it reduces
other axes, it reads their results in a different order than they are computed in, or a reshape cuts across the axes.
Parameters can be read in any order; only what the kernel itself computes is tied to the iteration space. Such a
function compiles to a plan of several kernels, unless a single kernel is required (\`--single-kernel\`, or source
maps, which describe one kernel).`,
  wrong: `fn f(x: f32[n, 20]) -> f32[n, 20] {
  let a = softmax(x, axes = [-1])
  return softmax(a, axes = [0])
}`,
  fix: `fn by_row(x: f32[n, 20]) -> f32[n, 20] { return softmax(x, axes = [-1]) }

fn by_column(a: f32[n, 20]) -> f32[n, 20] { return softmax(a, axes = [0]) }`,
};

export function severalKernels(span: Span, fn: string, op: string, { reason, labels = [] }: Refusal, count: number) {
  return error("E0502", `\`${fn}\` is not one kernel: \`${op}\` cannot be computed with the ops before it: ${reason}`, {
    span,
    labels,
    notes: [`the function would take ${count} kernels; one kernel is one loop nest over rows and columns`],
    help: ["split the function in two before this op"],
  });
}

export function noLoops(span: Span, op: string, { reason, labels = [] }: Refusal) {
  return error("E0502", `\`${op}\` cannot be part of a kernel: ${reason}`, {
    span,
    labels,
    help: ["pass the tensor to the kernel in the shape that this op computes"],
  });
}

export const E0503: Entry = {
  title: "results without a common iteration space",
  explanation: `One tensor of the function must have all the axes of the iteration space. Unrelated results are better
computed by separate kernels, as a plan does, unless a single kernel is required (see E0502).`,
  wrong: "fn f(x: f32[n], z: f32[m]) -> (a: f32[n], b: f32[m]) { return exp(x), exp(z) }",
  fix: `fn f(x: f32[n]) -> f32[n] { return exp(x) }

fn g(z: f32[m]) -> f32[m] { return exp(z) }`,
};

export function noCommonSpace(span: Span, fn: string, missing: string) {
  return error("E0503", `\`${fn}\` is not one kernel: none of its tensors has all axes of its iteration space`, {
    span,
    notes: [missing],
    help: ["write one function for each result"],
  });
}

export const E0504: Entry = {
  title: "more storage buffers than the target has",
  explanation: `Every parameter and every result is a separate storage buffer. WebGPU guarantees 8 for a shader; many
adapters have more, which a target profile can state and a device must be requested with. A function that needs more
becomes a plan of several kernels, unless a single kernel is required with \`--single-kernel\`.`,
  wrong: `fn f(a: f32[n], b: f32[n], c: f32[n], d: f32[n], e: f32[n], g: f32[n], h: f32[n], i: f32[n]) -> f32[n] {
  return a + b + c + d + e + g + h + i
}`,
  fix: 'A profile with `"limits": { "maxStorageBuffersPerShaderStage": 10 }`, and a device that was requested with it.',
};

export function tooManyBuffers(span: Span, fn: string, names: readonly string[], target: string, most: number) {
  return error("E0504", `\`${fn}\` needs ${names.length} storage buffers, but the target \`${target}\` has ${most}`, {
    span,
    notes: [`one for each parameter and result: ${listing(names.map(code))}`],
    help: ["compile for a target with a higher maxStorageBuffersPerShaderStage, or pass fewer tensors"],
  });
}

export const E0505: Entry = {
  title: "an op that no kernel computes",
  explanation: `Matrix products and convolutions are part of the language so that passes can see a whole model, but no
kernel computes them. A function that must be a single kernel cannot use them. Otherwise the function becomes a plan:
kernels, and between them opaque steps that the caller computes; \`tirc run\` has plain kernels for products. It has
none for \`extern\`, and an \`opaque\` value has no memory, so it cannot be part of a plan.`,
  wrong: `fn f(x: f32[rows, 768], w: f32[64, 768]) -> f32[rows, 64] {
  let n = layernorm(x, axes = [-1])
  return gelu(linear(n, w))
}`,
  fix: `fn before(x: f32[rows, 768]) -> f32[rows, 768] { return layernorm(x, axes = [-1]) }

fn after(product: f32[rows, 64]) -> f32[rows, 64] { return gelu(product) }`,
};

/** `isInterpreted`: whether the reference interpreter computes all ops of the function; it has none for `extern`. */
export function outside(
  span: Span,
  fn: string,
  op: string,
  reason: string,
  { others, isInterpreted }: { readonly others: number; readonly isInterpreted: boolean },
) {
  const more = others === 1 ? "1 more op" : `${others} more ops`;
  return error("E0505", `\`${fn}\` is not one kernel: it calls \`${op}\`, and ${reason}`, {
    span,
    notes: others === 0 ? [] : [`${more} of the function ${others === 1 ? "is" : "are"} of this kind`],
    help: [
      `without \`--single-kernel\` it is a plan: kernels, and \`${op}\` between them, which the caller computes`,
      isInterpreted
        ? "`tirc run` has plain kernels for products, and `tirc run --device cpu` interprets the function as it is"
        : "`tirc compile --emit tir` prints the function; of an ONNX model, `tirc extract` makes a kernel of each norm",
    ],
  });
}

export const E0506: Entry = {
  title: "a kernel that would be too large",
  explanation: `A kernel reads a row once for each reduction that depends on the previous one. If the row length is a
number, each lane caches what it has computed in registers for the next loop. If it is a name, each loop starts from
the inputs again: with hundreds of reductions in sequence, the code would exceed what drivers can compile.

Ops that move elements, such as \`concat\` and \`slice\`, are computed again at each place where they are read. Where
joined tensors are repeatedly moved and joined again, the code size doubles each time.`,
  wrong: "A function with 500 norms one after the other, over rows of length `n`.",
  fix: "tirc compile model.tir --dim n=768",
};

export function tooLarge(span: Span, fn: string, reads: number, ops: number) {
  return error("E0506", `the kernel of \`${fn}\` would be too large: ${ops} ops in ${reads} loops over a row`, {
    span,
    notes: ["where the row length is a name, each loop computes its row again, as no lane can cache it in registers"],
    help: ["write the row length as a number, set it with `--dim`, or split the function in two"],
  });
}

export function tooManyPlaces(span: Span, op: string, most: number) {
  return error(
    "E0506",
    `the kernel would be too large: what it computes up to \`${op}\` takes more than ${most} values`,
    {
      span,
      notes: [
        "what an op moves is computed again at each place where it is read, which doubles where moved tensors are joined",
      ],
      help: ["split the function in two, so that a tensor is stored before it is moved again"],
    },
  );
}

export const E0507: Entry = {
  title: "more rows or columns than 32 bits can count",
  explanation: `A kernel uses 32-bit numbers for rows, for the elements of a row and for those of a tensor.
Broadcasting multiplies them: a column and a row of 65536 elements each are 2^32 elements together, though neither is
large.`,
  wrong: `fn f(x: f32[65537, 1], y: f32[1, 65535]) -> f32 {
  return max(x + y, axes = [0, 1])
}`,
  fix: `fn f(x: f32[4096, 1], y: f32[1, 65536]) -> f32 {
  return max(x + y, axes = [0, 1])
}`,
};

export function notCounted(span: Span, fn: string, overflow: TooMany, most: number) {
  return error("E0507", `the kernel of \`${fn}\` would count ${counted(overflow)}, but counts with 32 bits`, {
    span,
    notes: [`it counts up to ${most}`],
    help: ["make the tensors smaller, and run the function once for each part"],
  });
}

export const E0508: Entry = {
  title: "a kernel that does not compute its function",
  explanation: `\`tirc compile --prove\` reads the WGSL back, executes it lane by lane over finite fields, and
compares the results with those of the function, in exact arithmetic, so that no difference can be due to rounding. It
also reports data races between lanes, barriers that not all lanes reach, and out-of-bounds indices. docs/proof.md
describes what it cannot detect. A failure is a bug of the compiler, or of a plugin's op whose \`kernel\` does not
match its \`exact\`.`,
  wrong: "A plugin's op with `kernel: ([x]) => x` and `exact: (field, [x]) => field.neg(x)`.",
  fix: "Report it with the program and the target; compile without `--prove`, and check with `tirc run --compare`.",
};

/** @param found the position of a difference, or violations of rules for all kernels. */
export function notTheFunction(
  span: Span,
  fn: string,
  target: string,
  found:
    | { readonly faults: readonly string[] }
    | {
        readonly result: string;
        readonly index: readonly number[];
        readonly dims: Readonly<Record<string, number>>;
      },
) {
  const where = (result: string, index: readonly number[]) =>
    index.length === 0 ? code(result) : `${code(result)} at [${index.join(", ")}]`;
  const notes =
    "faults" in found
      ? found.faults
      : [
          `in exact arithmetic the results differ in ${[where(found.result, found.index), ...extentsText(found.dims)].join(", ")}`,
        ];
  return error("E0508", `the kernel of \`${fn}\` for \`${target}\` does not compute the function`, {
    span,
    notes,
    help: ["this is a bug in the compiler, not in the program; another `--target` may have a kernel without it"],
  });
}

export const R0501: Entry = {
  title: "an op that begins a new kernel",
  explanation: `\`fuse-elementwise\` puts ops into one kernel as long as they share an iteration space of rows and
columns. This op needs a different one, for the reason given in the remark, so the function becomes a plan of several
kernels, and values that one kernel computes for another go through memory. Among all partitions into kernels, the
pass chooses the one that moves the fewest bytes.`,
  wrong: `fn f(x: f32[n, 20]) -> f32[n, 20] {
  let a = softmax(x, axes = [-1])
  return softmax(a, axes = [0])
}`,
  fix: "Nothing needs to be done; a different order of reductions may avoid it. `tirc compile --emit plan` prints the kernels.",
};

/** @param between the values that one kernel writes and this one reads, with their sizes in bytes. */
export function newKernel(
  span: Span,
  op: string,
  { reason, labels = [], way }: Refusal,
  between: readonly { readonly name: string; readonly bytes: string }[],
) {
  const moved = between.map(({ name, bytes }) => `${name} (${bytes} bytes)`);
  const cost = moved.length === 0 ? "one launch more" : `${listing(moved)} written and read again, and one more launch`;
  return remark("R0501", `\`${op}\` begins a kernel of its own: ${reason}`, {
    span,
    labels,
    notes: [`that costs ${cost}`],
    help: [
      ...(way === undefined ? [] : [way]),
      "`tirc compile --emit plan` prints the kernels; `--single-kernel` rejects the function",
    ],
  });
}

export const R0502: Entry = {
  title: "an op outside the kernels",
  explanation: `\`fuse-elementwise\` puts ops into kernels. No kernel computes this op (E0505), so it is a step of its
own between the kernels of the ops before and after it.`,
  wrong: `fn f(x: f32[rows, 768], w: f32[64, 768]) -> f32[rows, 64] {
  let n = layernorm(x, axes = [-1])
  return gelu(linear(n, w))
}`,
  fix: "Nothing needs to be done for a plan. For a single kernel, write a function without the op.",
};

export function staysOutside(span: Span, op: string, reason: string) {
  return remark("R0502", `\`${op}\` stays outside the kernels: ${reason}`, {
    span,
    help: ["a function with this op is not a single kernel; `tirc compile --emit tir` prints the result of the passes"],
  });
}

export const R0503: Entry = {
  title: "a kernel that was not proved",
  explanation: `\`tirc compile --prove\` compares a kernel with its function in exact arithmetic. This function
computes too many elements for that, or something that finite fields cannot express: an exponential of exponentials
scaled by a sum, or an op of a plugin without an \`exact\` definition.`,
  wrong: "tirc compile model.tir --prove --dim columns=10000000",
  fix: "tirc compile model.tir --prove",
};

export function notProved(span: Span, fn: string, target: string, because: string) {
  return warning(
    "R0503",
    `whether the kernel of \`${fn}\` for \`${target}\` computes the function was not decided: ${because}`,
    {
      span,
      help: ["set smaller extents with `--dim NAME=EXTENT`, or compare it with float64: `tirc run --compare`"],
    },
  );
}

export const R0504: Entry = {
  title: "a long reduction in one kernel",
  explanation: `In one kernel, a row or a column that is reduced belongs to one workgroup. A GPU runs hundreds of
workgroups at once, so if a reduction is long and there are only a few of them, most of the GPU is idle.
\`--split-reductions=long\` divides each among several workgroups: one kernel reduces parts, one merges their
results, and for norms and softmax another computes the elements.`,
  wrong: `fn f(x: f32[rows, 131072]) -> f32[rows, 131072] {
  return softmax(x, axes = [-1])
}`,
  fix: "If there are fewer than about a hundred rows, `tirc compile FILE --split-reductions=long`; otherwise nothing needs doing.",
};

/** @param least the minimum length of a long reduction, in elements. */
export function oneWorkgroup(span: Span, op: string, least: number) {
  return remark("R0504", `\`${op}\` reduces ${least} elements or more in one workgroup`, {
    span,
    help: [
      "if there are only a few such rows or columns, `--split-reductions=long` divides each among several workgroups, in several kernels",
    ],
  });
}

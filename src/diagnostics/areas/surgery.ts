/** Models that are written back: E0748 to E0756. */

import { error, type Span } from "../diagnostic.ts";
import type { Entry } from "../page.ts";
import { code } from "../wording.ts";

export const E0748: Entry = {
  title: "a norm that the model's operator set does not have",
  explanation: `ONNX has \`RMSNormalization\` since operator set 23. A model of an older set is upgraded to that set
if all of its nodes keep their meaning. Otherwise, or if the model contains functions, it keeps its set, and the norm
is written as an op of onnxruntime, as a function of the model, or as primitive ops. Without the option, a valid and
fast form is chosen.`,
  wrong: "tirc surgery gpt2-opset17.onnx -o rms.onnx --norm-op rmsnorm",
  fix: "tirc surgery gpt2-opset17.onnx -o rms.onnx",
};

/** @param because a clause: why it is not written in a later set. */
export function noSuchOp(file: string, opset: number, because: string) {
  return error("E0748", `${file} uses operator set ${opset} of ONNX, but \`RMSNormalization\` is in set 23 and later`, {
    notes: [`it is not written in set 23, ${because}`],
    help: [
      "leave out `--norm-op`: the form that is chosen then exists in any set",
      "or convert the model: `onnx.version_converter.convert_version(model, 23)`",
    ],
  });
}

export const E0749: Entry = {
  title: "a node that cannot be written",
  explanation: `The result of the passes for this node cannot be expressed as ONNX nodes. The model is unchanged;
please report this, with the model.`,
  wrong: "tirc surgery model.onnx -o rms.onnx",
  fix: "tirc import model.onnx -o model.tir",
};

export function unwritable(file: string, node: string, reason: string) {
  return error("E0749", `${node} of ${file} cannot be written: ${reason}`, {
    help: ["please report this with the model"],
  });
}

export const E0751: Entry = {
  title: "a model that would not find its weights",
  explanation: `A model names the files of its weights relative to its own folder, and they must be inside that
folder. If the rewritten model is in another folder, those files are needed there too.`,
  wrong: "tirc surgery models/llama.onnx -o out/llama.onnx",
  fix: "tirc surgery models/llama.onnx -o models/llama.rms.onnx",
};

export function weightsElsewhere(span: Span, file: string, location: string, beside: string) {
  return error("E0751", `${file} would not find its weights: they are in ${location}, which is beside the model`, {
    span,
    notes: ["a model names such files relative to its own folder, and they must be inside it"],
    help: [`write ${beside}`, `or copy ${location} first`],
  });
}

export const E0752: Entry = {
  title: "models that cannot be run here",
  explanation: `\`tirc surgery --check\` runs models in onnxruntime, through the package \`onnxruntime-web\`. Nothing
else needs the package, so it is not installed with tirc.`,
  wrong: "tirc surgery model.onnx -o rms.onnx --check",
  fix: "npm install onnxruntime-web\ntirc surgery model.onnx -o rms.onnx --check",
};

export function noOnnxruntime(reason: string) {
  return error("E0752", "the package `onnxruntime-web` is not installed, and nothing else can run models", {
    notes: [reason],
    help: ["npm install onnxruntime-web"],
  });
}

export const E0753: Entry = {
  title: "a model that onnxruntime cannot run",
  explanation: `The message contains the error of onnxruntime. It may lack an op of the model, or the chosen extents
may not fit together: choose others with \`--dim\`. Only numeric inputs are generated.`,
  wrong: "tirc surgery model.onnx --check",
  fix: "tirc surgery model.onnx --check --dim seq=16 --dim past_seq=0",
};

export function doesNotRun(file: string, reason: string, interpreter?: string) {
  return error("E0753", `onnxruntime cannot run ${file}: ${reason}`, {
    notes: interpreter === undefined ? [] : [`nor does the interpreter, because ${interpreter}`],
    help: ["`--dim NAME=EXTENT` gives extents that go together, and `--in NAME=FILE.npy` inputs of your own"],
  });
}

export function notFed(file: string, input: string, what: string) {
  return error("E0753", `no data can be generated for the input ${code(input)} of ${file}: it is ${what}`, {
    help: ["inputs are tensors of numbers; leave `--check` out, and compare the models in your application"],
  });
}

export const E0754: Entry = {
  title: "a rewritten model with different results",
  explanation: `The outputs before and after differ by more than rounding explains: by more than a thousandth of the
largest number of the output, or a fiftieth for 16-bit floats, and the rewritten model is not closer to float64. In
this case the model is not written, unless \`--keep\` is given. Modes other than \`exact\` are not checked this way.`,
  wrong: "tirc surgery model.onnx -o rms.onnx --check",
  fix: "tirc surgery model.onnx -o rms.onnx --check --seed 1",
};

export function differs(output: string, difference: string, largest: string, fromFloat64?: string) {
  return error("E0754", `${code(output)} differs by ${difference}, and its largest number is ${largest}`, {
    notes: fromFloat64 === undefined ? [] : [`the distance from float64 is ${fromFloat64}`],
    help: ["check whether the model overflows, or depends on the last bits of its numbers; otherwise report this"],
  });
}

export const E0755: Entry = {
  title: "a rewritten model that is too long",
  explanation: `A Protocol Buffers message has at most 2 GiB. Centered weights are written into the model itself, even
if the other weights are in files beside it.`,
  wrong: "tirc surgery opt-30b.onnx -o rms.onnx",
  fix: "tirc import opt-30b.onnx -o opt.tir\ntirc compile opt.tir --emit tir -o rms.tir --weights-out rms.safetensors",
};

export function tooLong(file: string, bytes: number) {
  const size = `${(bytes / 2 ** 30).toFixed(1)} GiB`;
  return error("E0755", `${file} would be ${size} long with the centered weights, but a model has at most 2 GiB`, {
    help: ["`tirc import` makes a program of it, and `tirc compile --emit tir --weights-out` rewrites that"],
  });
}

export const E0756: Entry = {
  title: "a check that compared nothing",
  explanation: `Two models whose outputs are all NaN agree, and so do two with empty outputs, or with the same number
everywhere. That says nothing about the rewritten model, so the check fails and the model is not written. The
generated inputs are usually the cause, such as a mask that excludes everything, or the model overflows.`,
  wrong: "tirc surgery model.onnx -o rms.onnx --check",
  fix: "tirc surgery model.onnx -o rms.onnx --check --in attention_mask=ones",
};

export function nothingCompared(output: string, what: string) {
  return error("E0756", `${what.replace("%", code(output))}: nothing was compared`, {
    help: [
      "give inputs for which the model computes something: `--in NAME=FILE.npy`, `--in 'NAME=uniform(0, 1)'`",
      "a mask that excludes everything turns every number into NaN: `--in MASK=ones`",
    ],
  });
}

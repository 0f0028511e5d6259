/** Checkpoints of Hugging Face: E0790 to E0796. */

import { error, type Span } from "../diagnostic.ts";
import type { Entry } from "../page.ts";
import { didYouMean } from "../suggest.ts";
import { code } from "../wording.ts";

export const E0790: Entry = {
  title: "a folder that is not a checkpoint",
  explanation: `A folder is read as a Hugging Face checkpoint: \`config.json\`, and weights in \`model.safetensors\`
or in shards listed in \`model.safetensors.index.json\`. Pickles (\`pytorch_model.bin\`) can run code when they are
loaded, and are not read. Links that lead out of the folder are not followed.`,
  wrong: "tirc surgery ./gpt2 -o ./gpt2-rms            // the weights are in pytorch_model.bin",
  fix: `hf download openai-community/gpt2 --local-dir ./gpt2
tirc surgery ./gpt2 -o ./gpt2-rms`,
};

export function notACheckpoint(folder: string, reason: string, help: string) {
  return error("E0790", `${folder} is not a checkpoint that tirc can read: ${reason}`, { help: [help] });
}

export const E0791: Entry = {
  title: "an incomplete configuration",
  explanation: `\`config.json\` states the number of layers and the eps of the norms. Without these it is unknown
which weights are added to what.`,
  wrong: '{ "model_type": "gpt2", "n_layer": "12" }',
  fix: '{ "model_type": "gpt2", "n_layer": 12 }',
};

export function wrongConfig(file: string, reason: string) {
  return error("E0791", `${file} is not a valid model configuration: ${reason}`, {
    help: ["use the file that comes with the weights; tirc reads what `save_pretrained` writes"],
  });
}

export const E0792: Entry = {
  title: "an architecture without a template",
  explanation: `A checkpoint contains weights but no graph. For some architectures, identified by \`model_type\`, tirc
knows which weights are added to the rows that norms read. For others, use an ONNX model or an archive of
torch.export, whose graph shows this.`,
  wrong: "tirc surgery ./mamba -o ./mamba-rms",
  fix: "tirc surgery mamba.onnx -o mamba-rms.onnx",
};

export function unknownArchitecture(file: string, type: string, known: readonly string[]) {
  return error("E0792", `tirc does not know which weights of a ${code(type)} are added to the inputs of its norms`, {
    notes: [`${file} has \`model_type\` ${code(type)}; there are templates for ${known.join(", ")}`],
    help: [
      ...didYouMean(type, known),
      "export it, to ONNX or by torch.export: its graph shows this, and `tirc surgery` takes the .onnx or .pt2 file",
    ],
  });
}

export const E0793: Entry = {
  title: "a missing or unexpected weight",
  explanation: `Names and shapes of weights must be those that the library transformers writes. Files of quantized
weights, of adapters (LoRA) or of other libraries differ.`,
  wrong: "tirc surgery ./gpt2-lora -o ./gpt2-rms       // adapter_model.safetensors, renamed",
  fix: "tirc surgery ./gpt2 -o ./gpt2-rms            // what the adapter is added to",
};

export function noTensor(folder: string, tensor: string, type: string, known: readonly string[]) {
  return error("E0793", `${folder} has no tensor ${code(tensor)}, which a ${code(type)} has`, {
    notes: [`it has ${known.length} tensors`],
    help: [...didYouMean(tensor, known), "files of quantized or adapted weights have other tensors: use the original"],
  });
}

export function wrongTensor(folder: string, tensor: string, expected: string, type: string, shape: readonly number[]) {
  return error(
    "E0793",
    `${code(tensor)} of ${folder} is ${expected} in the model, but ${type} [${shape.join(", ")}] here`,
    {
      help: ["use the weights that belong to the configuration; quantized weights cannot be centered"],
    },
  );
}

export const E0794: Entry = {
  title: "an invalid index of shards",
  explanation: `\`model.safetensors.index.json\` states which file contains each tensor. The files are safetensors in
the same folder, and each tensor is in exactly one of them.`,
  wrong: '{ "weight_map": { "wte.weight": "../elsewhere.safetensors" } }',
  fix: '{ "weight_map": { "wte.weight": "model-00001-of-00002.safetensors" } }',
};

export function wrongIndex(file: string, reason: string) {
  return error("E0794", `${file} is not a valid index of shards: ${reason}`, {
    help: ["use the file that comes with the shards"],
  });
}

export const E0795: Entry = {
  title: "an output folder that is not empty",
  explanation: `A checkpoint is written as a whole folder. Files that are already there would be taken for parts of
it.`,
  wrong: "tirc surgery ./gpt2 -o ./gpt2",
  fix: "tirc surgery ./gpt2 -o ./gpt2-rms",
};

export function notEmpty(span: Span, folder: string) {
  return error("E0795", `the folder ${code(folder)} is not empty`, {
    span,
    help: ["name a folder that does not exist yet, or an empty one: nothing in it is overwritten"],
  });
}

export const E0796: Entry = {
  title: "a weight that is too large for its type",
  explanation: `The factors of a norm are folded into the weights after it, and a LayerScale into the weight before
it. A weight of f16 or bf16 is rounded to its type again; a product beyond the largest number of that type would
become infinite.`,
  wrong: "tirc surgery ./llama-f16 -o ./folded --fold gamma,beta",
  fix: "tirc surgery ./llama-f16 -o ./folded            // without --fold",
};

export function tooLarge(folder: string, tensor: string, type: string, number: number) {
  return error(
    "E0796",
    `${code(tensor)} of ${folder} would contain ${number.toPrecision(3)}, which is too large for ${type}`,
    {
      help: ["leave `--fold` out, or use an f32 checkpoint"],
    },
  );
}

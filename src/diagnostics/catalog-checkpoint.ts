/** The pages of checkpoints: E0790 to E0796. */

import type { Page } from "./page.ts";

export const checkpointPages = {
  E0790: {
    title: "a folder that is no checkpoint",
    explanation: `A folder is read as a checkpoint of Hugging Face's: \`config.json\`, and weights in \`model.safetensors\` or in shards with
\`model.safetensors.index.json\`. Pickles (\`pytorch_model.bin\`) can run code when they are read, and are not. Links that
lead out of the folder are not followed.`,
    wrong: "tirc surgery ./gpt2 -o ./gpt2-rms            // the weights are in pytorch_model.bin",
    fix: `hf download openai-community/gpt2 --local-dir ./gpt2
tirc surgery ./gpt2 -o ./gpt2-rms`,
  },
  E0791: {
    title: "a configuration that does not say what the model is",
    explanation: `\`config.json\` has the number of layers and the eps of norms. Without them nobody knows which weights are added to what.`,
    wrong: '{ "model_type": "gpt2", "n_layer": "12" }',
    fix: '{ "model_type": "gpt2", "n_layer": 12 }',
  },
  E0792: {
    title: "a model for which there is no template",
    explanation: `A checkpoint holds weights and no graph. Which of them are added to the rows that norms read is known for some
architectures, by \`model_type\`. In an ONNX model it stands in the graph.`,
    wrong: "tirc surgery ./mamba -o ./mamba-rms",
    fix: "tirc surgery mamba.onnx -o mamba-rms.onnx",
  },
  E0793: {
    title: "a weight that is missing, or is another",
    explanation: `The names and shapes of weights are those that the library transformers writes. Files of quantized weights, of adapters
(LoRA) or of other libraries have others.`,
    wrong: "tirc surgery ./gpt2-lora -o ./gpt2-rms       // adapter_model.safetensors, renamed",
    fix: "tirc surgery ./gpt2 -o ./gpt2-rms            // what the adapter is added to",
  },
  E0794: {
    title: "an index of shards that is wrong",
    explanation: `\`model.safetensors.index.json\` says in which file each tensor lies: files of safetensors that lie beside it. A tensor lies
in one of them.`,
    wrong: '{ "weight_map": { "wte.weight": "../elsewhere.safetensors" } }',
    fix: '{ "weight_map": { "wte.weight": "model-00001-of-00002.safetensors" } }',
  },
  E0795: {
    title: "an output folder that is not empty",
    explanation: "A checkpoint is written as a whole folder. Files that stood there would be taken for a part of it.",
    wrong: "tirc surgery ./gpt2 -o ./gpt2",
    fix: "tirc surgery ./gpt2 -o ./gpt2-rms",
  },
  E0796: {
    title: "a weight that is too large for its type",
    explanation: `What a norm multiplies by goes into weights behind it, and a LayerScale into the weight before. A weight of f16 or bf16 is
rounded to its type again; a product above the largest number of that would be infinite.`,
    wrong: "tirc surgery ./llama-f16 -o ./folded --fold gamma,beta",
    fix: "tirc surgery ./llama-f16 -o ./folded            // without --fold",
  },
} satisfies Record<string, Page>;

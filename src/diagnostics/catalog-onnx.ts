/** The pages of ONNX models: E0740 to E0757, R0701, R0702. */

import type { Page } from "./page.ts";

export const onnxPages = {
  E0740: {
    title: "a file that is no sound ONNX model",
    explanation: `A model is a message of Protocol Buffers, a list of fields with their lengths. The message says at which byte of the file
that does not come out; perhaps the file was cut off, or is of another format.`,
    wrong: "tirc import model.safetensors",
    fix: "tirc import model.onnx",
  },
  E0741: {
    title: "an operator set that is not read",
    explanation: `What an op means depends on the version of the operator set that the model names. Versions 9 to 23 of ONNX's own set are
read; sets of others are passed over, and their ops become \`extern\`.`,
    wrong: "tirc import resnet-opset7.onnx",
    fix: 'onnx.save(onnx.version_converter.convert_version(onnx.load("resnet-opset7.onnx"), 17), "resnet.onnx")',
  },
  E0742: {
    title: "a tensor that nothing makes",
    explanation: `Every name that a node takes is an input of the graph, one of its initializers, or an output of another node. So are the
names that a graph inside of a node (of \`If\`, \`Loop\`, \`Scan\`) takes from around it.`,
    wrong: "Add(x, bias) -> y      where no node, input or initializer is called bias",
    fix: "Add(x, bias) -> y      with an initializer bias",
  },
  E0743: {
    title: "nodes that wait for one another",
    explanation:
      "No node of a graph takes what is made from its own output. The message names a ring of nodes that do.",
    wrong: "Add(x, b) -> a\nRelu(a) -> b",
    fix: "Add(x, x) -> a\nRelu(a) -> b",
  },
  E0744: {
    title: "a name that is made twice",
    explanation: "Every tensor of a graph has a name of its own, and is an output of one node.",
    wrong: "Relu(x) -> y\nTanh(x) -> y",
    fix: "Relu(x) -> y\nTanh(x) -> z",
  },
  E0745: {
    title: "a tensor whose numbers do not fit its shape",
    explanation: `A tensor in a model has a type, a shape, and as many numbers as the two say. The message has what is wrong; perhaps the
file was cut off, or was written by a faulty program.`,
    wrong: "FLOAT of shape [768] with 3000 bytes",
    fix: "FLOAT of shape [768] with 3072 bytes",
  },
  E0746: {
    title: "weights in another file that are not read",
    explanation: `A large model keeps its weights in files beside it. The names are relative to the model's folder, and must stay inside of
it; each tensor says where in the file it begins and how long it is. So that a model from elsewhere cannot have other
files read, a link that leads out of the folder is refused, and so is a file with a second name (a hard link).`,
    wrong: "location = /etc/passwd",
    fix: "location = model.onnx.data, offset = 4096, length = 3072",
  },
  E0747: {
    title: "a model from which constants cannot be loaded",
    explanation: `An imported program names the model from which its constants are loaded: a file whose name ends in \`.onnx\` or
\`.pt2\`. A string has no escapes, so a name with a quotation mark or a line break cannot be written.`,
    wrong: "tirc import 'my \"best\" model.onnx'",
    fix: "tirc import best.onnx",
  },
  E0748: {
    title: "a norm that the model's operator set does not have",
    explanation: `ONNX has \`RMSNormalization\` since set 23. A model of an older set is written in that one, if all of its nodes can be
said there. One that has a node of which the meaning changed, or functions, stays in its set, and holds the norm as an op of
onnxruntime, as a function of the model, or as primitive ops; what is valid and fast is chosen without the option.`,
    wrong: "tirc surgery gpt2-opset17.onnx -o rms.onnx --norm-op rmsnorm",
    fix: "tirc surgery gpt2-opset17.onnx -o rms.onnx",
  },
  E0749: {
    title: "a node of a model that cannot be written anew",
    explanation: `What the passes made of the node is nothing that tirc writes as nodes of ONNX. The model is not changed; please report it,
with the model.`,
    wrong: "tirc surgery model.onnx -o rms.onnx",
    fix: "tirc import model.onnx -o model.tir",
  },
  E0751: {
    title: "a model that would not find its weights",
    explanation: `A model names the files of its weights relative to its own folder, and they must lie in it. In another folder the written
model needs those files too.`,
    wrong: "tirc surgery models/llama.onnx -o out/llama.onnx",
    fix: "tirc surgery models/llama.onnx -o models/llama.rms.onnx",
  },
  E0752: {
    title: "models that cannot be run here",
    explanation: `\`tirc surgery --check\` runs the models in onnxruntime, by the package \`onnxruntime-web\`. Nothing else needs it, so it is
not installed with tirc.`,
    wrong: "tirc surgery model.onnx -o rms.onnx --check",
    fix: "npm install onnxruntime-web\ntirc surgery model.onnx -o rms.onnx --check",
  },
  E0753: {
    title: "a model that onnxruntime does not run",
    explanation: `The message has what onnxruntime said. Perhaps it lacks an op of the model, or the extents that were chosen do not go
together: \`--dim\` gives others. Inputs are made up for numbers alone.`,
    wrong: "tirc surgery model.onnx --check",
    fix: "tirc surgery model.onnx --check --dim seq=16 --dim past_seq=0",
  },
  E0754: {
    title: "a written model that computes something else",
    explanation: `Before and after, the outputs differ by more than rounding explains: a thousandth of the largest number of the output,
or two hundredths where it is of halves; and the written model is not the nearer one to float64. It is not written then,
unless \`--keep\` says so. Modes other than \`exact\` are not held to it.`,
    wrong: "tirc surgery model.onnx -o rms.onnx --check",
    fix: "tirc surgery model.onnx -o rms.onnx --check --seed 1",
  },
  E0755: {
    title: "a written model that is too long",
    explanation: `A message of Protocol Buffers has at most 2 GiB. Weights that are centered are written into the model itself, also where
the others are in files beside it.`,
    wrong: "tirc surgery opt-30b.onnx -o rms.onnx",
    fix: "tirc import opt-30b.onnx -o opt.tir\ntirc compile opt.tir --emit tir -o rms.tir --weights-out rms.safetensors",
  },
  E0756: {
    title: "a check that compared nothing",
    explanation: `Two models that make NaN of everything agree, and so do two that make nothing, or the same number everywhere. That says
nothing about the written model, so it does not pass, and is not written. The inputs that were drawn are to blame, as a
mask that leaves nothing, or a model whose numbers overflow.`,
    wrong: "tirc surgery model.onnx -o rms.onnx --check",
    fix: "tirc surgery model.onnx -o rms.onnx --check --in attention_mask=ones",
  },
  E0757: {
    title: "a model that cannot be cut",
    explanation: `\`tirc extract --cut\` writes the nodes between the kernels as models of their own, and inputs and outputs of a model have
types. The types of most tensors follow from the nodes; of what an operator of another domain makes, the file must say it.`,
    wrong: "tirc extract model.onnx -o kernels --cut",
    fix: `python -c "import onnx; onnx.save(onnx.shape_inference.infer_shapes(onnx.load('model.onnx')), 'typed.onnx')"
tirc extract typed.onnx -o kernels --cut`,
  },
  R0701: {
    title: "a node that is kept as it is",
    explanation: `The language has no op for the node, or the node does something that the op does not; the note has the reason. An
\`extern\` op stands for it. What follows from it is only known as far as the model says its types.`,
    wrong: "Conv(x, w) -> y",
    fix: "Nothing is wrong: the node stays in the model as it was.",
  },
  R0702: {
    title: "a tensor of a model whose type is not known",
    explanation: `The type of what a node makes follows from its inputs for many ops of ONNX, and the model may say it. Here neither is so:
the tensor is \`opaque\`, and nodes that take it become \`extern\`, whatever they are.`,
    wrong: "tirc import model.onnx",
    fix: 'onnx.save(onnx.shape_inference.infer_shapes(onnx.load("model.onnx")), "typed.onnx")',
  },
} satisfies Record<string, Page>;

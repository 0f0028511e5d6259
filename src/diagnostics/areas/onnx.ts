/** ONNX models: E0740 to E0747, E0757, and the remarks of the import, R0701 and R0702. */

import { error, remark, type Span } from "../diagnostic.ts";
import type { Entry } from "../page.ts";
import { code } from "../wording.ts";

/** The first few of a list of names. */
function several(names: readonly string[], most = 4): string {
  const rest = names.length - most;
  return rest > 0 ? `${names.slice(0, most).join(", ")} and ${rest} more` : names.join(", ");
}

export const E0740: Entry = {
  title: "a file that is no sound ONNX model",
  explanation: `A model is a message of Protocol Buffers, a list of fields with their lengths. The message says at which byte of the file
that does not come out; perhaps the file was cut off, or is of another format.`,
  wrong: "tirc import model.safetensors",
  fix: "tirc import model.onnx",
};

export function corrupt(file: string, offset: number, reason: string) {
  return error("E0740", `${file} is no sound ONNX model: at byte ${offset}, ${reason}`, {
    help: file.endsWith(".tir") ? [`a program is compiled: \`tirc compile ${file}\``] : [],
  });
}

export function notOnnx(file: string) {
  return error("E0740", `${file} is no ONNX model: it has no graph`, {
    help: ["a model is what `onnx.save(model, path)` writes; a graph or a tensor alone is none"],
  });
}

export function noOutputs(file: string) {
  return error("E0740", `${file} is no ONNX model that computes anything: its graph has no outputs`);
}

export const E0741: Entry = {
  title: "an operator set that is not read",
  explanation: `What an op means depends on the version of the operator set that the model names. Versions 9 to 23 of ONNX's own set are
read; sets of others are passed over, and their ops become \`extern\`.`,
  wrong: "tirc import resnet-opset7.onnx",
  fix: 'onnx.save(onnx.version_converter.convert_version(onnx.load("resnet-opset7.onnx"), 17), "resnet.onnx")',
};

export function unknownOpset(file: string, opset: number, oldest: number, newest: number) {
  return error("E0741", `${file} uses operator set ${opset} of ONNX, and sets ${oldest} to ${newest} are read`, {
    help: [`convert it: \`onnx.version_converter.convert_version(model, ${Math.min(Math.max(opset, 17), newest)})\``],
  });
}

export const E0742: Entry = {
  title: "a tensor that nothing makes",
  explanation: `Every name that a node takes is an input of the graph, one of its initializers, or an output of another node. So are the
names that a graph inside of a node (of \`If\`, \`Loop\`, \`Scan\`) takes from around it.`,
  wrong: "Add(x, bias) -> y      where no node, input or initializer is called bias",
  fix: "Add(x, bias) -> y      with an initializer bias",
};

export function undefinedName(file: string, name: string, user: string) {
  return error("E0742", `nothing in ${file} makes ${code(name)}, which ${user} takes`);
}

export const E0743: Entry = {
  title: "nodes that wait for one another",
  explanation: "No node of a graph takes what is made from its own output. The message names a ring of nodes that do.",
  wrong: "Add(x, b) -> a\nRelu(a) -> b",
  fix: "Add(x, x) -> a\nRelu(a) -> b",
};

export function cycle(file: string, nodes: readonly string[]) {
  return error("E0743", `nodes of ${file} wait for one another: ${several(nodes)}`);
}

export const E0744: Entry = {
  title: "a name that is made twice",
  explanation: "Every tensor of a graph has a name of its own, and is an output of one node.",
  wrong: "Relu(x) -> y\nTanh(x) -> y",
  fix: "Relu(x) -> y\nTanh(x) -> z",
};

export function definedTwice(file: string, name: string) {
  return error("E0744", `${code(name)} is made twice in ${file}`);
}

export const E0745: Entry = {
  title: "a tensor whose numbers do not fit its shape",
  explanation: `A tensor in a model has a type, a shape, and as many numbers as the two say. The message has what is wrong; perhaps the
file was cut off, or was written by a faulty program.`,
  wrong: "FLOAT of shape [768] with 3000 bytes",
  fix: "FLOAT of shape [768] with 3072 bytes",
};

export function wrongTensor(file: string, tensor: string, reason: string) {
  return error("E0745", `the tensor ${code(tensor)} of ${file} cannot be read: ${reason}`);
}

export const E0746: Entry = {
  title: "weights in another file that are not read",
  explanation: `A large model keeps its weights in files beside it. The names are relative to the model's folder, and must stay inside of
it; each tensor says where in the file it begins and how long it is. So that a model from elsewhere cannot have other
files read, a link that leads out of the folder is refused, and so is a file with a second name (a hard link).`,
  wrong: "location = /etc/passwd",
  fix: "location = model.onnx.data, offset = 4096, length = 3072",
};

export function badExternal(file: string, tensor: string, reason: string, help?: string) {
  return error("E0746", `the numbers of ${code(tensor)} of ${file} are not read: ${reason}`, {
    help: help === undefined ? [] : [help],
  });
}

export const E0747: Entry = {
  title: "a model from which constants cannot be loaded",
  explanation: `An imported program names the model from which its constants are loaded: a file whose name ends in \`.onnx\` or
\`.pt2\`. A string has no escapes, so a name with a quotation mark or a line break cannot be written.`,
  wrong: "tirc import 'my \"best\" model.onnx'",
  fix: "tirc import best.onnx",
};

export function unwritableName(file: string) {
  return error("E0747", `constants cannot be loaded from a model of the name ${file}`, {
    help: ["give the file a name that ends in `.onnx` or `.pt2`, without quotation marks and line breaks"],
  });
}

export const E0757: Entry = {
  title: "a model that cannot be cut",
  explanation: `\`tirc extract --cut\` writes the nodes between the kernels as models of their own, and inputs and outputs of a model have
types. The types of most tensors follow from the nodes; of what an operator of another domain makes, the file must say it.`,
  wrong: "tirc extract model.onnx -o kernels --cut",
  fix: `python -c "import onnx; onnx.save(onnx.shape_inference.infer_shapes(onnx.load('model.onnx')), 'typed.onnx')"
tirc extract typed.onnx -o kernels --cut`,
};

export function unknownBoundary(file: string, tensor: string) {
  return error("E0757", `${file} cannot be cut: nothing says what the elements of ${code(tensor)} are`, {
    notes: ["it is passed from one piece to another, and the input of a model has a type"],
    help: ["`onnx.shape_inference.infer_shapes` writes types into a model"],
  });
}

export const R0701: Entry = {
  title: "a node that is kept as it is",
  explanation: `The language has no op for the node, or the node does something that the op does not; the note has the reason. An
\`extern\` op stands for it. What follows from it is only known as far as the model says its types.`,
  wrong: "Conv(x, w) -> y",
  fix: "Nothing is wrong: the node stays in the model as it was.",
};

export function keptAsExtern(span: Span, op: string, reason: string) {
  return remark("R0701", `${code(op)} is kept as \`extern\``, { span, notes: [`because ${reason}`] });
}

export const R0702: Entry = {
  title: "a tensor of a model whose type is not known",
  explanation: `The type of what a node makes follows from its inputs for many ops of ONNX, and the model may say it. Here neither is so:
the tensor is \`opaque\`, and nodes that take it become \`extern\`, whatever they are.`,
  wrong: "tirc import model.onnx",
  fix: 'onnx.save(onnx.shape_inference.infer_shapes(onnx.load("model.onnx")), "typed.onnx")',
};

export function unknownType(span: Span, op: string, name: string) {
  return remark("R0702", `nothing says the type of ${code(name)}, which ${code(op)} makes`, {
    span,
    notes: ["what takes it is kept as `extern` too"],
    help: ["write types into the model: `onnx.shape_inference.infer_shapes(model)`"],
  });
}

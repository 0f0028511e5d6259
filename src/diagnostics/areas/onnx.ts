/** ONNX models: E0740 to E0747, E0757, and the remarks of the import, R0701 and R0702. */

import { error, remark, type Span } from "../diagnostic.ts";
import type { Entry } from "../page.ts";
import { code } from "../wording.ts";

/** The first few of a list of names. */
function several(names: readonly string[], most = 4): string {
  const rest = names.length - most;
  return rest > 0 ? `${names.slice(0, most).join(", ")} and ${rest} more` : names.join(", ");
}

/** The help for invalid models, where the program that wrote them is at fault. */
const checker = "`onnx.checker.check_model(path)` checks a whole model; export it again with the program that wrote it";

export const E0740: Entry = {
  title: "an invalid ONNX model",
  explanation: `A model is a Protocol Buffers message, a sequence of fields with their lengths. The message says at
which byte of the file this structure is broken; the file may be truncated, or of another format.`,
  wrong: "tirc import model.safetensors",
  fix: "tirc import model.onnx",
};

export function corrupt(file: string, offset: number, reason: string) {
  return error("E0740", `${file} is not a valid ONNX model: at byte ${offset}, ${reason}`, {
    help: ["the file may be incomplete, or of another format: download it or save it again"],
  });
}

export function notOnnx(file: string) {
  return error("E0740", `${file} is not an ONNX model: it has no graph`, {
    help: ["a model is what `onnx.save(model, path)` writes; a graph or a tensor alone is not one"],
  });
}

export function noOutputs(file: string) {
  return error("E0740", `${file} is an ONNX model that computes nothing: its graph has no outputs`, {
    help: [checker],
  });
}

export const E0741: Entry = {
  title: "an unsupported operator set",
  explanation: `The meaning of an op depends on the version of the operator set that the model names. Versions 9 to 23
of ONNX's own set are supported; ops of other sets become \`extern\`.`,
  wrong: "tirc import resnet-opset7.onnx",
  fix: 'onnx.save(onnx.version_converter.convert_version(onnx.load("resnet-opset7.onnx"), 17), "resnet.onnx")',
};

export function unknownOpset(file: string, opset: number, oldest: number, newest: number) {
  return error("E0741", `${file} uses operator set ${opset} of ONNX, but sets ${oldest} to ${newest} are supported`, {
    help: [`convert it: \`onnx.version_converter.convert_version(model, ${Math.min(Math.max(opset, 17), newest)})\``],
  });
}

export const E0742: Entry = {
  title: "a tensor that nothing defines",
  explanation: `Every name that a node reads must be an input of the graph, an initializer, or an output of another
node. This includes the names that a graph inside a node (of \`If\`, \`Loop\`, \`Scan\`) takes from the surrounding
graph.`,
  wrong: "Add(x, bias) -> y      where no node, input or initializer is called bias",
  fix: "Add(x, bias) -> y      with an initializer bias",
};

export function undefinedName(file: string, name: string, user: string) {
  return error("E0742", `nothing in ${file} defines ${code(name)}, which ${user} reads`, { help: [checker] });
}

export const E0743: Entry = {
  title: "a cycle of nodes",
  explanation: "No node of a graph can depend on its own output. The message names the nodes of a cycle.",
  wrong: "Add(x, b) -> a\nRelu(a) -> b",
  fix: "Add(x, x) -> a\nRelu(a) -> b",
};

export function cycle(file: string, nodes: readonly string[]) {
  return error("E0743", `nodes of ${file} form a cycle: ${several(nodes)}`, { help: [checker] });
}

export const E0744: Entry = {
  title: "a name that is defined twice",
  explanation: "Every tensor of a graph has its own name, and is the output of exactly one node.",
  wrong: "Relu(x) -> y\nTanh(x) -> y",
  fix: "Relu(x) -> y\nTanh(x) -> z",
};

export function definedTwice(file: string, name: string) {
  return error("E0744", `${code(name)} is defined twice in ${file}`, { help: [checker] });
}

export const E0745: Entry = {
  title: "a tensor whose data does not match its shape",
  explanation: `A tensor in a model has a type, a shape, and data of the size that these two imply. The message says
what is wrong; the file may be truncated, or the program that wrote it may be faulty.`,
  wrong: "FLOAT of shape [768] with 3000 bytes",
  fix: "FLOAT of shape [768] with 3072 bytes",
};

export function wrongTensor(file: string, tensor: string, reason: string) {
  return error("E0745", `the tensor ${code(tensor)} of ${file} cannot be read: ${reason}`, { help: [checker] });
}

export const E0746: Entry = {
  title: "external weights that cannot be read",
  explanation: `A large model keeps its weights in files beside it. Their names are relative to the folder of the
model, and must stay inside it; each tensor states its offset and length in the file. To prevent a model from making
tirc read other files, links that lead out of the folder are rejected, and so are files with more than one hard link.`,
  wrong: "location = /etc/passwd",
  fix: "location = model.onnx.data, offset = 4096, length = 3072",
};

export function badExternal(file: string, tensor: string, reason: string, help?: string) {
  return error("E0746", `the data of ${code(tensor)} of ${file} cannot be read: ${reason}`, {
    help: [help ?? checker],
  });
}

export const E0747: Entry = {
  title: "a model from which constants cannot be loaded",
  explanation: `An imported program names the model from which it loads its constants: a file whose name ends in
\`.onnx\` or \`.pt2\`. Strings have no escapes, so a name that contains a quotation mark or a line break cannot be
written.`,
  wrong: "tirc import 'my \"best\" model.onnx'",
  fix: "tirc import best.onnx",
};

export function unwritableName(file: string) {
  return error("E0747", `constants cannot be loaded from a model called ${file}`, {
    help: ["give the file a name that ends in `.onnx` or `.pt2`, without quotation marks and line breaks"],
  });
}

export const E0757: Entry = {
  title: "a model that cannot be cut",
  explanation: `\`tirc extract --cut\` writes the nodes between the kernels as separate models, whose inputs and
outputs need types. Most types follow from the nodes; for the outputs of operators from other domains, the model must
state them.`,
  wrong: "tirc extract model.onnx -o kernels --cut",
  fix: `python -c "import onnx; onnx.save(onnx.shape_inference.infer_shapes(onnx.load('model.onnx')), 'typed.onnx')"
tirc extract typed.onnx -o kernels --cut`,
};

export function unknownBoundary(file: string, tensor: string) {
  return error("E0757", `${file} cannot be cut: the element type of ${code(tensor)} is unknown`, {
    notes: ["it is passed from one piece to another, and the input of a model has a type"],
    help: ["`onnx.shape_inference.infer_shapes` writes types into a model"],
  });
}

export const R0701: Entry = {
  title: "a node that stays as it is",
  explanation: `The language has no op for the node, or the node does something that the op does not; the note gives
the reason. An \`extern\` op represents it. Facts about later values are known only as far as the model states their
types.`,
  wrong: "Conv(x, w) -> y",
  fix: "Nothing needs to be done: the node stays in the model as it was.",
};

export function keptAsExtern(span: Span, op: string, reason: string) {
  return remark("R0701", `${code(op)} is kept as \`extern\``, { span, notes: [`because ${reason}`] });
}

export const R0702: Entry = {
  title: "a tensor of unknown type",
  explanation: `The type of a node's output usually follows from its inputs, or is stated in the model. Neither is the
case here: the tensor is \`opaque\`, and every node that reads it becomes \`extern\`.`,
  wrong: "tirc import model.onnx",
  fix: 'onnx.save(onnx.shape_inference.infer_shapes(onnx.load("model.onnx")), "typed.onnx")',
};

export function unknownType(span: Span, op: string, name: string) {
  return remark("R0702", `the type of ${code(name)}, an output of ${code(op)}, is unknown`, {
    span,
    notes: ["nodes that read it are kept as `extern` too"],
    help: ["write types into the model: `onnx.shape_inference.infer_shapes(model)`"],
  });
}

/** Every message about ONNX models: E0740 to E0747, and the remarks of the import: R0701, R0702. */

import { type Diagnostic, error, remark, type Span } from "./diagnostic.ts";

const code = (name: string) => `\`${name}\``;

/** The first few of a list of names. */
function several(names: readonly string[], most = 4): string {
  const rest = names.length - most;
  return rest > 0 ? `${names.slice(0, most).join(", ")} and ${rest} more` : names.join(", ");
}

export const onnxErrors = {
  corrupt(file: string, offset: number, reason: string): Diagnostic {
    return error("E0740", `${file} is no sound ONNX model: at byte ${offset}, ${reason}`, {
      help: file.endsWith(".tir") ? [`a program is compiled: \`tirc compile ${file}\``] : [],
    });
  },
  notOnnx(file: string): Diagnostic {
    return error("E0740", `${file} is no ONNX model: it has no graph`, {
      help: ["a model is what `onnx.save(model, path)` writes; a graph or a tensor alone is none"],
    });
  },
  noOutputs(file: string): Diagnostic {
    return error("E0740", `${file} is no ONNX model that computes anything: its graph has no outputs`);
  },
  unknownOpset(file: string, opset: number, oldest: number, newest: number): Diagnostic {
    return error("E0741", `${file} uses operator set ${opset} of ONNX, and sets ${oldest} to ${newest} are read`, {
      help: [`convert it: \`onnx.version_converter.convert_version(model, ${Math.min(Math.max(opset, 17), newest)})\``],
    });
  },
  undefinedName(file: string, name: string, user: string): Diagnostic {
    return error("E0742", `nothing in ${file} makes ${code(name)}, which ${user} takes`);
  },
  cycle(file: string, nodes: readonly string[]): Diagnostic {
    return error("E0743", `nodes of ${file} wait for one another: ${several(nodes)}`);
  },
  definedTwice(file: string, name: string): Diagnostic {
    return error("E0744", `${code(name)} is made twice in ${file}`);
  },
  wrongTensor(file: string, tensor: string, reason: string): Diagnostic {
    return error("E0745", `the tensor ${code(tensor)} of ${file} cannot be read: ${reason}`);
  },
  badExternal(file: string, tensor: string, reason: string, help?: string): Diagnostic {
    return error("E0746", `the numbers of ${code(tensor)} of ${file} are not read: ${reason}`, {
      help: help === undefined ? [] : [help],
    });
  },
  unknownBoundary(file: string, tensor: string): Diagnostic {
    return error("E0757", `${file} cannot be cut: nothing says what the elements of ${code(tensor)} are`, {
      notes: ["it is passed from one piece to another, and the input of a model has a type"],
      help: ["`onnx.shape_inference.infer_shapes` writes types into a model"],
    });
  },
  unknownType(file: string, tensor: string, type: string, known: readonly string[]): Diagnostic {
    return error("E0662", `${code(tensor)} in ${file} holds ${code(type)}, which tirc does not read`, {
      notes: [`it reads ${known.join(", ")}`],
    });
  },
  unwritableName(file: string): Diagnostic {
    return error("E0747", `constants cannot be loaded from a model of the name ${file}`, {
      help: ["give the file a name that ends in `.onnx` or `.pt2`, without quotation marks and line breaks"],
    });
  },
};

export const onnxRemarks = {
  keptAsExtern(span: Span, op: string, reason: string): Diagnostic {
    return remark("R0701", `${code(op)} is kept as \`extern\``, { span, notes: [`because ${reason}`] });
  },
  unknownType(span: Span, op: string, name: string): Diagnostic {
    return remark("R0702", `nothing says the type of ${code(name)}, which ${code(op)} makes`, {
      span,
      notes: ["what takes it is kept as `extern` too"],
      help: ["write types into the model: `onnx.shape_inference.infer_shapes(model)`"],
    });
  },
};

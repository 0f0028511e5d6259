/** Messages about models that are written back: E0748 to E0755. */

import { type Diagnostic, error, type Span } from "./diagnostic.ts";

const code = (name: string) => `\`${name}\``;

export const surgeryErrors = {
  noSuchOp(file: string, opset: number): Diagnostic {
    return error(
      "E0748",
      `${file} uses operator set ${opset} of ONNX, and \`RMSNormalization\` is in set 23 and later`,
      {
        help: [
          "`--norm-op simplified` writes the op that onnxruntime has for any set",
          "or convert the model: `onnx.version_converter.convert_version(model, 23)`",
        ],
      },
    );
  },
  unwritable(file: string, node: string, reason: string): Diagnostic {
    return error("E0749", `${node} of ${file} cannot be written: ${reason}`);
  },
  weightsElsewhere(span: Span, file: string, location: string, beside: string): Diagnostic {
    return error("E0751", `${file} would not find its weights: they are in ${location}, which is beside the model`, {
      span,
      notes: ["a model names such files relative to its own folder, and they must lie in it"],
      help: [`write ${beside}`, `or copy ${location} first`],
    });
  },
  noOnnxruntime(reason: string): Diagnostic {
    return error("E0752", "the package `onnxruntime-web` is not installed, and models are run by nothing else", {
      notes: [reason],
      help: ["npm install onnxruntime-web"],
    });
  },
  doesNotRun(file: string, reason: string): Diagnostic {
    return error("E0753", `onnxruntime does not run ${file}: ${reason}`);
  },
  differs(output: string, difference: string, largest: string): Diagnostic {
    return error("E0754", `${code(output)} is off by ${difference}, and its largest number is ${largest}`, {
      help: ["see whether the model overflows, or depends on the last bits of its numbers; else report this"],
    });
  },
  tooLong(file: string, bytes: number): Diagnostic {
    const size = `${(bytes / 2 ** 30).toFixed(1)} GiB`;
    return error(
      "E0755",
      `${file} would be ${size} long with the weights that are centered, and a model has at most 2 GiB`,
    );
  },
};

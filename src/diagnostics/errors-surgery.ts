/** Messages about models that are written back: E0748 to E0756. */

import { type Diagnostic, error, type Span } from "./diagnostic.ts";

const code = (name: string) => `\`${name}\``;

export const surgeryErrors = {
  /** @param because a clause: why it is not written in a later set. */
  noSuchOp(file: string, opset: number, because: string): Diagnostic {
    return error(
      "E0748",
      `${file} uses operator set ${opset} of ONNX, and \`RMSNormalization\` is in set 23 and later`,
      {
        notes: [`it is not written in set 23, ${because}`],
        help: [
          "leave out `--norm-op`: what is chosen then is known in any set",
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
  doesNotRun(file: string, reason: string, interpreter?: string): Diagnostic {
    return error("E0753", `onnxruntime does not run ${file}: ${reason}`, {
      notes: interpreter === undefined ? [] : [`nor does the interpreter, because ${interpreter}`],
      help: ["`--dim NAME=EXTENT` gives extents that go together, and `--in NAME=FILE.npy` inputs of your own"],
    });
  },
  notFed(file: string, input: string, what: string): Diagnostic {
    return error("E0753", `nothing is made up for the input ${code(input)} of ${file}: it is ${what}`, {
      help: ["inputs are tensors of numbers; leave `--check` out, and compare the models in your application"],
    });
  },
  nothingCompared(output: string, what: string): Diagnostic {
    return error("E0756", `${what.replace("%", code(output))}: nothing was compared`, {
      help: [
        "give inputs for which the model computes something: `--in NAME=FILE.npy`, `--in 'NAME=uniform(0, 1)'`",
        "a mask that leaves nothing makes NaN of every number: `--in MASK=ones`",
      ],
    });
  },
  differs(output: string, difference: string, largest: string, fromFloat64?: string): Diagnostic {
    return error("E0754", `${code(output)} is off by ${difference}, and its largest number is ${largest}`, {
      notes: fromFloat64 === undefined ? [] : [`the distance from float64 is ${fromFloat64}`],
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

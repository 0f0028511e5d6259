/** Files and the numbers in them: E0630 to E0643. */

import { error, type Help, type Span } from "../diagnostic.ts";
import type { Entry } from "../page.ts";
import { code } from "../wording.ts";

export const E0630: Entry = {
  title: "not a .npy file",
  explanation: `Inputs are read from files written by \`numpy.save\`. Archives (.npz) and text files are not
supported.`,
  wrong: "tirc run bert.tir --in x=x.npz",
  fix: `numpy.save("x.npy", numpy.load("x.npz")["x"])
tirc run bert.tir --in x=x.npy`,
};

export function notNpy(file: string) {
  return error("E0630", `${file} is not a .npy file`, {
    notes: ["a .npy file begins with the bytes 93 4E 55 4D 50 59"],
    help: ["write one with `numpy.save(path, array)`; an .npz holds several arrays, and is not supported"],
  });
}

const saveAgain = "save the array again: `numpy.save(path, array)`";

export const E0631: Entry = {
  title: "an invalid header of a .npy file",
  explanation: `The header is a Python dictionary with the keys \`descr\`, \`fortran_order\` and \`shape\`, in format
version 1 to 3.`,
  wrong: "a file that is damaged or was written by hand",
  fix: 'numpy.save("x.npy", x)',
};

export function badHeader(file: string, reason: string) {
  return error("E0631", `the header of ${file} cannot be read: ${reason}`, { help: [saveAgain] });
}

export const E0632: Entry = {
  title: "a .npy file in Fortran order",
  explanation: "Only C order is supported, in which the last axis varies fastest.",
  wrong: 'numpy.save("x.npy", x.T)',
  fix: 'numpy.save("x.npy", numpy.ascontiguousarray(x.T))',
};

export function fortranOrder(file: string) {
  return error("E0632", `${file} is in Fortran order, but only C order is supported`, {
    help: ["save `numpy.ascontiguousarray(array)`"],
  });
}

export const E0633: Entry = {
  title: "a big-endian .npy file",
  explanation: "Only little-endian numbers are supported.",
  wrong: 'numpy.save("x.npy", x.astype(">f4"))',
  fix: 'numpy.save("x.npy", x.astype("<f4"))',
};

export function bigEndian(file: string, type: string) {
  return error("E0633", `${file} is big-endian (${code(type)}), but only little-endian is supported`, {
    help: [`save \`array.astype("<${type.slice(1)}")\``],
  });
}

export const E0634: Entry = {
  title: "a .npy file of an unsupported type",
  explanation: `Supported are 16-, 32- and 64-bit floats, integers and booleans. 64-bit floats are rounded to the type
of the input.`,
  wrong: 'numpy.save("x.npy", x.astype("complex64"))',
  fix: 'numpy.save("x.npy", x.real.astype("float32"))',
};

export function unknownType(file: string, type: string, known: readonly string[]) {
  return error("E0634", `${file} holds ${code(type)}, which tirc does not read`, {
    notes: [`it reads ${known.join(", ")}`],
    help: ['save `array.astype("float32")`'],
  });
}

export const E0635: Entry = {
  title: "a .npy file of the wrong length",
  explanation: `The file has less data than its shape requires, or more: it may be truncated, or something was
appended to it.`,
  wrong: "head -c 1000 x.npy > short.npy; tirc run bert.tir --in x=short.npy",
  fix: "tirc run bert.tir --in x=x.npy",
};

export function wrongLength(file: string, shape: string, expected: number, got: number) {
  const what = got < expected ? "is cut off" : "has extra bytes after its data";
  return error("E0635", `${file} ${what}: ${shape} takes ${expected} bytes, and ${got} follow the header`, {
    help: [saveAgain],
  });
}

export const E0636: Entry = {
  title: "a .npy file of the wrong kind of number",
  explanation: `A float input accepts floats and integers, an integer input integers, and a bool input booleans.
Floats are rounded to the type of the input; nothing else is converted.`,
  wrong: 'numpy.save("index.npy", numpy.zeros(8))   // for index: i32[8]',
  fix: 'numpy.save("index.npy", numpy.zeros(8, dtype="int32"))',
};

export function wrongKind(file: string, holds: string, name: string, type: string) {
  return error("E0636", `${file} holds ${code(holds)}, but the input ${code(name)} is ${type}`, {
    help: ["convert the array before it is saved: `array.astype(...)`"],
  });
}

export const E0637: Entry = {
  title: "a number in a .npy file that the input cannot hold",
  explanation: `64-bit integers are accepted if they fit into the 32 bits of the input. Floats are rounded to the type
of the input, and must be within its range.`,
  wrong: 'numpy.save("index.npy", numpy.array([2**40]))   // for index: i32[1]',
  fix: 'numpy.save("index.npy", numpy.array([40]))',
};

export function outOfRange(file: string, value: number, at: string, name: string, type: string) {
  return error("E0637", `${file} holds ${value} at ${at}, but the input ${code(name)} is ${type}`, {
    notes: ["that type cannot hold the number"],
    help: ["change the number, or declare the input with another type in the program"],
  });
}

export const E0640: Entry = {
  title: "a file that cannot be read",
  explanation: "The message contains the reason that the system gives. `-` is the standard input.",
  wrong: "tirc compile no-such-file.tir",
  fix: "tirc compile examples/bert-output.tir",
};

/** @param help what to do, if more is known than that the path may be wrong. */
export function cannotRead(file: string, reason: string, span?: Span, help: readonly Help[] = []) {
  return error("E0640", `cannot read ${file}: ${reason}`, {
    span,
    help: help.length > 0 ? help : ["check the path: it is relative to the folder in which the command runs"],
  });
}

export const E0641: Entry = {
  title: "a file that cannot be written",
  explanation: `A file is written under a temporary name in the same folder and then renamed, so that it never exists
in part. This requires permission to write to the folder.`,
  wrong: "tirc compile bert.tir -o /no/such/folder/bert.wgsl",
  fix: "tirc compile bert.tir -o bert.wgsl",
};

export function cannotWrite(file: string, reason: string, help = "write to another path") {
  return error("E0641", `cannot write ${file}: ${reason}`, { help: [help] });
}

export const E0642: Entry = {
  title: "an ONNX model in place of a program",
  explanation: `A program is a text file, \`.tir\`. \`tirc import\` converts an ONNX model to a program;
\`tirc surgery\` and \`tirc extract\` work on the model itself.`,
  wrong: "tirc compile model.onnx",
  fix: "tirc import model.onnx -o model.tir\ntirc compile model.tir --emit tir",
};

export function isOnnx(file: string) {
  const name = file === "<stdin>" ? "-" : file;
  return error("E0642", `${file} is an ONNX model, but a program is expected here`, {
    help: [
      `\`tirc import ${name} -o model.tir\` converts it to a program`,
      `\`tirc surgery ${name}\` rewrites its LayerNorms, \`tirc extract ${name}\` makes kernels of its norms`,
    ],
  });
}

export const E0644: Entry = {
  title: "a program in place of a model",
  explanation: `\`tirc import\`, \`tirc surgery\` and \`tirc extract\` take a model: an ONNX file, an archive of
\`torch.export\`, or the folder of a checkpoint. A program is compiled, and \`tirc explain-norms\` takes both.`,
  wrong: "tirc surgery model.tir",
  fix: "tirc explain-norms model.tir\ntirc compile model.tir --emit tir",
};

export function isProgram(file: string, span?: Span) {
  return error("E0644", `${file} is a program, but a model is expected here`, {
    span,
    help: [
      `\`tirc compile ${file}\` compiles it, and \`tirc explain-norms ${file}\` says what becomes of its norms`,
      "a model is an ONNX file, a `.pt2` archive, or the folder of a checkpoint",
    ],
  });
}

export const E0643: Entry = {
  title: "dropped files that are not a model",
  explanation: `The page accepts an ONNX file, along with the files of its weights if it has any, an archive written
by \`torch.export.save\`, or the folder of a checkpoint: its config.json and its weights in safetensors. It accepts
one model at a time.`,
  wrong: "model.safetensors alone, dropped on the page",
  fix: "model.safetensors and config.json, dropped together",
};

export function notAModel(name: string, reason: string, help: readonly string[]) {
  return error("E0643", `${name} is not a model that can be opened here: ${reason}`, { help });
}

/** The pages of files and the numbers in them: E063x to E0650. */

import { program } from "./example.ts";
import type { Page } from "./page.ts";

export const dataPages = {
  E0630: {
    title: "not a .npy file",
    explanation: "Inputs are read from the files that `numpy.save` writes. Archives (.npz) and text are not read.",
    wrong: "tirc run bert.tir --in x=x.npz",
    fix: program('numpy.save("x.npy", numpy.load("x.npz")["x"])', "tirc run bert.tir --in x=x.npy"),
  },
  E0631: {
    title: "the header of a .npy file cannot be read",
    explanation:
      "The header is a Python dictionary with the keys `descr`, `fortran_order` and `shape`, of format version 1 to 3.",
    wrong: "a file that is damaged or was written by hand",
    fix: 'numpy.save("x.npy", x)',
  },
  E0632: {
    title: "a .npy file in Fortran order",
    explanation: "Only C order is read, in which the last axis is the one that runs fastest.",
    wrong: 'numpy.save("x.npy", x.T)',
    fix: 'numpy.save("x.npy", numpy.ascontiguousarray(x.T))',
  },
  E0633: {
    title: "a big-endian .npy file",
    explanation: "Only little-endian numbers are read.",
    wrong: 'numpy.save("x.npy", x.astype(">f4"))',
    fix: 'numpy.save("x.npy", x.astype("<f4"))',
  },
  E0634: {
    title: "a .npy file of a type that is not read",
    explanation:
      "Floats of 16, 32 and 64 bits, integers and truth values are read. Floats of 64 bits are rounded to the input's type.",
    wrong: 'numpy.save("x.npy", x.astype("complex64"))',
    fix: 'numpy.save("x.npy", x.real.astype("float32"))',
  },
  E0635: {
    title: "a .npy file of the wrong length",
    explanation:
      "The file has less data than its shape says, or more: it was cut off, or something was appended to it.",
    wrong: "head -c 1000 x.npy > short.npy; tirc run bert.tir --in x=short.npy",
    fix: "tirc run bert.tir --in x=x.npy",
  },
  E0636: {
    title: "a .npy file of another kind of number",
    explanation: `A float input takes floats and integers, an integer input integers, a bool input truth values. Floats are rounded to the
input's type; nothing else is converted.`,
    wrong: 'numpy.save("index.npy", numpy.zeros(8))   // for index: i32[8]',
    fix: 'numpy.save("index.npy", numpy.zeros(8, dtype="int32"))',
  },
  E0637: {
    title: "a number in a .npy file that the input cannot hold",
    explanation: `Integers of 64 bits are read where they fit into the 32 bits of the input. Floats are rounded to its type, in whose range
they must be.`,
    wrong: 'numpy.save("index.npy", numpy.array([2**40]))   // for index: i32[1]',
    fix: 'numpy.save("index.npy", numpy.array([40]))',
  },
  E0640: {
    title: "a file cannot be read",
    explanation: "The message has the reason that the system gives. `-` is the standard input.",
    wrong: "tirc compile no-such-file.tir",
    fix: "tirc compile examples/bert-output.tir",
  },
  E0641: {
    title: "a file cannot be written",
    explanation: `A file is written beside its place and then moved there, so that it is never there in part. That needs a folder that
can be written.`,
    wrong: "tirc compile bert.tir -o /no/such/folder/bert.wgsl",
    fix: "tirc compile bert.tir -o bert.wgsl",
  },
  E0642: {
    title: "an ONNX model where a program is wanted",
    explanation: `A program is a text, \`.tir\`. An ONNX model is made into one by \`tirc import\`; \`tirc surgery\` and \`tirc extract\` work
on the model itself.`,
    wrong: "tirc compile model.onnx",
    fix: "tirc import model.onnx -o model.tir\ntirc compile model.tir --emit tir",
  },
  E0643: {
    title: "dropped files that are no model",
    explanation: `The page takes a file of ONNX, with the files of its weights where it has such, an archive of \`torch.export.save\`, or
the folder of a checkpoint: its config.json and its weights in safetensors. It takes one model at a time.`,
    wrong: "model.safetensors alone, dropped on the page",
    fix: "model.safetensors and config.json, dropped together",
  },
  E0670: {
    title: "an input that breaks its contract",
    explanation: `\`@centered(-1)\` promises that every row of the parameter has mean zero. Passes rely on it: they leave centerings out
that would change nothing then. \`tirc run --compare\` checks the data. A mean may be off zero by what rounding to the
element type leaves: 1e-6 of the row's largest value, for f16 1e-3.`,
    wrong: "tirc run model.tir --in x=ones --compare   // fn f(x: f32[rows, 768] @centered(-1)) ...",
    fix: "tirc run model.tir --compare   // made-up data is centered",
  },
  R0650: {
    title: "a reference that is NaN or infinite",
    explanation: `\`--compare\` computes outputs in float64, and that gives a NaN or an infinity although the inputs are finite: the root of
a negative number, a quotient of zeros. A comparison says little then. \`randn\` makes negative numbers; variances and
probabilities want \`rand\`, or a range.`,
    wrong: "tirc run batchnorm.tir --compare   // let s = gamma * rsqrt(variance + 1e-5)",
    fix: "tirc run batchnorm.tir --compare --in variance=rand",
  },
  E0650: {
    title: "an output differs from the reference",
    explanation: `\`--compare\` computes every output again in float64. A float may be off by 2e-6 (f16: 1e-3), absolute or relative to the
largest value of its row. A value that comes out of a rounding, a comparison or a cast to an integer may be the
neighbouring one where what was rounded lies at the edge between the two; the report counts those. Anything else is a
bug in tirc, or a program that is sensitive to rounding in itself. A NaN or an infinity must be one in both.`,
    wrong: "let d = exp(x * 30)   // an error of x comes out 30 times as large",
    fix: "Compare on inputs of the size that the program is meant for: `--in x=x.npy`.",
  },
} satisfies Record<string, Page>;

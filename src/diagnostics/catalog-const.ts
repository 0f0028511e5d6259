/** The pages of constant tensors: E0240 to E0244, E0660 to E0667. */

import { body, program } from "./example.ts";
import type { Page } from "./page.ts";

const useBias = body("return x + bias");

export const constPages = {
  E0240: {
    title: "a constant tensor without numbers for its dimensions",
    explanation: "A constant tensor has one size, which its type says. Named dimensions are those of parameters.",
    wrong: program("const bias: f32[hidden] = [1, 2]", useBias),
    fix: program("const bias: f32[2] = [1, 2]", "fn f(x: f32[rows, 2]) -> f32[rows, 2] { return x + bias }"),
  },
  E0241: {
    title: "a const that is no constant",
    explanation: `The value of a \`const\` is a number, a truth value, a list of lists of them, \`load(...)\`, or one op whose operands
are other consts. Other expressions belong into functions.`,
    wrong: program("const bias: f32 = 1 / 3", useBias),
    fix: body("return x + 1 / 3"),
  },
  E0242: {
    title: "a const of another shape than it is declared with",
    explanation:
      "Lists nest as the shape says: `f32[2, 3]` is a list of two lists of three numbers. A scalar is a number.",
    wrong: program("const bias: f32[3] = [1, 2]", "fn f(x: f32[rows, 3]) -> f32[rows, 3] { return x + bias }"),
    fix: program("const bias: f32[3] = [1, 2, 3]", "fn f(x: f32[rows, 3]) -> f32[rows, 3] { return x + bias }"),
  },
  E0243: {
    title: "load that does not say what to load",
    explanation: `\`load\` takes the name of a .npy file, or of a safetensors file and of a tensor in it, as strings. Names of files are
relative to the folder of the program.`,
    wrong: program("const bias: f32[768] = load(model)", useBias),
    fix: program('const bias: f32[768] = load("model.safetensors", "h.0.ln_1.bias")', useBias),
  },
  E0244: {
    title: "a const that is computed from itself",
    explanation: "A const may be an op of other consts, in any order in the file; none of them may need itself.",
    wrong: program(
      "const a: f32[2] = center(b, axes = [-1])",
      "const b: f32[2] = neg(a)",
      "fn f(x: f32[rows, 2]) -> f32[rows, 2] { return x + a }",
    ),
    fix: program(
      "const a: f32[2] = center(b, axes = [-1])",
      "const b: f32[2] = [1, 3]",
      "fn f(x: f32[rows, 2]) -> f32[rows, 2] { return x + a }",
    ),
  },
  E0671: {
    title: "a constant that cannot be centered",
    explanation: `\`--weights-out\` writes constants whose row means are taken off, and checks the means after rounding. A row of them
has a mean that is no rounding error: the old constant holds infinities, NaN, or numbers near the largest of its type.`,
    wrong: "tirc compile model.tir --emit tir --weights-out new.safetensors   // a weight holds NaN",
    fix: "tirc compile model.tir --emit tir --mode off",
  },
  E0660: {
    title: "a file that is no sound safetensors file",
    explanation: `Such a file begins with the length of its header, a JSON object that says of each tensor its type, shape and place. The
tensors lie one behind the other, from the header to the end of the file. The message has what is wrong; perhaps the
file was cut off, or is of another format. The format's own library refuses such files too.`,
    wrong: 'const bias: f32[768] = load("pytorch_model.bin", "bias")',
    fix: 'const bias: f32[768] = load("model.safetensors", "bias")',
  },
  E0661: {
    title: "no tensor of this name in the file",
    explanation: "The names are those of the file's header; the help line has the closest one.",
    wrong: 'const bias: f32[768] = load("model.safetensors", "h.0.ln1.bias")',
    fix: 'const bias: f32[768] = load("model.safetensors", "h.0.ln_1.bias")',
  },
  E0662: {
    title: "a tensor of a type that is not read",
    explanation: "The note lists the types of safetensors that are read.",
    wrong: 'const w: f32[768] = load("fp8.safetensors", "w")   // holds F8_E4M3',
    fix: "Convert the tensor to F32, F16 or BF16 before it is saved.",
  },
  E0663: {
    title: "a tensor of another type than the const is declared with",
    explanation: `The shape must be the one of the file. Floats are rounded to the declared type; integers and truth values must be declared
as such.`,
    wrong: 'const w: f32[768] = load("model.safetensors", "wte.weight")   // holds F32 of shape [50257, 768]',
    fix: 'const w: f32[50257, 768] = load("model.safetensors", "wte.weight")',
  },
  E0664: {
    title: "a file of one tensor, or of many",
    explanation:
      "A .npy file holds one tensor, which has no name; a safetensors file holds many, of which one must be named.",
    wrong: 'const w: f32[768] = load("model.safetensors")',
    fix: 'const w: f32[768] = load("model.safetensors", "ln_f.weight")',
  },
  E0665: {
    title: "a constant tensor that nothing has read",
    explanation: `The library does not read files by itself: it runs in pages too. The interpreter is given the tensors of
\`const name = load(...)\` by a function.`,
    wrong: "interpret(module.fns[0], inputs)",
    fix: "interpret(module.fns[0], inputs, constantsOf(module, (constant) => myTensor(constant.data.tensor)))",
  },
  E0667: {
    title: "a number in a file that the const cannot hold",
    explanation: `Floats are rounded to the declared type, and integers of 64 bits are read where they fit into 32. A number beyond the
range of the type would become an infinity, or another integer; the message says where it stands.`,
    wrong: 'const w: f32[2] = load("f64.safetensors", "w")   // holds 1e300',
    fix: "Find out where the number comes from, and save the tensor with one that f32 can hold.",
  },
} satisfies Record<string, Page>;

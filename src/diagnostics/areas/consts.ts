/** Constant tensors and the files they come from: E0240 to E0244, E066x, E0671. */

import { error, type Span } from "../diagnostic.ts";
import type { Entry } from "../page.ts";
import { didYouMeanOr } from "../suggest.ts";
import { code, listing } from "../wording.ts";

export const E0240: Entry = {
  title: "a constant with a named dimension",
  explanation: `A constant tensor has a fixed size, so its type gives every extent as a number. Named dimensions
belong to parameters.`,
  wrong: `const bias: f32[hidden] = [1, 2]
fn f(x: f32[rows, 768]) -> f32[rows, 768] {
  return x + bias
}`,
  fix: `const bias: f32[2] = [1, 2]
fn f(x: f32[rows, 2]) -> f32[rows, 2] { return x + bias }`,
};

export function symbolicDimension(span: Span, name: string, dim: string) {
  return error("E0240", `the const \`${name}\` has the dimension \`${dim}\`, but needs numbers`, {
    span,
    help: ["a constant tensor has one size: write its extents"],
  });
}

export const E0241: Entry = {
  title: "not a constant",
  explanation: `The value of a \`const\` is a number, a boolean, a nested list of them, \`load(...)\`, or one op whose
operands are other consts. Other expressions belong in functions.`,
  wrong: `const bias: f32 = 1 / 3
fn f(x: f32[rows, 768]) -> f32[rows, 768] {
  return x + bias
}`,
  fix: { body: ["return x + 1 / 3"] },
};

export function notAValue(span: Span, name: string) {
  return error("E0241", `the const \`${name}\` is not a number, list of numbers, \`load(...)\` or op of other consts`, {
    span,
    help: [
      'write `[[1, 2], [3, 4]]`, or `load("model.safetensors", "tensor")`, or `load("tensor.npy")`, or one op of consts, such as `center(w, axes = [-1])`',
    ],
  });
}

export const E0242: Entry = {
  title: "a const whose shape is not the declared one",
  explanation: `Lists are nested as the shape says: \`f32[2, 3]\` is a list of two lists of three numbers. A scalar is
a single number.`,
  wrong: `const bias: f32[3] = [1, 2]
fn f(x: f32[rows, 3]) -> f32[rows, 3] { return x + bias }`,
  fix: `const bias: f32[3] = [1, 2, 3]
fn f(x: f32[rows, 3]) -> f32[rows, 3] { return x + bias }`,
};

export function wrongShape(span: Span, name: string, got: string, wanted: string) {
  return error("E0242", `the const \`${name}\` is declared ${wanted}, but this is ${got}`, {
    span,
    help: ["give as many numbers as the shape has elements, with a list for each axis, or declare another shape"],
  });
}

export const E0243: Entry = {
  title: "wrong arguments of load",
  explanation: `\`load\` takes the name of a .npy file, or the names of a safetensors file and of a tensor in it, as
strings. File names are relative to the folder of the program.`,
  wrong: `const bias: f32[768] = load(model)
fn f(x: f32[rows, 768]) -> f32[rows, 768] {
  return x + bias
}`,
  fix: `const bias: f32[768] = load("model.safetensors", "h.0.ln_1.bias")
fn f(x: f32[rows, 768]) -> f32[rows, 768] {
  return x + bias
}`,
};

export function loadArguments(span: Span) {
  return error("E0243", "`load` takes the name of a file, and of a tensor in it", {
    span,
    help: ['`load("model.safetensors", "tensor")` or `load("tensor.npy")`'],
  });
}

export const E0244: Entry = {
  title: "a const that depends on itself",
  explanation: `A const may be an op of other consts, declared in any order, but it cannot depend on itself, directly
or indirectly.`,
  wrong: `const a: f32[2] = center(b, axes = [-1])
const b: f32[2] = neg(a)
fn f(x: f32[rows, 2]) -> f32[rows, 2] { return x + a }`,
  fix: `const a: f32[2] = center(b, axes = [-1])
const b: f32[2] = [1, 3]
fn f(x: f32[rows, 2]) -> f32[rows, 2] { return x + a }`,
};

export function cycle(span: Span, ring: readonly string[]) {
  const [name, ...others] = ring.map((item) => `\`${item}\``);
  const by = others.length === 0 ? "" : `, through ${listing(others)}`;
  return error("E0244", `the const ${name} is computed from itself${by}`, {
    span,
    help: ["one of these consts must be written out or loaded"],
  });
}

export const E0660: Entry = {
  title: "an invalid safetensors file",
  explanation: `Such a file begins with the length of its header, a JSON object that gives the type, shape and
position of each tensor. The tensors follow the header contiguously, up to the end of the file. The message says what
is wrong; the file may be truncated, or of another format. The reference library rejects such files too.`,
  wrong: 'const bias: f32[768] = load("pytorch_model.bin", "bias")',
  fix: 'const bias: f32[768] = load("model.safetensors", "bias")',
};

export function notSafetensors(file: string, reason: string, help?: string) {
  return error("E0660", `${file} is not a valid safetensors file: ${reason}`, {
    help: [help ?? "the file may be incomplete: download it or save it again"],
  });
}

export const E0661: Entry = {
  title: "a tensor that the file does not have",
  explanation: "The names are those in the header of the file; the help line shows the closest one.",
  wrong: 'const bias: f32[768] = load("model.safetensors", "h.0.ln1.bias")',
  fix: 'const bias: f32[768] = load("model.safetensors", "h.0.ln_1.bias")',
};

export function noTensor(span: Span, file: string, tensor: string, known: readonly string[]) {
  return error("E0661", `${file} has no tensor ${code(tensor)}`, {
    span,
    notes: [`it has ${known.length} tensors`],
    help: didYouMeanOr(`its first tensors are ${listing(known.slice(0, 5).map(code))}`, tensor, known),
  });
}

export const E0662: Entry = {
  title: "a tensor of an unsupported type",
  explanation: "The note lists the types that are supported.",
  wrong: 'const w: f32[768] = load("mx.safetensors", "w")   // holds F8_E8M0',
  fix: "Convert the tensor to F32, F16 or BF16 before it is saved.",
};

export function unknownType(file: string, tensor: string, type: string, known: readonly string[]) {
  return error("E0662", `${code(tensor)} in ${file} holds ${code(type)}, which tirc does not read`, {
    notes: [`it reads ${known.join(", ")}`],
    help: ["convert the tensor to one of these types before it is saved"],
  });
}

export const E0663: Entry = {
  title: "a tensor whose type is not the declared one",
  explanation: `The shape must be that of the tensor in the file. Floats are rounded to the declared type; integers
and booleans must be declared as such.`,
  wrong: 'const w: f32[768] = load("model.safetensors", "wte.weight")   // holds F32 of shape [50257, 768]',
  fix: 'const w: f32[50257, 768] = load("model.safetensors", "wte.weight")',
};

export function wrongType(span: Span, name: string, type: string, where: string, holds: string) {
  return error("E0663", `the const ${code(name)} is declared ${type}, but ${where} holds ${holds}`, {
    span,
    help: ["declare it with the type that the file has"],
  });
}

export const E0664: Entry = {
  title: "a file of one tensor, or of many",
  explanation: `A .npy file holds one tensor without a name; a safetensors file holds many, so the tensor must be
named.`,
  wrong: 'const w: f32[768] = load("model.safetensors")',
  fix: 'const w: f32[768] = load("model.safetensors", "ln_f.weight")',
};

export function needsTensor(span: Span, name: string, file: string) {
  return error("E0664", `the const ${code(name)} does not say which tensor of ${file} it is`, {
    span,
    help: [`write \`load("${file}", "tensor")\``],
  });
}

export function oneTensor(span: Span, name: string, file: string) {
  return error("E0664", `the const ${code(name)} names a tensor, but ${file} holds one without a name`, {
    span,
    help: [`write \`load("${file}")\``],
  });
}

export const E0665: Entry = {
  title: "a constant tensor that has not been loaded",
  explanation: `The library also runs in pages, and therefore does not read files itself. The interpreter gets the
tensors of \`const name = load(...)\` from a function that you pass.`,
  wrong: "interpret(module.fns[0], inputs)",
  fix: "interpret(module.fns[0], inputs, constantsOf(module, (constant) => myTensor(constant.data.tensor)))",
};

export function notLoaded(span: Span, name: string) {
  return error("E0665", `the tensor of the const \`${name}\` is in a file, and no function that loads it was given`, {
    span,
    help: ["pass `constantsOf(module, load)` to `interpret`"],
  });
}

export const E0667: Entry = {
  title: "a number in a file that the const cannot hold",
  explanation: `Floats are rounded to the declared type, and 64-bit integers are accepted if they fit into 32 bits. A
number outside the range of the type would become an infinity or a different integer; the message says where it is.`,
  wrong: 'const w: f32[2] = load("f64.safetensors", "w")   // holds 1e300',
  fix: "Find out where the number comes from, and save the tensor with one that f32 can hold.",
};

export function outOfRange(span: Span, name: string, type: string, where: string, at: string, value: number) {
  return error("E0667", `the const ${code(name)} is declared ${type}, but ${where} holds ${value} at ${at}`, {
    span,
    notes: ["the declared type cannot hold that number"],
    help: ["change the numbers of the file, or declare the const with a type that holds them"],
  });
}

export const E0671: Entry = {
  title: "a constant that cannot be centered",
  explanation: `\`--weights-out\` writes constants with their row means subtracted, and checks the means after
rounding. One of the rows has a mean that rounding does not explain: the old constant contains infinities, NaN, or
numbers close to the largest of its type.`,
  wrong: "tirc compile model.tir --emit tir --weights-out new.safetensors   // a weight holds NaN",
  fix: "tirc compile model.tir --emit tir --mode off",
};

export function notCentered(span: Span, name: string, row: number, mean: number) {
  return error("E0671", `row ${row} of the new constant \`${name}\` has the mean ${mean}, but should have 0`, {
    span,
    help: [
      "the old constant has numbers that are not finite, or too large for its element type; `mode=off` leaves it as it is",
    ],
  });
}

/** Every message about files and the numbers in them: E063x, E064x, E066x, and about comparisons: E0650. */

import { type Diagnostic, error, type Span, warning } from "./diagnostic.ts";
import { listing } from "./errors-types.ts";
import { didYouMean } from "./suggest.ts";

const code = (name: string) => `\`${name}\``;

export const npyErrors = {
  notNpy(file: string): Diagnostic {
    return error("E0630", `${file} is not a .npy file`, {
      notes: ["such a file begins with the bytes 93 4E 55 4D 50 59"],
      help: ["write one with `numpy.save(path, array)`; an .npz holds several, and is not read"],
    });
  },
  badHeader(file: string, reason: string): Diagnostic {
    return error("E0631", `the header of ${file} cannot be read: ${reason}`);
  },
  fortranOrder(file: string): Diagnostic {
    return error("E0632", `${file} is in Fortran order, and only C order is read`, {
      help: ["save `numpy.ascontiguousarray(array)`"],
    });
  },
  bigEndian(file: string, type: string): Diagnostic {
    return error("E0633", `${file} is big-endian (${code(type)}), and only little-endian is read`, {
      help: [`save \`array.astype("<${type.slice(1)}")\``],
    });
  },
  unknownType(file: string, type: string, known: readonly string[]): Diagnostic {
    return error("E0634", `${file} holds ${code(type)}, which tirc does not read`, {
      notes: [`it reads ${known.join(", ")}`],
      help: ['save `array.astype("float32")`'],
    });
  },
  wrongLength(file: string, shape: string, expected: number, got: number): Diagnostic {
    const what = got < expected ? "is cut off" : "goes on after its data";
    return error("E0635", `${file} ${what}: ${shape} takes ${expected} bytes, and ${got} follow the header`);
  },
  wrongKind(file: string, holds: string, name: string, type: string): Diagnostic {
    return error("E0636", `${file} holds ${code(holds)}, and the input ${code(name)} is ${type}`, {
      help: ["convert the array before it is saved: `array.astype(...)`"],
    });
  },
  outOfRange(file: string, value: number, at: string, name: string, type: string): Diagnostic {
    return error("E0637", `${file} holds ${value} at ${at}, and the input ${code(name)} is ${type}`, {
      notes: ["that type cannot hold the number"],
    });
  },
};

export const fileErrors = {
  cannotRead(file: string, reason: string, span?: Span): Diagnostic {
    return error("E0640", `cannot read ${file}: ${reason}`, { span });
  },
  isOnnx(file: string): Diagnostic {
    const name = file === "<stdin>" ? "-" : file;
    return error("E0642", `${file} is an ONNX model, and a program is wanted here`, {
      help: [
        `\`tirc import ${name} -o model.tir\` makes a program of it`,
        `\`tirc surgery ${name}\` rewrites its LayerNorms, \`tirc extract ${name}\` makes kernels of its norms`,
      ],
    });
  },
  notAModel(name: string, reason: string, help: readonly string[]): Diagnostic {
    return error("E0643", `${name} is no model that can be opened here: ${reason}`, { help });
  },
  cannotWrite(file: string, reason: string): Diagnostic {
    return error("E0641", `cannot write ${file}: ${reason}`);
  },
};

export const constFileErrors = {
  notSafetensors(file: string, reason: string, help?: string): Diagnostic {
    return error("E0660", `${file} is no sound safetensors file: ${reason}`, {
      help: help === undefined ? [] : [help],
    });
  },
  noTensor(span: Span, file: string, tensor: string, known: readonly string[]): Diagnostic {
    return error("E0661", `${file} has no tensor ${code(tensor)}`, {
      span,
      notes: [`it has ${known.length} tensors`],
      help: didYouMean(tensor, known),
    });
  },
  unknownType(file: string, tensor: string, type: string, known: readonly string[]): Diagnostic {
    return error("E0662", `${code(tensor)} in ${file} holds ${code(type)}, which tirc does not read`, {
      notes: [`it reads ${known.join(", ")}`],
    });
  },
  wrongType(span: Span, name: string, type: string, where: string, holds: string): Diagnostic {
    return error("E0663", `the const ${code(name)} is declared ${type}, and ${where} holds ${holds}`, {
      span,
      help: ["declare it with the type that the file has"],
    });
  },
  outOfRange(span: Span, name: string, type: string, where: string, at: string, value: number): Diagnostic {
    return error("E0667", `the const ${code(name)} is declared ${type}, and ${where} holds ${value} at ${at}`, {
      span,
      notes: ["the declared type cannot hold that number"],
      help: ["change the numbers of the file, or declare the const with a type that holds them"],
    });
  },
  needsTensor(span: Span, name: string, file: string): Diagnostic {
    return error("E0664", `the const ${code(name)} does not say which tensor of ${file} it is`, {
      span,
      help: [`write \`load("${file}", "tensor")\``],
    });
  },
  oneTensor(span: Span, name: string, file: string): Diagnostic {
    return error("E0664", `the const ${code(name)} names a tensor, and ${file} holds one without a name`, {
      span,
      help: [`write \`load("${file}")\``],
    });
  },
};

export const contractErrors = {
  notCentered(
    span: Span,
    name: string,
    axes: readonly number[],
    { row, mean, count, rows }: { row: number; mean: number; count: number; rows: number },
  ): Diagnostic {
    const promise = `@centered(${axes.join(", ")})`;
    return error("E0670", `${code(name)} is declared ${promise}, and its rows do not have mean zero`, {
      span,
      notes: [`${count} of ${rows} rows are off; the furthest, row ${row}, has the mean ${mean}`],
      help: [`give centered data, or leave out ${code(promise)}: what was proved by it does not hold`],
    });
  },
};

export const compareWarnings = {
  /** @param instead options of `tirc run` with which the reference is finite. */
  notFinite(
    span: Span,
    op: string,
    {
      output,
      what,
      ...of
    }: {
      readonly output: string;
      readonly what: "NaN" | "infinite";
      readonly count: number;
      readonly total: number;
      readonly operands: readonly number[];
      readonly params: readonly string[];
      readonly instead: string | undefined;
    },
  ): Diagnostic {
    const operands = of.operands.map((value) => String(Number(value.toPrecision(6)))).join(" and ");
    const from = of.params.length === 0 ? "" : `, and reads ${listing(of.params.map(code))}`;
    return warning(
      "R0650",
      `the reference itself is ${what} here, though all inputs are finite: ${code(op)} makes it`,
      {
        span,
        notes: [
          `${of.count} of ${of.total} values of ${code(output)} are ${what}`,
          `${code(op)} makes the first${operands === "" ? "" : ` from ${operands}`}${from}`,
        ],
        help: [
          of.instead === undefined
            ? "choose inputs for which it is finite: `--in 'NAME=uniform(LOW, HIGH)'` or a file"
            : `with ${code(of.instead)} the reference is finite`,
        ],
      },
    );
  },
};

export const compareErrors = {
  differs(
    name: string,
    { at, got, want, count, total }: { at: string; got: string; want: string; count: number; total: number },
    tolerance: string,
  ): Diagnostic {
    return error("E0650", `the output ${code(name)} differs from the float64 reference`, {
      notes: [
        `${count} of ${total} values are further off than ${tolerance}`,
        `the furthest, at ${at}, is ${got}, and should be ${want}`,
      ],
    });
  },
};

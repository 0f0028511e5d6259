// biome-ignore-all lint/suspicious/noTemplateCurlyInString: texts of templates are among what is replaced.
/**
 * Wrong rewrites: for each a text of a pass's module, its replacement, and a program that exposes it.
 * Where `pipeline` is missing, the pass of the file runs by itself.
 */

export interface Mutant {
  /** A file of `passes/`. */
  readonly file: string;
  /** Its mistake. */
  readonly what: string;
  readonly from: string;
  readonly to: string;
  /** In which it matters. */
  readonly program: string;
  readonly pipeline?: string;
}

const full = "x: f32[rows, 8], y: f32[rows, 8], g: f32[8], b: f32[8]";
const square = "x: f32[4, 4], y: f32[4, 4], g: f32[4], b: f32[4]";
const cube = "x: f32[4, 4, 4]";

const fn = (params: string, result: string, ...lines: string[]) =>
  `fn f(${params}) -> ${result} {\n${lines.map((line) => `  ${line}`).join("\n")}\n}\n`;
const rows = (...lines: string[]) => fn(full, "f32[rows, 8]", ...lines);
const ofSquare = (...lines: string[]) => fn(square, "f32[4, 4]", ...lines);
const ofCube = (...lines: string[]) => fn(cube, "f32[4, 4, 4]", ...lines);

const d = "let d = x - mean(x, axes = [-1], keepdims = true)";
const v = "let v = mean(d * d, axes = [-1], keepdims = true)";

const canonicalize: readonly Omit<Mutant, "file">[] = [
  {
    what: "exchanges the operands of every op",
    from: "if (ops[op.name].facts.commutative !== true) return undefined;\n  if (constantValue(a)",
    to: "if (constantValue(a)",
    program: rows("return 2 - x"),
  },
  {
    what: "takes any number for the identity",
    from: "number !== def.facts.rightIdentity)",
    to: "def.facts.rightIdentity === undefined)",
    program: rows("return x * 2"),
  },
  {
    what: "f(f(x)) = x for an idempotent op",
    from: "return idempotent === true ? inner.result",
    to: "return idempotent === true ? inner.operand(0)",
    program: rows("return abs(abs(x))"),
  },
  {
    what: "f(f(x)) = f(x) for an involution",
    from: ": inner.operand(0);\n};",
    to: ": inner.result;\n};",
    program: rows("return -(-x)"),
  },
  {
    what: "centers over other axes are one",
    from: "|| !sameAttributes(inner, op)",
    to: "",
    program: ofSquare("return center(center(x, axes = [-1]), axes = [-2])"),
  },
  {
    what: "composes permutations the wrong way round",
    from: "perm.map((axis) => innerPerm[axis] as number)",
    to: "innerPerm.map((axis) => perm[axis] as number)",
    program: ofCube("return transpose(transpose(x, perm = [1, 2, 0]), perm = [1, 0, 2])"),
  },
  {
    what: "drops a transpose that leaves an axis where it is",
    from: "perm.every((axis, i) => axis === i)",
    to: "perm.some((axis, i) => axis === i)",
    program: ofCube("return transpose(x, perm = [0, 2, 1])"),
  },
  {
    what: "drops a rounding to f16",
    from: "origin?.element === element && isRounded(origin)",
    to: "origin?.element === element",
    program: fn("x: f16[rows]", "f16[rows]", "let e = exp(x)", "return cast(cast(e, to = f32), to = f16)"),
  },
  {
    what: "folds the first operand twice",
    from: "Float64Array.of(numbers[i] as number)",
    to: "Float64Array.of(numbers[0] as number)",
    program: rows("let two: f32 = 2", "let five: f32 = 5", "return x * (five - two)"),
  },
  {
    what: "folds an op as another",
    from: 'return instead(op, "constant", [], { element, value });',
    to: 'return instead(op, "constant", [], { element, value: -value });',
    program: rows("let two: f32 = 2", "let five: f32 = 5", "return x * (five - two)"),
  },
];

const keys: readonly Omit<Mutant, "file">[] = [
  {
    what: "leaves attributes out",
    from: "${numbers.join()}|${attributes && getOrInsert(texts, attributes, () => textOf(attributes))}`",
    to: "${numbers.join()}`",
    program: rows("return elu(x, alpha = 1) + elu(x, alpha = 2)"),
  },
  {
    what: "takes every op for commutative",
    from: "if (ops[name].facts.commutative === true) numbers.sort",
    to: "numbers.sort",
    program: rows("return (x - y) + 3 * (y - x)"),
  },
  {
    what: "leaves the op's name out",
    from: "return `${name}|",
    to: "return `",
    program: rows("return exp(x) + tanh(x)"),
  },
  {
    what: "takes all values for one",
    from: "() => this.numbers.size",
    to: "() => 0",
    program: rows("return exp(x) + exp(y)"),
  },
];

const cse: readonly Omit<Mutant, "file">[] = [
  {
    what: "exchanges the results of an op",
    from: "return same.op.results;",
    to: "return same.op.results.toReversed();",
    program: fn(
      "x: f32[rows, 8]",
      "f32[rows]",
      "let (m, v) = moments(x, axes = [-1])",
      "let (n, w) = moments(x, axes = [-1])",
      "return m * 2 + v * 3 + n * 5 + w * 7",
    ),
  },
];

const fuse: readonly Omit<Mutant, "file">[] = [
  {
    what: "exchanges operands",
    from: "copies.op(op, { kernel: kernels.get(op) })",
    to: "copies.op(op, { kernel: kernels.get(op), operands: copies.operandsOf(op).toReversed() })",
    program: rows("return x - y"),
  },
];

const toRms: readonly Omit<Mutant, "file">[] = [
  {
    what: "drops beta",
    from: "beta === undefined ? rmsnorm :",
    to: "beta !== op ? rmsnorm :",
    program: rows("return layernorm(x, g, b, axes = [-1])"),
  },
  {
    what: "drops gamma",
    from: "[center, gamma]",
    to: "[center]",
    program: rows("return layernorm(x, g, b, axes = [-1])"),
  },
  {
    what: "takes the default eps",
    from: "[center, gamma], { axes, eps }",
    to: "[center, gamma], { axes }",
    program: rows("return layernorm(x, g, b, axes = [-1], eps = 0.001)"),
  },
  {
    what: "normalizes the row that is not centered",
    from: "[center, gamma]",
    to: "[x, gamma]",
    program: rows("return layernorm(x, g, axes = [-1])"),
  },
  {
    what: "centers over the last axis only",
    from: 'builder.emit("center", [x], { axes })',
    to: 'builder.emit("center", [x], { axes: [-1] })',
    program: ofSquare("return layernorm(x, axes = [-2, -1])"),
  },
  {
    what: "subtracts beta",
    from: 'builder.emit("add", [rmsnorm,',
    to: 'builder.emit("sub", [rmsnorm,',
    program: rows("return layernorm(x, g, b, axes = [-1])"),
  },
  {
    what: "multiplies by beta",
    from: 'builder.emit("add", [rmsnorm,',
    to: 'builder.emit("mul", [rmsnorm,',
    program: rows("return layernorm(x, g, b, axes = [-1])"),
  },
  {
    what: "lays beta along another axis",
    from: "{ shape: affineView }",
    to: "{ shape: [...affineView].reverse() }",
    program: ofSquare("return layernorm(x, g, b, axes = [0])"),
  },
];

const normPatterns: readonly Omit<Mutant, "file">[] = [
  {
    what: "takes x + mean(x) for x - mean(x)",
    from: "scale: -found.scale",
    to: "scale: found.scale",
    program: rows("return x + mean(x, axes = [-1], keepdims = true)"),
  },
  {
    what: "subtracts the shift",
    from: 'builder.emit("add", [scaled, shift.operand(0)])',
    to: 'builder.emit("sub", [scaled, shift.operand(0)])',
    program: rows("return x * g + (b - mean(x, axes = [-1], keepdims = true) * g)"),
  },
  {
    what: "drops eps",
    from: "return { rest: { value: rest, lay }, eps };",
    to: "return { rest: { value: rest, lay }, eps: 0 };",
    program: rows(d, v, "return d * rsqrt(v + 0.001)"),
  },
  {
    what: "takes a division by the variance for one by its root",
    from: "return { ...spread, eps, miss };",
    to: "return { ...spread, eps };",
    program: rows(d, v, "return d / (v + 0.001)"),
  },
  {
    what: "moves eps into the root",
    from: "return { ...spread, eps, miss: { because, help, at: op.span } };",
    to: "return { ...spread, eps };",
    program: rows(d, v, "return d / (sqrt(v) + 0.001)"),
  },
  {
    what: "takes the mean over other axes for that of the variance",
    from: "sameAxes(attribute.axes(center.attributes), stat.axes)",
    to: "stat.axes.length > 0",
    program: ofSquare(
      "let d = x - mean(x, axes = [-2], keepdims = true)",
      "return d * rsqrt(var(x, axes = [-1], keepdims = true) + 0.001)",
    ),
  },
  {
    what: "multiplies by what was divided by",
    from: 'factor.exponent === 1 ? "mul" : "div"',
    to: '"mul"',
    program: rows(d, v, "return d / (g * sqrt(v + 0.001))"),
  },
  {
    what: "drops the factor of a product",
    from: "if (product.constant === 1) return result;",
    to: "if (product.constant !== 0) return result;",
    program: rows(d, v, "return 3 * d * rsqrt(v + 0.001)"),
  },
  {
    what: "scales eps of an unbiased variance the wrong way",
    from: "const eps = scale.eps / scale.factor;",
    to: "const eps = scale.eps * scale.factor;",
    program: rows(d, "return d * rsqrt(sum(d * d, axes = [-1], keepdims = true) / 7 + 0.001)"),
  },
  {
    what: "scales the norm of an unbiased variance the wrong way",
    from: "product.constant / Math.sqrt(scale.factor)",
    to: "product.constant * Math.sqrt(scale.factor)",
    program: rows(d, "return d * rsqrt(sum(d * d, axes = [-1], keepdims = true) / 7 + 0.001)"),
  },
  {
    what: "takes a sum of squares for their mean",
    from: 'kind === "sum" ? "l2norm" : "rmsnorm"',
    to: '"rmsnorm"',
    program: rows("return x * rsqrt(sum(x * x, axes = [-1], keepdims = true) + 0.001)"),
  },
  {
    what: "makes a LayerNorm of a centering over other axes",
    from: "if (sameAxes(centerAxes, axes)) {",
    to: "if (centerAxes.length === axes.length) {",
    program: ofSquare(
      "let d = x - mean(x, axes = [-2], keepdims = true)",
      "return d * rsqrt(mean(d * d, axes = [-1], keepdims = true) + 0.001)",
    ),
  },
  {
    what: "lets a statistic meet other rows than its own",
    from: "problem ?? alignmentMiss(stat, x)",
    to: "problem",
    program: ofSquare("return x - mean(x, axes = [-1])"),
  },
];

const statistics: readonly Omit<Mutant, "file">[] = [
  {
    what: "takes a sum over n - 1 for the mean",
    from: "near(n * stat.scale, 1, floatTolerance)",
    to: "near((n - 1) * stat.scale, 1, floatTolerance)",
    program: rows("return x - sum(x, axes = [-1], keepdims = true) / 7"),
  },
  {
    what: "takes a sum over n - 2 for the unbiased variance",
    from: "near((n - 1) * ofSum, 1",
    to: "near((n - 2) * ofSum, 1",
    program: rows(d, "return d * rsqrt(sum(d * d, axes = [-1], keepdims = true) / 6 + 0.001)"),
  },
  {
    what: "takes a mean of cubes for one of squares",
    from: "only.exponent === 2 ? found : wrongPower",
    to: "only.exponent > 1 ? found : wrongPower",
    program: rows("return x * rsqrt(mean(x * x * x, axes = [-1], keepdims = true) + 0.001)"),
  },
  {
    what: "takes the unbiased variance for the biased one",
    from: "n > correction ? n / (n - correction) : undefined",
    to: "n > correction ? 1 : undefined",
    program: rows(d, "return d * rsqrt(var(x, axes = [-1], keepdims = true, correction = 1) + 0.001)"),
  },
  {
    what: "takes the mean for its square",
    from: "mean?.exponent !== 2",
    to: "mean?.exponent !== 1",
    program: rows(
      "let m = mean(x, axes = [-1], keepdims = true)",
      "let q = mean(x * x, axes = [-1], keepdims = true)",
      "return (x - m) * rsqrt(q - m + 0.001)",
    ),
  },
  {
    what: "takes the mean of another value",
    from: "!sameNumbers(stat.of, spread.of) || ",
    to: "",
    program: rows(
      "let m = mean(y, axes = [-1], keepdims = true)",
      "let q = mean(x * x, axes = [-1], keepdims = true)",
      "return (x - mean(x, axes = [-1], keepdims = true)) * rsqrt(q - m * m + 0.001)",
    ),
  },
];

const softmax: readonly Omit<Mutant, "file">[] = [
  {
    what: "takes a maximum along other axes off",
    from: "&& sameAxes(top.axes, axes);\n  return isMax && meetsItsRow(top.lay, x.shape, axes) && sameType",
    to: ";\n  return isMax && sameType",
    program: ofSquare(
      "let e = exp(x - max(x, axes = [-2], keepdims = true))",
      "return e / sum(e, axes = [-1], keepdims = true)",
    ),
  },
  {
    what: "is a softmax over another axis",
    from: 'builder.emit("softmax", [x], { axes: total.axes })',
    to: 'builder.emit("softmax", [x], { axes: [-2] })',
    program: ofSquare(
      "let e = exp(x - max(x, axes = [-1], keepdims = true))",
      "return e / sum(e, axes = [-1], keepdims = true)",
    ),
  },
  {
    what: "takes softmax for its logarithm",
    from: 'return builder.emit("log_softmax", [row], { axes: total.axes });',
    to: 'return builder.emit("softmax", [row], { axes: total.axes });',
    program: ofSquare(
      "let s = x - max(x, axes = [-1], keepdims = true)",
      "return s - log(sum(exp(s), axes = [-1], keepdims = true))",
    ),
  },
];

const affine: readonly Omit<Mutant, "file">[] = [
  {
    what: "takes what is subtracted for beta",
    from: 'beta: { index: 2, joint: "add" }',
    to: 'beta: { index: 2, joint: "sub" }',
    program: rows("return layernorm(x, g, axes = [-1]) - b"),
  },
  {
    what: "takes a factor of the whole for gamma",
    from: "norm.operands.slice(slots[slot].index).every(",
    to: "norm.operands.slice(slots[slot].index, slots[slot].index + 1).every(",
    program: rows("return layernorm(x, beta = b, axes = [-1]) * g"),
  },
  {
    what: "loses a number beside gamma",
    from: 'scaled === undefined ? lying : builder.emit("mul", [lying, scaled.number])',
    to: "lying",
    program: rows("return rmsnorm(x, axes = [-1]) * 3 * g"),
  },
  {
    what: "lays gamma along another axis",
    from: "if (!sameShape(padded(value.shape, affineView.length), affineView)) return undefined;",
    to: "if (value.shape.length !== 1) return undefined;",
    program: ofSquare("return rmsnorm(x, axes = [0]) * g"),
  },
];

const activations: readonly Omit<Mutant, "file">[] = [
  {
    what: "takes a square for the cube of GELU",
    from: "plus(x, times(0.044715, power(x, 3)))",
    to: "plus(x, times(0.044715, power(x, 2)))",
    program: rows("return 0.5 * x * (1 + tanh(0.7978845608028654 * (x + 0.044715 * x * x)))"),
  },
  {
    what: "takes twice the GELU for it",
    from: "times(0.5, one(x), one(plus(f, 1)))",
    to: "times(1, one(x), one(plus(f, 1)))",
    program: rows("return x * (1 + erf(x * 0.7071067811865476))"),
  },
  {
    what: "takes exp(x) for exp(-x)",
    from: 'call("exp", times(-1, one(x)))',
    to: 'call("exp", times(1, one(x)))',
    program: rows("return x / (1 + exp(x))"),
  },
  {
    what: "takes erf(x) for erf(x / sqrt(2))",
    from: "times(Math.SQRT1_2, one(x))",
    to: "times(1, one(x))",
    program: rows("return 0.5 * x * (1 + erf(x))"),
  },
  {
    what: "takes one form of GELU for the other",
    from: 'attributes: { approximate: "tanh" }',
    to: 'attributes: { approximate: "none" }',
    program: rows("return 0.5 * x * (1 + tanh(0.7978845608028654 * (x + 0.044715 * x * x * x)))"),
  },
];

const match: readonly Omit<Mutant, "file">[] = [
  {
    what: "takes a quotient for a product",
    from: "{ exponents: [exponent, -exponent], constant: 1,",
    to: "{ exponents: [exponent, exponent], constant: 1,",
    program: rows("return x - sum(x, axes = [-1], keepdims = true) / 0.125"),
  },
  {
    what: "loses the sign of a negation",
    from: "constant: (-1) ** exponent",
    to: "constant: 1",
    program: rows(d, v, "return -(d) * rsqrt(v + 0.001)"),
  },
  {
    what: "takes other constants for those of GELU",
    from: "tolerance = formulaTolerance",
    to: "tolerance = 0.5",
    program: rows("return 0.5 * x * (1 + erf(x * 0.9))"),
  },
];

const eliminated = "eliminate-centering{fold=true}";
const rowMean: readonly Omit<Mutant, "file">[] = [
  {
    what: "looks at the first operand of a sum only",
    from: 'claims: all.map((operand) => claim("zero", operand))',
    to: 'claims: all.slice(0, 1).map((operand) => claim("zero", operand))',
    program: rows("return center(center(x, axes = [-1]) + y, axes = [-1])"),
  },
  {
    what: "does not ask whether a factor varies along the row",
    from: '...all.filter((i) => i !== which).map((i) => claim("constant", i))',
    to: "",
    program: rows("return center(center(x, axes = [-1]) * y, axes = [-1])"),
  },
  {
    what: "does not look at gamma",
    from: "if (op.operands[1] !== undefined) affine.push",
    to: "if (op.operands[1] === op.operands[0]) affine.push",
    program: rows("return center(layernorm(x, g, axes = [-1]), axes = [-1])"),
  },
  {
    what: "does not look at beta",
    from: "if (op.operands[2] !== undefined) affine.push",
    to: "if (op.operands[2] === op.operands[0]) affine.push",
    program: rows("return center(layernorm(x, beta = b, axes = [-1]), axes = [-1])"),
  },
  {
    what: "does not move axes through a transpose",
    from: ".map((axis) => perm.at(axis) as number)",
    to: ".map((axis) => axis)",
    program: ofCube("return center(transpose(center(x, axes = [-1]), perm = [0, 2, 1]), axes = [-1])"),
  },
  {
    what: "takes rows over some axes for those over others",
    from: 'fact === "result" && isPlain(rows) && isWithin(own, axes)',
    to: 'fact === "result" && isPlain(rows)',
    program: ofSquare("return center(center(x, axes = [-2]), axes = [-1])"),
  },
];

const centering: readonly Omit<Mutant, "file">[] = [
  {
    what: "takes a contract about other axes for one about these",
    from: "isPlain(rows) && centered.length > 0 && isWithin(centered, axes)",
    to: "isPlain(rows) && centered.length > 0",
    program: fn("x: f32[4, 4] @centered(-2)", "f32[4, 4]", "return center(x, axes = [-1])"),
  },
  {
    what: "takes a constant for centered that is not",
    from: "<= roundingOfData * (sizes[row] as number)",
    to: "<= (sizes[row] as number)",
    program: `const w: f32[2, 3] = [[1, 2, 3], [4, 6, 5]]\n${fn("x: f32[rows, 2]", "f32[rows, 3]", "return center(matmul(x, w), axes = [-1])")}`,
    pipeline: eliminated,
  },
];

const streams = `const w: f32[8] = [1, 2, 3, 4, 5, 6, 7, 9]
const c: f32[8] = [1, -2, 3, 4, -5, 6, 7, 9]
`;
const move: readonly Omit<Mutant, "file">[] = [
  {
    what: "shifts what another reads",
    from: "if (ops[op.name].facts.ignoresShift !== true || index !== 0 || !isPlain(rows)) return false;",
    to: 'if (op.name !== "center") return true;',
    program: `${streams}${fn("x: f32[rows, 1]", "f32[rows, 8]", "let h = x * w + c", "return rmsnorm(center(h, axes = [-1]), axes = [-1]) + gelu(h)")}`,
    pipeline: eliminated,
  },
  {
    what: "shifts what is returned",
    from: "for (const { name, value } of results) for (const node of this.of(value)) take(node, undefined, name);",
    to: "void results;",
    program: `${streams}${fn("x: f32[rows, 1]", "(a: f32[rows, 8], h: f32[rows, 8])", "let h = x * w + c", "return rmsnorm(center(h, axes = [-1]), axes = [-1]), h")}`,
    pipeline: eliminated,
  },
];

const foldedProgram = `${streams}${fn("x: f32[rows, 1]", "f32[rows, 8]", "return rmsnorm(center(x * w + c, axes = [-1]), axes = [-1])")}`;
const blocks = `const w: f32[3, 8] = [[1, 2, 3, 4, 5, 6, 7, 9], [3, 1, 4, 1, 5, 9, 2, 6], [2, 7, 1, 8, 2, 8, 1, 8]]
${fn("x: f32[rows, 3]", "f32[rows, 2, 4]", "return center(reshape(matmul(x, w), shape = [rows, 2, 4]), axes = [-1])")}`;
const scaledProgram = `const w: f32[3, 4] = [[1, 2, 3, 5], [3, 1, 4, 1], [2, 7, 1, 8]]
const s: f32[4] = [1, 2, 4, 7]
${fn("x: f32[rows, 3]", "f32[rows, 4]", "return center(matmul(x, w) * s, axes = [-1])")}`;

const constant: readonly Omit<Mutant, "file">[] = [
  {
    what: "centers a constant along another axis",
    from: "operands: [of], attributes: { axes } }",
    to: "operands: [of], attributes: { axes: [-2] } }",
    program: `const w: f32[3, 8] = [[1, 2, 3, 4, 5, 6, 7, 9], [3, 1, 4, 1, 5, 9, 2, 6], [2, 7, 1, 8, 2, 8, 1, 8]]
${fn("x: f32[rows, 3]", "f32[rows, 8]", "return center(matmul(x, w), axes = [-1])")}`,
    pipeline: eliminated,
  },
  {
    what: "centers a constant as a whole and not in blocks",
    from: "if (block === undefined) return centered(scaled);",
    to: "if (block !== 0) return centered(scaled);",
    program: blocks,
    pipeline: eliminated,
  },
  {
    what: "exchanges the extents of blocks",
    from: "(dims.at(axis) as number) / block, block)",
    to: "block, (dims.at(axis) as number) / block)",
    program: blocks,
    pipeline: eliminated,
  },
  {
    what: "divides a constant by its scale",
    from: 'computed({ op: "mul"',
    to: 'computed({ op: "div"',
    program: scaledProgram,
    pipeline: eliminated,
  },
];

const rewriting: readonly Omit<Mutant, "file">[] = [
  {
    what: "leaves rows that do not vary as they are",
    from: 'return builder.emit("sub", [now, now]);',
    to: "return now;",
    program: `${streams}${fn("x: f32[rows, 1], t: bool[rows, 1]", "f32[rows, 8]", "return center(where(t, x * w, x), axes = [-1])")}`,
    pipeline: eliminated,
  },
  {
    what: "centers the first constant only",
    from: "operands[operand] = this.of(",
    to: "if (operand === 0) operands[operand] = this.of(",
    program: foldedProgram,
    pipeline: eliminated,
  },
  {
    what: "drops a centering that stays",
    from: "if (lossy) return now;",
    to: "if (!lossy) return now;",
    program: rows("return rmsnorm(center(x, axes = [-1]), axes = [-1])"),
    pipeline: eliminated,
  },
];

const inFile = (file: string, pipeline: string, list: readonly Omit<Mutant, "file">[]): Mutant[] =>
  list.map((mutant) => ({ pipeline, ...mutant, file }));

const rms = (x: string, eps: number) => `rmsnorm(${x}, axes = [-1], eps = ${eps})`;
const twice = rows(`return ${rms(rms("x", 0.1), 0.3)}`);

const normRules: readonly Omit<Mutant, "file">[] = [
  {
    what: "takes the product of two eps for that of a norm of a norm",
    from: "(a * scaledEps) / (1 + added)",
    to: "a * scaledEps",
    program: twice,
  },
  {
    what: "forgets the factor of a norm of a norm",
    from: "times(renormed(outer, inner.operand(0), eps, site), factor, site), Math",
    to: "times(renormed(outer, inner.operand(0), eps, site), 1, site), Math",
    program: twice,
  },
  {
    what: "divides where it multiplies with a row's length",
    from: 'outer.name === "rmsnorm" ? { over',
    to: 'outer.name === "l2norm" ? { over',
    program: rows(`return l2norm(${rms("x", 0.1)}, axes = [-1], eps = 0.3)`),
  },
  {
    what: "loses the sign of a scale between two norms",
    from: "factor, site), Math.sign(number), site)",
    to: "factor, site), 1, site)",
    program: rows(`return ${rms(`${rms("x", 0.1)} * -0.5`, 0.3)}`),
  },
  {
    what: "joins norms of other axes",
    from: "|| !sameAxes(axesOf(inner), axesOf(outer))",
    to: "",
    program: ofSquare(`return ${rms("rmsnorm(x, axes = [-2], eps = 0.1)", 0.3)}`),
  },
  {
    what: "joins norms with a gamma between",
    from: "inner.operands[1] !== undefined || ",
    to: "",
    program: rows(`return ${rms("rmsnorm(x, g, axes = [-1], eps = 0.1)", 0.3)}`),
  },
  {
    what: "joins norms with a centering between",
    from: "|| isCentered || rows",
    to: "|| rows",
    program: rows(`return ${rms(`center(${rms("x", 0.1)}, axes = [-1])`, 0.3)}`),
  },
  {
    what: "divides eps by the scale, not by its square",
    from: "epsOf(norm) / number ** 2",
    to: "epsOf(norm) / number",
    program: rows(`return ${rms("x * 3", 0.3)}`),
  },
  {
    what: "loses the sign of a scale",
    from: "Math.sign(number), site);\n};\n\n/** The ratio of",
    to: "1, site);\n};\n\n/** The ratio of",
    program: rows(`return ${rms("x * -3", 0.3)}`),
  },
  {
    what: "loses a centering behind a scale",
    from: 'isCentered ? site.builder.emit("center", [of], { axes: axesOf(norm) }) : of',
    to: "of",
    program: rows(`return ${rms("center(x * 3, axes = [-1])", 0.3)}`),
  },
  {
    what: "drops a scale of rows where eps is not 0",
    from: "epsOf(norm) === 0 ? rowStepOf",
    to: "epsOf(norm) >= 0 ? rowStepOf",
    program: fn(`${full}, r: f32[rows, 1]`, "f32[rows, 8]", `return ${rms("x * minimum(maximum(r, 1), 9)", 0.3)}`),
  },
  {
    what: "drops a shift that varies along the row",
    from: "&& site.centering.isConstantAlong(shift, { axes: axesOf(op) }).proved",
    to: "",
    program: rows("return softmax(x + b, axes = [-1])"),
  },
];

const weights = `const w: f32[4, 4] = load("w.safetensors", "w")
const c: f32[4] = load("w.safetensors", "c")
const s: f32[4] = load("w.safetensors", "s")
`;
const ofWeights = (result: string) => `${weights}fn f(x: f32[4, 4]) -> f32[4, 4] {\n  return ${result}\n}\n`;

const folding: readonly Omit<Mutant, "file">[] = [
  {
    what: "scales the weight of a matmul along its columns",
    from: "axis === -1\n      ? constant",
    to: "axis <= -1\n      ? constant",
    program: ofWeights("matmul(rmsnorm(x, s, axes = [-1]), w)"),
  },
  {
    what: "takes 1 + g for g",
    from: "return plusOne\n",
    to: "return !plusOne\n",
    program: ofWeights("linear(rmsnorm(x, s + 1, axes = [-1]), w)"),
  },
  {
    what: "forgets the bias that was there",
    from: "operands: [constant, weight, bias?.constant]",
    to: "operands: [constant, weight, undefined]",
    program: ofWeights("linear(rmsnorm(x, axes = [-1]) + s, w, c)"),
  },
  {
    what: "folds gamma where beta comes after it",
    from: '(slot === "gamma" && op.operands[2] !== undefined)',
    to: "false",
    program: ofWeights("linear(layernorm(x, s, c, axes = [-1]), w)"),
    pipeline: "fold-affine{beta=false}",
  },
];

const readers: readonly Omit<Mutant, "file">[] = [
  {
    what: "takes rows that were turned for rows",
    from: "return last === -1 || last === x.shape.length - 1;",
    to: "return true;",
    program: ofWeights("linear(transpose(rmsnorm(x, s, axes = [-1]), perm = [1, 0]), w)"),
  },
  {
    what: "does not look who else reads the rows",
    from: "else return missed(`${quoted(at)} is read by ${quotedOp(op)}`, op.result);",
    to: "",
    program: `${weights}fn f(x: f32[4, 4]) -> f32[4, 4] {\n  let n = x * s\n  return linear(n, w) + tanh(n)\n}\n`,
  },
];

const centeredReaders: readonly Omit<Mutant, "file">[] = [
  {
    what: "centers the other axis of the weight",
    from: "attributes: { axes: [axis] }",
    to: "attributes: { axes: [-3 - axis] }",
    program: ofWeights("linear(center(x, axes = [-1]), w)"),
  },
];

const deferring: readonly Omit<Mutant, "file">[] = [
  {
    what: "drops the eps of the second norm, as FlashNorm does",
    from: 'builder.emit("mul", [of.statistic, this.eps(op)])',
    to: "of.statistic",
    program: ofWeights("rmsnorm(linear(rmsnorm(x, axes = [-1], eps = 0.1), w), axes = [-1], eps = 0.3)"),
  },
  {
    what: "scales the bias, too",
    from: "return bias === undefined ? scaled : builder",
    to: "return bias === undefined ? scaled : true ? builder.emit('mul', [builder.emit('add', [product, bias]), builder.emit('rsqrt', [statistic])]) : builder",
    program: ofWeights("linear(rmsnorm(x, axes = [-1]), w, c)"),
  },
];

const extremes: readonly Omit<Mutant, "file">[] = [
  {
    what: "takes the other end",
    from: "builder.emit(op.name, [of], op.attributes)",
    to: 'builder.emit(op.name === "max" ? "min" : "max", [of], op.attributes)',
    program: ofWeights("max(rmsnorm(x, axes = [-1]), axes = [-1], keepdims = true) * x"),
  },
  {
    what: "takes a negative scale",
    from: 'value: builder.emit("mul", [extreme, scale])',
    to: 'value: builder.emit("neg", [builder.emit("mul", [extreme, scale])])',
    program: ofWeights("max(rmsnorm(x, axes = [-1]), axes = [-1], keepdims = true) * x"),
  },
  {
    what: "forgets gamma",
    from: "return gamma === undefined ? (x as Value) :",
    to: "return true ? (x as Value) :",
    program: ofWeights("max(abs(rmsnorm(x, s, axes = [-1])), axes = [-1], keepdims = true) * x"),
  },
  {
    what: "divides another norm's rows",
    from: "by.norm.result === left",
    to: "true",
    program: ofWeights("rmsnorm(tanh(x), axes = [-1]) / max(rmsnorm(x, axes = [-1]), axes = [-1], keepdims = true)"),
  },
];

const nested = (op: string, more = "") =>
  `fn f(x: f32[3, 4]) -> f32 {\n  return ${op}(softmax(x, axes = [-1]), axes = [0, 1]${more})\n}\n`;

const nesting: readonly Omit<Mutant, "file">[] = [
  {
    what: "counts the elements along some of the axes",
    from: "countIn(reducedShape(op), to)",
    to: "countIn(reducedShape(op).slice(1), to)",
    program: nested("var", ", correction = 1"),
  },
  {
    what: "takes sums of rows for their means",
    from: "isEqual: true }",
    to: "isEqual: false }",
    program: nested("mean"),
  },
];

export const mutants: readonly Mutant[] = [
  ...inFile("canonicalize.ts", "canonicalize", canonicalize),
  ...inFile("op-keys.ts", "cse", keys),
  ...inFile("cse.ts", "cse", cse),
  ...inFile("fuse-elementwise.ts", "fuse-elementwise", fuse),
  ...inFile("layernorm-to-rmsnorm.ts", "layernorm-to-rmsnorm", toRms),
  ...inFile("norm-patterns.ts", "raise-norms", normPatterns),
  ...inFile("statistics.ts", "raise-norms", statistics),
  ...inFile("softmax-patterns.ts", "raise-norms", softmax),
  ...inFile("affine-patterns.ts", "raise-norms", affine),
  ...inFile("activation-patterns.ts", "raise-norms", activations),
  ...inFile("match.ts", "raise-norms", match),
  ...inFile("row-mean.ts", "eliminate-centering", rowMean),
  ...inFile("centering.ts", "eliminate-centering", centering),
  ...inFile("move-centering.ts", "eliminate-centering", move),
  ...inFile("centered-constant.ts", "eliminate-centering", constant),
  ...inFile("rewrite-centering.ts", "eliminate-centering", rewriting),
  ...inFile("norm-rules.ts", "simplify-norms", normRules),
  ...inFile("fold-affine.ts", "fold-affine", folding),
  ...inFile("product-readers.ts", "fold-affine", readers),
  ...inFile("center-readers.ts", "center-readers", centeredReaders),
  ...inFile("defer-scale.ts", "defer-scale", deferring),
  ...inFile("defer-scale.ts", "defer-scale", extremes),
  ...inFile("nest-reductions.ts", "nest-reductions", nesting),
];

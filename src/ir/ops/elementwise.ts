/** Rows of the op table for elementwise ops: one number in, one number out, broadcast by NumPy's rules. */

import {
  add,
  type BinaryOperator,
  type BuiltinFunction,
  call,
  construct,
  divide,
  type Expression,
  equals,
  library as libraryCall,
  multiply,
  negate,
  binary as operation,
  unary as prefixed,
  select,
  subtract,
} from "../../kernel/expression.ts";
import { roundTo } from "../float16.ts";
import { type ByteType, type ElementType, elementInfo, isByte, isFloat, isHalf, isInteger } from "../types.ts";
import {
  type AttributeDef,
  anyElement,
  attribute,
  type Cost,
  type ElementwiseRow,
  type Facts,
  floats,
  type KernelContext,
  numbers,
  signed,
} from "./def.ts";
import { erf, erfc, roundHalfEven, sqrtTwoOverPi } from "./math.ts";
import { firstWord, threefry2x32 } from "./threefry.ts";
import type { WgslFunction } from "./wgsl-functions.ts";

type Scalar = ElementwiseRow["scalar"];
type Kernel = ElementwiseRow["kernel"];

interface Extras {
  isPartial?: true;
  elements?: readonly ElementType[];
  facts?: Facts;
  attributes?: Readonly<Record<string, AttributeDef>>;
}

function unary(cost: Cost, summary: string, scalar: Scalar, kernel: Kernel, extras: Extras = {}): ElementwiseRow {
  const { elements = floats, facts = {}, attributes = {} } = extras;
  return {
    kind: "elementwise",
    cost,
    summary,
    operands: [{ name: "x" }],
    attributes,
    elements,
    facts,
    result: "same",
    scalar,
    kernel,
  };
}

function binary(cost: Cost, summary: string, scalar: Scalar, kernel: Kernel, extras: Extras = {}): ElementwiseRow {
  const { elements = numbers, facts = {}, isPartial } = extras;
  const operands = [{ name: "a" }, { name: "b" }];
  return {
    kind: "elementwise",
    cost,
    summary,
    operands,
    attributes: {},
    elements,
    facts,
    result: "same",
    scalar,
    kernel,
    ...(isPartial && { isPartial }),
  };
}

function comparison(
  symbol: "==" | "!=" | "<" | "<=" | ">" | ">=",
  scalar: Scalar,
  extras: Extras = {},
): ElementwiseRow {
  // WGSL's `!=` is false where an operand is NaN.
  const kernel: Kernel =
    symbol === "!=" ? ([a, b]) => prefixed("!", equals(a as Expression, b as Expression)) : infix(symbol);
  const row = binary("low", `\`a ${symbol} b\`: true or false.`, scalar, kernel, extras);
  return { ...row, facts: { ...row.facts, jumps: true }, result: "bool" };
}

function logical(word: string, symbol: "&" | "|", scalar: Scalar): ElementwiseRow {
  const facts: Facts = { commutative: true };
  return binary("low", `Logical ${word}: \`a ${symbol}${symbol} b\`.`, scalar, infix(symbol), {
    elements: ["bool"],
    facts,
  });
}

const builtin =
  (name: BuiltinFunction): Kernel =>
  (args) =>
    call(name, ...args);
const library =
  (name: WgslFunction): Kernel =>
  (args) =>
    libraryCall(name, ...args);
/** The counter is (position, offset), the key (seed, stream). */
const randomKernel: Kernel = (args, at) => {
  const [position, offset, seed] = args as [Expression, Expression, Expression];
  const stream = at.literal(attribute.number(at.attributes, "stream"));
  return firstWord(position.type, position, offset, seed, stream);
};
const infix =
  (symbol: BinaryOperator): Kernel =>
  ([a, b]) =>
    operation(symbol, a as Expression, b as Expression);
/** Of an op of one operand. */
const of =
  (kernel: (x: Expression, at: Parameters<Kernel>[1]) => Expression): Kernel =>
  ([x], at) =>
    kernel(x as Expression, at);

const above = (a: Expression, b: Expression) => operation(">", a, b);
const below = (a: Expression, b: Expression) => operation("<", a, b);
const atMost = (a: Expression, b: Expression) => operation("<=", a, b);

/** The smaller or the larger one of floats, NaN where one of them is: against a number one comparison is enough. */
const extreme =
  (name: "minimum" | "maximum"): Kernel =>
  ([a, b], at) => {
    const [x, y] = [a as Expression, b as Expression];
    if (at.element !== "f32") return call(name === "minimum" ? "min" : "max", x, y);
    const limit = at.constant(1);
    if (limit === undefined || Number.isNaN(limit)) return libraryCall(name, x, y);
    return select(x, y, name === "maximum" ? below(x, y) : above(x, y));
  };

/** Of limits that are numbers in their order: one comparison each. */
const clampKernel: Kernel = (args, at) => {
  const [x, low, high] = args as [Expression, Expression, Expression];
  if (at.element !== "f32") return call("min", call("max", x, low), high);
  const [least = NaN, most = NaN] = [at.constant(1), at.constant(2)];
  if (least <= most) return select(select(x, low, below(x, low)), high, above(x, high));
  return libraryCall("minimum", libraryCall("maximum", x, low), high);
};

/** What is neither above nor below 0 stays as it is: NaN, and -0. */
const signKernel = of((x, at) => {
  const sign = call("sign", x);
  return at.element === "f32" ? select(x, sign, above(call("abs", x), at.literal(0))) : sign;
});

/** Drivers take `x - x` for 0 whatever x is. */
const differenceKernel: Kernel = ([a, b], at) => {
  const [x, y] = [a as Expression, b as Expression];
  return x === y && at.element === "f32" ? libraryCall("less_itself", x) : subtract(x, y);
};

const reluKernel = of((x, at) => {
  const zero = at.literal(0);
  return at.element === "f32" ? select(x, zero, atMost(x, zero)) : call("max", x, zero);
});

/** `exp` of the library, of WGSL where an operand cannot be NaN or its NaN counts for nothing. */
const exp = (x: Expression) => libraryCall("exp", x);

const sigmoid = (x: number) => (x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x)));
const softplus = (x: number) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
const geluTanh = (x: number) => 0.5 * x * (1 + Math.tanh(sqrtTwoOverPi * (x + 0.044715 * x ** 3)));
const alpha = (summary: string, value: number) => ({ alpha: { summary, type: "number", default: value } }) as const;

/** JavaScript's `**` gives NaN for 1 ** NaN and for (+-1) ** inf; IEEE 754 pow gives 1. */
function power(a: number, b: number): number {
  return a === 1 || (a === -1 && Math.abs(b) === Infinity) ? 1 : a ** b;
}

/** WGSL's rules for integers: division truncates, a / 0 = a, a % 0 = 0. */
function quotient(a: number, b: number, element: ElementType): number {
  if (!isInteger(element)) return a / b;
  return b === 0 ? a : Math.trunc(a / b);
}

function remainder(a: number, b: number, element: ElementType): number {
  return isInteger(element) && b === 0 ? 0 : a % b;
}

/**
 * As WGSL converts: floats to integers truncate and saturate, at what an f32 can hold; integers keep their bits, but to
 * bytes saturate as well. To f16 and bf16 it rounds; f32 stays float64 here.
 */
function convert(x: number, from: ElementType, to: ElementType): number {
  if (to === "bool") return x === 0 ? 0 : 1;
  if (to === "f32") return x;
  if (isFloat(to)) return roundTo[to](x);
  if (isByte(to)) {
    const [least, most] = elementInfo[to].range;
    return Number.isNaN(x) ? 0 : Math.min(Math.max(Math.trunc(x), least), most);
  }
  if (isInteger(from)) return to === "i32" ? x | 0 : x >>> 0;
  const [low, high] = to === "i32" ? [-(2 ** 31), 2 ** 31 - 128] : [0, 2 ** 32 - 256];
  return Number.isNaN(x) ? 0 : Math.min(Math.max(Math.trunc(x), low), high);
}

const castKernel = of((x, at) => {
  const to = attribute.text(at.attributes, "to") as ElementType;
  if (isHalf(to)) {
    const wide = at.element === "f32" ? x : construct(at.type("f32"), x);
    return libraryCall(to === "f16" ? "round_to_half" : "round_to_bfloat", wide);
  }
  if (isByte(to)) return toByte(x, to, at);
  // To an integer, drivers make anything of NaN.
  if (isInteger(to) && at.element === "f32") return construct(at.type(to), select(at.literal(0), x, equals(x, x)));
  return isFloat(to) && at.element === "f32" ? x : construct(at.type(to), x);
});

/** What is beyond the range of a byte becomes its end, and NaN 0. */
function toByte(x: Expression, to: ByteType, at: KernelContext): Expression {
  const [least, most] = elementInfo[to].range;
  if (at.element === "bool") return construct(at.type(to), x);
  const number = at.element === "f32" ? select(at.literal(0), x, equals(x, x)) : x;
  const raised = at.element === "u32" ? number : call("max", number, at.literal(least));
  const limited = call("min", raised, at.literal(most));
  return at.element === elementInfo[to].computed ? limited : construct(at.type(to), limited);
}

/** Of 0, infinities and NaN: the scale of what is nearest to them, or of the largest. */
function pow2Scale(x: number): number {
  if (!Number.isFinite(x)) return 2 ** -126;
  const size = Math.max(Math.abs(x), 2 ** -126);
  const near = Math.floor(Math.log2(size));
  // log2 may round up to the next whole number, or down.
  const exponent = 2 ** near > size ? near - 1 : 2 ** (near + 1) <= size ? near + 1 : near;
  return 2 ** -Math.min(exponent, 126);
}

/** Small whole exponents are products: exact signs, and no error of exp2 and log2. */
const powKernel: Kernel = ([a, b], at) => {
  const x = a as Expression;
  const exponent = at.constant(1);
  if (exponent === 2) return multiply(x, x);
  if (exponent === 3) return multiply(multiply(x, x), x);
  if (exponent === -1) return divide(1, x);
  if (exponent === 0.5) return call("sqrt", x);
  return libraryCall("pow", x, b as Expression);
};

const geluKernel = of((x, at) => {
  if (attribute.text(at.attributes, "approximate") === "none") {
    return multiply(multiply(0.5, x), add(1, libraryCall("erf", multiply(x, Math.SQRT1_2))));
  }
  const cube = multiply(multiply(multiply(0.044715, x), x), x);
  return multiply(multiply(0.5, x), add(1, libraryCall("tanh", multiply(sqrtTwoOverPi, add(x, cube)))));
});

export const unaryOps = {
  neg: unary("low", "`-x`.", (x) => -x, of(negate), {
    elements: signed,
    facts: { involution: true, rowMeanZero: "sum" },
  }),
  abs: unary("low", "Absolute value.", Math.abs, builtin("abs"), { elements: numbers, facts: { idempotent: true } }),
  sign: unary("low", "-1, 0 or 1.", Math.sign, signKernel, {
    elements: signed,
    facts: { idempotent: true, jumps: true },
  }),
  sqrt: unary("high", "Square root.", Math.sqrt, builtin("sqrt")),
  rsqrt: unary("high", "`1 / sqrt(x)`.", (x) => 1 / Math.sqrt(x), builtin("inverseSqrt")),
  reciprocal: unary(
    "high",
    "`1 / x`.",
    (x) => 1 / x,
    of((x) => divide(1, x)),
    { facts: { involution: true } },
  ),
  square: {
    ...unary(
      "low",
      "`x * x`.",
      (x) => x * x,
      of((x) => multiply(x, x)),
      { elements: numbers },
    ),
    scalar: (x, _b, _c, at) => (isInteger(at.element) ? Math.imul(x, x) : x * x),
  },
  exp: unary("high", "e to the x.", Math.exp, library("exp")),
  exp2: unary("high", "2 to the x.", (x) => 2 ** x, library("exp2")),
  log: unary("high", "Natural logarithm.", Math.log, library("log")),
  log2: unary("high", "Logarithm to base 2.", Math.log2, library("log2")),
  log1p: unary("high", "`log(1 + x)`, accurate near 0.", Math.log1p, library("log1p")),
  expm1: unary("high", "`exp(x) - 1`, accurate near 0.", Math.expm1, library("expm1")),
  pow2_scale: unary(
    "high",
    "The power of two `s` with `1 <= abs(x) * s < 2`, at most 2^126 and at least 2^-126.",
    pow2Scale,
    library("pow2_scale"),
    { facts: { jumps: true } },
  ),
  sin: unary("high", "Sine, x in radians.", Math.sin, library("sin")),
  cos: unary("high", "Cosine, x in radians.", Math.cos, library("cos")),
  tan: unary("high", "Tangent, x in radians.", Math.tan, library("tan")),
  tanh: unary("high", "Hyperbolic tangent.", Math.tanh, library("tanh")),
  erf: unary("high", "Error function.", erf, library("erf")),
  sigmoid: unary(
    "high",
    "`1 / (1 + exp(-x))`.",
    sigmoid,
    of((x) => divide(1, add(1, exp(negate(x))))),
  ),
  relu: unary("low", "`max(x, 0)`.", (x) => Math.max(x, 0), reluKernel, {
    elements: signed,
    facts: { idempotent: true },
  }),
  gelu: unary(
    "high",
    "`x * Phi(x)`, Phi the normal distribution's; `tanh` is its approximation (Hendrycks & Gimpel 2016).",
    (x, _b, _c, at) =>
      attribute.text(at.attributes, "approximate") === "none" ? 0.5 * x * erfc(-x * Math.SQRT1_2) : geluTanh(x),
    geluKernel,
    {
      attributes: {
        approximate: { summary: "Which form.", type: "choice", choices: ["none", "tanh"], default: "none" },
      },
    },
  ),
  silu: unary(
    "high",
    "`x * sigmoid(x)`, also called swish.",
    (x) => x * sigmoid(x),
    of((x) => divide(x, add(1, call("exp", negate(x))))),
  ),
  softplus: unary(
    "high",
    "`log(1 + exp(x))`.",
    softplus,
    of((x, at) => {
      const ramp = select(x, at.literal(0), atMost(x, at.literal(0)));
      return add(ramp, libraryCall("log1p", call("exp", negate(call("abs", x)))));
    }),
  ),
  elu: unary(
    "high",
    "`x` above 0, `alpha * (exp(x) - 1)` below.",
    (x, _b, _c, at) => (x > 0 ? x : attribute.number(at.attributes, "alpha") * Math.expm1(x)),
    of((x, at) => {
      const low = multiply(at.literal(attribute.number(at.attributes, "alpha")), libraryCall("expm1", x));
      return select(low, x, above(x, at.literal(0)));
    }),
    { attributes: alpha("Limit at minus infinity, negated.", 1) },
  ),
  leaky_relu: unary(
    "high",
    "`x` above 0, `alpha * x` below.",
    (x, _b, _c, at) => (x > 0 ? x : attribute.number(at.attributes, "alpha") * x),
    of((x, at) => {
      const low = multiply(at.literal(attribute.number(at.attributes, "alpha")), x);
      return select(low, x, above(x, at.literal(0)));
    }),
    { attributes: alpha("Slope below 0.", 0.01) },
  ),
  hardswish: unary(
    "high",
    "`x * clamp(x + 3, 0, 6) / 6`.",
    (x) => (x * Math.min(Math.max(x + 3, 0), 6)) / 6,
    of((x, at) => multiply(x, divide(call("clamp", add(x, 3), at.literal(0), at.literal(6)), 6))),
  ),
  floor: unary("high", "Largest integer not above x.", Math.floor, builtin("floor"), {
    facts: { idempotent: true, jumps: true },
  }),
  ceil: unary("high", "Smallest integer not below x.", Math.ceil, builtin("ceil"), {
    facts: { idempotent: true, jumps: true },
  }),
  round: unary("high", "Nearest integer, halves to the even one.", roundHalfEven, builtin("round"), {
    facts: { idempotent: true, jumps: true },
  }),
  trunc: unary("high", "Integer part.", Math.trunc, builtin("trunc"), { facts: { idempotent: true, jumps: true } }),
  stop_gradient: unary(
    "low",
    "x; no gradient goes through it.",
    (x) => x,
    of((x) => x),
    {
      facts: { idempotent: true, rowMeanZero: "sum", linear: true },
    },
  ),
  not: unary(
    "low",
    "Logical not: `!x`.",
    (x) => 1 - x,
    of((x) => prefixed("!", x)),
    { elements: ["bool"], facts: { involution: true } },
  ),
  cast: {
    ...unary(
      "low",
      "x as another element type. From float to integer it truncates and saturates, to f16 and bf16 it rounds; integers wrap, and to i8 and u8 they saturate.",
      () => 0,
      castKernel,
      {
        elements: anyElement,
        attributes: { to: { summary: "The element type of the result.", type: "element" } },
        facts: { rowMeanZero: "sum" },
      },
    ),
    result: "to",
    scalar: (x, _b, _c, at) => convert(x, at.element, attribute.text(at.attributes, "to") as ElementType),
  },
} satisfies Record<string, ElementwiseRow>;

export const binaryOps = {
  add: binary("low", "`a + b`.", (a, b) => a + b, infix("+"), {
    facts: { commutative: true, rightIdentity: 0, rowMeanZero: "sum" },
  }),
  sub: binary("low", "`a - b`.", (a, b) => a - b, differenceKernel, {
    facts: { rightIdentity: 0, rowMeanZero: "sum" },
  }),
  mul: binary("low", "`a * b`.", (a, b, _c, at) => (isInteger(at.element) ? Math.imul(a, b) : a * b), infix("*"), {
    facts: { commutative: true, rightIdentity: 1, rowMeanZero: "scale" },
  }),
  div: binary(
    "high",
    "`a / b`. Integers truncate, and `a / 0` is `a`.",
    (a, b, _c, at) => quotient(a, b, at.element),
    infix("/"),
    { facts: { rightIdentity: 1, rowMeanZero: "quotient" }, isPartial: true },
  ),
  rem: binary(
    "high",
    "`a % b`, with the sign of a (C's fmod). For integers `a % 0` is 0.",
    (a, b, _c, at) => remainder(a, b, at.element),
    (args, at) => (at.element === "f32" ? libraryCall("rem", ...args) : infix("%")(args, at)),
    { facts: { jumps: true }, isPartial: true },
  ),
  pow: binary("high", "a to the b; of a negative a only for whole b.", power, powKernel, {
    elements: floats,
    facts: { rightIdentity: 1 },
  }),
  minimum: binary("low", "The smaller one.", (a, b) => Math.min(a, b), extreme("minimum"), {
    facts: { commutative: true },
  }),
  maximum: binary("low", "The larger one.", (a, b) => Math.max(a, b), extreme("maximum"), {
    facts: { commutative: true },
  }),
  atan2: binary(
    "high",
    "The angle of the point (b, a), from -pi to pi.",
    (b, a) => Math.atan2(b, a),
    library("atan2"),
    {
      elements: floats,
    },
  ),
  eq: comparison("==", (a, b) => Number(a === b), { elements: anyElement, facts: { commutative: true } }),
  ne: comparison("!=", (a, b) => Number(a !== b), { elements: anyElement, facts: { commutative: true } }),
  lt: comparison("<", (a, b) => Number(a < b)),
  le: comparison("<=", (a, b) => Number(a <= b)),
  gt: comparison(">", (a, b) => Number(a > b)),
  ge: comparison(">=", (a, b) => Number(a >= b)),
  and: logical("and", "&", (a, b) => a & b),
  or: logical("or", "|", (a, b) => a | b),
} satisfies Record<string, ElementwiseRow>;

export const ternaryOps = {
  where: {
    ...binary(
      "low",
      "a where the condition holds, else b.",
      () => 0,
      ([c, a, b]) => select(b as Expression, a as Expression, c as Expression),
      {
        elements: anyElement,
        facts: { rowMeanZero: "choice" },
      },
    ),
    operands: [{ name: "cond", element: "bool" }, { name: "a" }, { name: "b" }],
    scalar: (c, a, b) => (c === 0 ? b : a),
  },
  clamp: {
    ...binary("low", "`min(max(x, lo), hi)`.", () => 0, clampKernel),
    operands: [{ name: "x" }, { name: "lo" }, { name: "hi" }],
    scalar: (x, lo, hi) => Math.min(Math.max(x, lo), hi),
  },
  fma: {
    ...binary("low", "`a * b + c`.", () => 0, builtin("fma"), {
      elements: floats,
      facts: { rowMeanZero: "sum of products" },
    }),
    operands: [{ name: "a" }, { name: "b" }, { name: "c" }],
    scalar: (a, b, c) => a * b + c,
  },
  random_bits: {
    ...binary(
      "high",
      "32 random bits for each `position`, the same for the same operands: Threefry-2x32 of the counter (position, offset) and the key (seed, stream).",
      () => 0,
      randomKernel,
      { elements: ["u32"], facts: { jumps: true } },
    ),
    operands: [{ name: "position" }, { name: "offset" }, { name: "seed" }],
    attributes: {
      stream: {
        summary: "Other bits of the same seed, for another use in the program.",
        type: "integer",
        minimum: 0,
        default: 0,
      },
    },
    scalar: (position, offset, seed, { attributes }) =>
      threefry2x32([position, offset], [seed, attribute.number(attributes, "stream")])[0],
  },
} satisfies Record<string, ElementwiseRow>;

/** The name of an elementwise op. */
export type ElementwiseName = keyof typeof unaryOps | keyof typeof binaryOps | keyof typeof ternaryOps;

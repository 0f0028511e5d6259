/**
 * Random programs: an elementwise prologue, norms or reductions, an elementwise epilogue, several results.
 *
 * Every op is continuous and keeps values near 1 in size, so that what the kernel rounds in f32 stays near float64: a
 * difference is then a bug and not bad conditioning.
 */

import fc from "fast-check";

export interface Program {
  readonly text: string;
  /** Extents for its named dimensions. */
  readonly dims: Readonly<Record<string, number>>;
  readonly element: "f32" | "f16";
}

const unary = [
  (a: string) => `tanh(${a})`,
  (a: string) => `sigmoid(${a})`,
  (a: string) => `abs(${a})`,
  (a: string) => `-${a}`,
  (a: string) => `relu(${a})`,
  (a: string) => `silu(${a})`,
  (a: string) => `gelu(${a})`,
  (a: string) => `gelu(${a}, approximate = "tanh")`,
  (a: string) => `erf(${a})`,
  (a: string) => `softplus(${a})`,
  (a: string) => `elu(${a}, alpha = 0.5)`,
  (a: string) => `leaky_relu(${a})`,
  (a: string) => `hardswish(${a})`,
  (a: string) => `clamp(${a}, -1.5, 2)`,
  (a: string) => `sin(${a})`,
  (a: string) => `cos(${a})`,
  (a: string) => `exp(minimum(${a}, 1))`,
  (a: string) => `expm1(minimum(${a}, 1))`,
  (a: string) => `log1p(abs(${a}))`,
  (a: string) => `sqrt(abs(${a}) + 0.5)`,
  (a: string) => `rsqrt(abs(${a}) + 0.5)`,
  (a: string) => `reciprocal(abs(${a}) + 1)`,
  (a: string) => `${a} * 0.5`,
  (a: string) => `${a} / 3 + 0.25`,
  (a: string) => `pow(${a}, 2) * 0.125`,
  (a: string) => `(${a} + 0) * 1`,
];

const binary = [
  (a: string, b: string) => `${a} + ${b}`,
  (a: string, b: string) => `${a} - ${b}`,
  (a: string, b: string) => `tanh(${a}) * ${b}`,
  (a: string, b: string) => `${a} / (abs(${b}) + 1)`,
  (a: string, b: string) => `maximum(${a}, ${b})`,
  (a: string, b: string) => `minimum(${a}, ${b})`,
  (a: string, b: string) => `where(${a} > ${b}, ${a}, ${b})`,
  (a: string, b: string) => `fma(${a}, 0.5, ${b})`,
  (a: string, b: string) => `where(flag, ${a}, ${b})`,
];

/** Over `axes`, of a value of the row's shape; the result has that shape, or keeps the reduced axis. */
const rowwise = [
  (x: string) => `layernorm(${x}, gamma, beta, axes = [-1], eps = 0.01)`,
  (x: string) => `layernorm(${x}, gamma, axes = [-1], eps = 0.01)`,
  (x: string) => `layernorm(${x}, beta = beta, axes = [-1], eps = 0.01)`,
  (x: string) => `layernorm(${x}, axes = [-1], eps = 0.01)`,
  (x: string) => `rmsnorm(${x}, gamma, axes = [-1], eps = 0.01)`,
  (x: string) => `rmsnorm(${x} - mean(${x}, axes = [-1], keepdims = true), axes = [-1], eps = 0.01)`,
  (x: string) => `softmax(${x}, axes = [-1])`,
  (x: string) => `log_softmax(${x}, axes = [-1]) * 0.1`,
  (x: string) => `l2norm(${x}, axes = [-1], eps = 0.01)`,
  (x: string) => `center(${x}, axes = [-1])`,
  (x: string) => `${x} - max(${x}, axes = [-1], keepdims = true)`,
  (x: string) => `${x} / (max(abs(${x}), axes = [-1], keepdims = true) + 0.5)`,
  (x: string) => `${x} * rsqrt(mean(${x} * ${x}, axes = [-1], keepdims = true) + 0.01) * gamma`,
  (x: string) => `${x} + mean(${x}, axes = [-1], keepdims = true)`,
  (x: string) => `${x} * rsqrt(var(${x}, axes = [-1], keepdims = true) + 0.05)`,
  (x: string) => `tanh(${x}) * (min(${x}, axes = [-1], keepdims = true) * 0.25)`,
];

const rowLengths = [1, 2, 3, 4, 5, 8, 12, 31, 63, 64, 65, 100, 128, 255, 257];

/** Builds a program by choices; `choose(n)` is a number below n. */
function build(choose: (count: number) => number): Program {
  const pick = <T>(list: readonly T[]): T => list[choose(list.length)] as T;
  const element = pick(["f32", "f32", "f32", "f16"] as const);
  const columns = pick(rowLengths);
  const column = choose(5) === 0 ? "cols" : String(columns);
  const layout = pick(["rows", "rows", "batch, 3", "5"]);
  const shape = `[${layout}, ${column}]`;
  const type = `${element}${shape}`;
  const perRow = `${element}[${layout}, 1]`;
  const lines: string[] = [];
  const full = ["x", "y"];
  const any = ["x", "y", "gamma", "beta", "scale", "s"];
  const bind = (expression: string): string => {
    const name = `v${lines.length}`;
    lines.push(`  let ${name} = ${expression}`);
    return name;
  };
  // Adding a tensor of the full shape fixes the shape.
  const elementwise = () => {
    const first = pick(any);
    const text = choose(2) === 0 ? pick(unary)(first) : pick(binary)(first, pick(any));
    const name = bind(text);
    full.push(bind(`${name} + ${pick(full)} * 0.5`));
    any.push(name, full.at(-1) as string);
  };
  const norm = () => {
    full.push(bind(pick(rowwise)(pick(full))));
    any.push(full.at(-1) as string);
  };
  for (let i = choose(4); i > 0; i--) elementwise();
  for (let i = choose(3); i > 0; i--) {
    norm();
    for (let j = choose(3); j > 0; j--) elementwise();
  }
  const results = [`r0: ${type}`];
  const values = [full.at(-1) as string];
  if (choose(3) === 0) {
    results.push(`r1: ${type}`);
    values.push(pick(full));
  }
  if (choose(4) === 0) {
    results.push(`r2: ${perRow}`);
    values.push(`max(${pick(full)}, axes = [-1], keepdims = true)`);
  }
  const params = [
    `x: ${type}`,
    `y: ${type}`,
    `gamma: ${element}[${column}]`,
    `beta: ${element}[${column}]`,
    `scale: ${perRow}`,
    `s: ${element}`,
    `flag: bool${pick([shape, `[${column}]`, ""])}`,
  ];
  const used = [...lines, ...values].join("\n");
  const needed = params.filter((param) => new RegExp(`\\b${param.split(":")[0]}\\b`).test(used));
  const hasShape = needed.some((param) => param.includes(type));
  const signature = hasShape ? needed : [params[0] as string, ...needed];
  const text = `fn f(${signature.join(", ")}) -> (${results.join(", ")}) {\n${lines.join("\n")}\n  return ${values.join(", ")}\n}\n`;
  return { text, dims: { rows: 1 + choose(9), batch: 1 + choose(4), cols: columns }, element };
}

/** Programs that fit into eight storage buffers. */
export const programs: fc.Arbitrary<Program> = fc
  .array(fc.nat({ max: 2 ** 30 }), { minLength: 40, maxLength: 80 })
  .map((choices) => {
    let at = 0;
    return build((count) => (choices[at++ % choices.length] as number) % count);
  })
  .filter(({ text }) => (text.slice(0, text.indexOf("{")).match(/:/g) ?? []).length <= 8);

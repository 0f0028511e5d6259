/**
 * Names of ops, arguments and values in other frameworks and languages, and what to write here instead.
 * test/diagnostics/idioms.test.ts compiles every expression, and compares what it computes with float64.
 */

/** The replacement for an op of another framework. */
interface Idiom {
  /** The names of its operands, as used in `write`. */
  readonly operands: readonly string[];
  /** An expression, after the `let`s that it needs. */
  readonly write: readonly string[];
  readonly note: string | undefined;
}

/** Names of the op, operands, `let`s and an expression, and a note. */
type Row = readonly [names: string, operands: string, write: string | readonly string[], note?: string];

const axesNote = "`axes` names the axes to reduce; `keepdims = true` keeps them with extent 1";
const elementNote =
  "the element types are f32, f16, bf16, f8e4m3, f8e5m2, i32, u32, i8, u8 and bool; there are no wider ones";

const rows: readonly Row[] = [
  // Elementwise, in one op.
  ["swish", "x", "silu(x)"],
  ["hswish", "x", "hardswish(x)"],
  ["logistic expit", "x", "sigmoid(x)"],
  ["absolute fabs", "x", "abs(x)"],
  ["negative negate", "x", "-x"],
  ["inversesqrt inv_sqrt", "x", "rsqrt(x)"],
  ["recip inv inverse", "x", "1 / x"],
  ["power", "a b", "pow(a, b)"],
  ["arctan2", "a b", "atan2(a, b)"],
  ["relu6", "x", "clamp(x, 0, 6)"],
  ["saturate clamp01", "x", "clamp(x, 0, 1)"],
  ["hardtanh", "x", "clamp(x, -1, 1)"],
  ["clip clip_by_value clamped", "x lo hi", "clamp(x, lo, hi)"],
  ["clamp_min fmax threshold_min", "a b", "maximum(a, b)"],
  ["clamp_max fmin threshold_max", "a b", "minimum(a, b)"],
  ["rint nearbyint roundeven", "x", "round(x)"],
  ["fix", "x", "trunc(x)"],
  ["softplus1 log1pexp", "x", "softplus(x)"],
  ["gelu_new gelu_tanh fast_gelu gelu_fast gelu_pytorch_tanh", "x", 'gelu(x, approximate = "tanh")'],
  // Operators.
  ["plus", "a b", "a + b"],
  ["subtract minus", "a b", "a - b"],
  ["rsub", "a b", "b - a"],
  ["multiply times", "a b", "a * b"],
  ["divide true_divide truediv", "a b", "a / b"],
  ["fmod", "a b", "a % b"],
  ["mod modulo remainder floor_mod", "a b", "a - b * floor(a / b)", "`a % b` has the sign of `a`, as C's fmod"],
  ["floor_divide floordiv", "a b", "floor(a / b)"],
  ["equal", "a b", "a == b"],
  ["not_equal", "a b", "a != b"],
  ["greater", "a b", "a > b"],
  ["greater_equal", "a b", "a >= b"],
  ["less", "a b", "a < b"],
  ["less_equal", "a b", "a <= b"],
  ["logical_and", "p q", "p && q"],
  ["logical_or", "p q", "p || q"],
  ["logical_not", "p", "!p"],
  ["logical_xor xor", "p q", "p != q"],
  ["isnan", "x", "x != x"],
  ["isinf", "x", "abs(x) == inf"],
  ["isfinite", "x", "abs(x) < inf"],
  ["nan_to_num", "x", "where(x != x, 0, x)"],
  ["masked_fill", "x p value", "where(p, value, x)"],
  ["if_else ternary select cond", "p a b", "where(p, a, b)", "the condition comes first"],
  // Elementwise, in several ops.
  ["sq squared", "x", "square(x)"],
  ["cube", "x", "x * x * x"],
  ["cbrt", "x", "sign(x) * pow(abs(x), 1 / 3)"],
  ["hypot", "a b", "sqrt(a * a + b * b)"],
  ["log10", "x", "log(x) / log(10)"],
  ["exp10", "x", "pow(10, x)"],
  ["logit", "x", "log(x / (1 - x))"],
  ["erfc", "x", "1 - erf(x)"],
  ["asin arcsin", "x", "atan2(x, sqrt(1 - x * x))"],
  ["acos arccos", "x", "atan2(sqrt(1 - x * x), x)"],
  ["atan arctan", "x", "atan2(x, 1)"],
  ["sinh", "x", "(expm1(x) - expm1(-x)) / 2"],
  ["cosh", "x", "(exp(x) + exp(-x)) / 2"],
  ["asinh arcsinh", "x", "sign(x) * log(abs(x) + sqrt(x * x + 1))"],
  ["acosh arccosh", "x", "log(x + sqrt(x * x - 1))"],
  ["atanh arctanh", "x", "(log1p(x) - log1p(-x)) / 2"],
  ["radians deg2rad", "x", "x * 0.017453292519943295"],
  ["degrees rad2deg", "x", "x * 57.29577951308232"],
  ["frac fract", "x", "x - floor(x)"],
  ["step heaviside", "edge x", "cast(x >= edge, to = f32)"],
  ["smoothstep", "lo hi x", ["let t = clamp((x - lo) / (hi - lo), 0, 1)", "t * t * (3 - 2 * t)"]],
  ["lerp mix interpolate", "a b t", "a + t * (b - a)"],
  ["fused_multiply_add addcmul", "a b c", "fma(a, b, c)"],
  ["mish", "x", "x * tanh(softplus(x))"],
  ["softsign", "x", "x / (1 + abs(x))"],
  ["tanhshrink", "x", "x - tanh(x)"],
  ["softshrink", "x", "sign(x) * maximum(abs(x) - 0.5, 0)"],
  ["hardshrink", "x", "where(abs(x) > 0.5, x, 0)"],
  ["hardsigmoid", "x", "clamp(x / 6 + 0.5, 0, 1)"],
  ["logsigmoid", "x", "-softplus(-x)"],
  ["selu", "x", "1.0507009873554805 * elu(x, alpha = 1.6732632423543772)"],
  ["celu", "x", "elu(x, alpha = 1)"],
  ["quick_gelu gelu_quick", "x", "x * sigmoid(1.702 * x)"],
  ["squared_relu relu2 relu_squared", "x", "relu(x) * relu(x)"],
  ["prelu", "x slope", "where(x > 0, x, slope * x)"],
  ["glu", "a b", "a * sigmoid(b)", "`a` and `b` are the halves, two parameters"],
  ["swiglu silu_and_mul", "a b", "silu(a) * b"],
  ["geglu gelu_and_mul", "a b", "gelu(a) * b"],
  ["reglu", "a b", "relu(a) * b"],
  // Types.
  ["f32 float float32 fp32 to_float asfloat", "x", "cast(x, to = f32)"],
  ["f64 double float64", "x", "cast(x, to = f32)", elementNote],
  ["f16 half float16 fp16", "x", "cast(x, to = f16)"],
  ["bf16 bfloat16", "x", "cast(x, to = bf16)"],
  ["f8e4m3 float8_e4m3fn float8_e4m3 e4m3", "x", "cast(x, to = f8e4m3)"],
  ["f8e5m2 float8_e5m2 e5m2", "x", "cast(x, to = f8e5m2)"],
  ["i32 int int32 to_int", "x", "cast(x, to = i32)"],
  ["i16 i64 int16 int64 long short", "x", "cast(x, to = i32)", elementNote],
  ["i8 int8", "x", "cast(x, to = i8)"],
  ["u32 uint uint32", "x", "cast(x, to = u32)"],
  ["u16 u64 uint16 uint64", "x", "cast(x, to = u32)", elementNote],
  ["u8 uint8 byte", "x", "cast(x, to = u8)"],
  ["bool boolean", "x", "x != 0"],
  ["astype to type_as convert convert_element_type", "x", "cast(x, to = f32)"],
  // Reductions.
  ["amax reduce_max maxval", "x", "max(x, axes = [-1])", axesNote],
  ["amin reduce_min minval", "x", "min(x, axes = [-1])", axesNote],
  ["reduce_sum add_reduce", "x", "sum(x, axes = [-1])", axesNote],
  ["reduce_mean average avg", "x", "mean(x, axes = [-1])", axesNote],
  ["reduce_prod product", "x", "prod(x, axes = [-1])", axesNote],
  ["variance reduce_variance", "x", "var(x, axes = [-1])", "PyTorch's divides by n - 1: `correction = 1`"],
  ["stddev reduce_std", "x", "std(x, axes = [-1])", "PyTorch's divides by n - 1: `correction = 1`"],
  ["reduce_logsumexp lse", "x", "logsumexp(x, axes = [-1])"],
  ["sum_square sumsq square_sum", "x", "sum(x * x, axes = [-1])"],
  ["mean_square ms", "x", "mean(x * x, axes = [-1])"],
  ["rms root_mean_square", "x", "sqrt(mean(x * x, axes = [-1]))", "`rmsnorm` divides by it"],
  ["norm l2 length vector_norm magnitude", "x", "sqrt(sum(x * x, axes = [-1]))", "`l2norm` divides by it"],
  ["l1 l1norm", "x", "sum(abs(x), axes = [-1])"],
  ["ptp", "x", "max(x, axes = [-1]) - min(x, axes = [-1])"],
  ["count_nonzero", "x", "sum(cast(x != 0, to = i32), axes = [-1])"],
  ["any", "p", "max(cast(p, to = i32), axes = [-1]) > 0"],
  ["all", "p", "min(cast(p, to = i32), axes = [-1]) > 0"],
  ["dot inner inner_product vdot", "a b", "sum(a * b, axes = [-1])", "a product of matrices is `matmul(a, b)`"],
  ["distance dist", "a b", "sqrt(sum((a - b) * (a - b), axes = [-1]))"],
  ["cosine_similarity", "a b", "sum(l2norm(a, axes = [-1]) * l2norm(b, axes = [-1]), axes = [-1])"],
  ["onehot", "label", "cast(label == iota(shape = [rows, 64], axis = -1), to = f32)", "`label` is `i32[rows, 1]`"],
  // Norms.
  ["normalize l2_normalize", "x", "l2norm(x, axes = [-1])"],
  ["standardize zscore", "x", "layernorm(x, axes = [-1])"],
  ["instance_norm", "x", "layernorm(x, axes = [-2, -1])"],
  ["softmin", "x", "softmax(-x, axes = [-1])"],
  [
    "batch_norm",
    "x mean variance gamma beta",
    "(x - mean) * rsqrt(variance + 1e-5) * gamma + beta",
    "a value for each channel of `[n, c, h, w]` has the shape `[c, 1, 1]`",
  ],
  // Losses, one number per row.
  ["mse mse_loss mean_squared_error", "a b", "mean((a - b) * (a - b), axes = [-1])"],
  ["mae l1_loss mean_absolute_error", "a b", "mean(abs(a - b), axes = [-1])"],
  [
    "smooth_l1_loss huber huber_loss",
    "a b",
    ["let d = abs(a - b)", "mean(where(d < 1, 0.5 * d * d, d - 0.5), axes = [-1])"],
  ],
  [
    "cross_entropy softmax_cross_entropy",
    "x target",
    "-sum(target * log_softmax(x, axes = [-1]), axes = [-1])",
    "`target` holds a probability for each class",
  ],
  ["bce binary_cross_entropy", "prob target", "-mean(target * log(prob) + (1 - target) * log(1 - prob), axes = [-1])"],
  ["bce_with_logits binary_cross_entropy_with_logits", "x target", "mean(softplus(x) - target * x, axes = [-1])"],
  ["kl_div kl_divergence", "a b", "sum(a * log(a / b), axes = [-1])", "of probabilities, `a` of the target"],
  // Shapes.
  ["view flatten ravel", "x", "reshape(x, shape = [rows, 8, 8])", "one extent may be -1"],
  ["unsqueeze expand_dims newaxis", "x", "reshape(x, shape = [rows, 1, 64])", "the shape of `x` with a 1 in it"],
  ["squeeze", "column", "reshape(column, shape = [rows])", "the shape of the tensor without its 1"],
  ["permute swapaxes t moveaxis", "x", "transpose(x, perm = [1, 0])"],
  ["expand broadcast_to broadcast_in_dim", "row", "broadcast(row, shape = [8, 64])"],
  ["cat concatenate hstack append", "a b", "concat(a, b, axis = -1)"],
  ["vstack", "square square2", "concat(square, square2, axis = 0)"],
  ["chunk split narrow", "x", "slice(x, axis = -1, start = 0, end = 32)", "one `slice` for each part"],
  ["take index_select lookup", "ids table", "embedding(ids, table)"],
  ["reverse fliplr", "x", "flip(x, axis = -1)"],
  // Matrices.
  ["mm bmm gemm einsum matrix_multiply batch_matmul", "a w", "matmul(a, w)"],
  ["dense fully_connected addmm fc", "x weight", "linear(x, weight)"],
  ["conv1d conv2d conv3d convolution", "image weights", "conv(image, weights)"],
  // Ops that have no effect here.
  ["identity contiguous clone copy", "x", "x"],
  ["detach", "x", "stop_gradient(x)"],
];

/** The reasons why functions of other frameworks cannot be expressed. */
const refusals: readonly (readonly [names: string, reason: string])[] = [
  ["arange range linspace", "`iota(shape = [64], axis = 0)` counts from 0, as i32; cast, scale and shift it"],
  [
    "take_along_axis take_along_dim gather_elements",
    "`gather(x, label, axis = -1)` takes from each row the element at the position given by its label",
  ],
  [
    "zeros ones full zeros_like ones_like full_like fill constant splat",
    "write the number: a literal takes the type and the shape of the tensor that it is combined with, `x + 1`",
  ],
  [
    "eye tril triu diag meshgrid",
    "compare positions: `where(iota(shape = [n, 64], axis = 0) >= iota(shape = [n, 64], axis = 1), x, -inf)`",
  ],
  [
    "rand randn random normal uniform bernoulli",
    "pass random numbers as a parameter: an op gives the same result for the same operands",
  ],
  [
    "cumprod cummax scan associative_scan prefix_sum",
    "`cumsum(x, axis = -1)` sums up along an axis; there are no other scans",
  ],
  ["sort argsort topk median quantile unique nonzero", "no op sorts elements; `max` and `min` find the extremes"],
  ["scatter scatter_add index_add", "no op writes to computed positions; `where(ids == label, x, 0)` chooses by index"],
  [
    "map reduce fold vmap foreach loop fori_loop while_loop",
    "ops work on whole tensors: reduce with `sum`, `mean`, `max`",
  ],
  [
    "max_pool max_pool2d avg_pool avg_pool2d interp resize upsample fft lstm attention scaled_dot_product_attention",
    'an op of another program is written `let y: f32[n, 64] = extern(x, op = "MaxPool")`, between functions that are kernels',
  ],
  [
    "vec2 vec3 vec4 mat4 array tensor asarray",
    "a tensor is a parameter, or `const w: f32[2] = [1, 2]` outside of the function",
  ],
  ["print assert", "nothing is printed: return the value, and run with `tirc run`"],
];

/** Names are compared without letter case and `_`. */
export function plainName(name: string): string {
  return name.toLowerCase().replaceAll("_", "");
}

const idioms: ReadonlyMap<string, Idiom> = new Map(
  rows.flatMap(([names, operands, write, note]) => {
    const idiom: Idiom = { operands: operands.split(" "), write: [write].flat(), note };
    return names.split(" ").map((name) => [plainName(name), idiom] as const);
  }),
);

const reasons: ReadonlyMap<string, string> = new Map(
  refusals.flatMap(([names, reason]) => names.split(" ").map((name) => [plainName(name), reason] as const)),
);

/** All names that have an idiom or a reason. */
export const foreignOpNames: readonly string[] = [...rows, ...refusals].flatMap(([names]) => names.split(" "));

/** The replacement for an op of another framework, if there is one. */
export function idiomOf(name: string): Idiom | undefined {
  return idioms.get(plainName(name));
}

/** Why an op of other frameworks is not in the language, and what to do instead. */
export function reasonAgainst(name: string): string | undefined {
  return reasons.get(plainName(name));
}

/** The replacement with the given operands; with the table's operands if not all are known. */
export function written({ operands, write }: Idiom, given: readonly (string | undefined)[], axes?: string): string[] {
  const places = new Map(operands.map((name, i) => [name, given[i] ?? name]));
  const bound = write.map((text) => /^let (\w+)/.exec(text)?.[1]);
  const isKnown = operands.every((_, i) => given[i] !== undefined && !bound.includes(given[i]));
  return write.map((text) => {
    const filled = isKnown ? text.replace(/[A-Za-z_]\w*/g, (word) => places.get(word) ?? word) : text;
    return axes === undefined ? filled : filled.replaceAll("axes = [-1]", `axes = ${axes}`);
  });
}

const byForeign = (table: Readonly<Record<string, string>>): ReadonlyMap<string, readonly string[]> => {
  const found = new Map<string, string[]>();
  for (const [own, names] of Object.entries(table)) {
    for (const name of names.split(" ")) found.set(name, [...(found.get(name) ?? []), own]);
  }
  return found;
};

/** For each name of an argument in other frameworks, its possible names here. */
export const foreignArguments = byForeign({
  axes: "dim dims axis normalized_shape reduction_axes",
  axis: "dim axes",
  perm: "dims axes order permutation",
  keepdims: "keepdim keep_dims keep_dim",
  correction: "ddof unbiased",
  eps: "epsilon variance_epsilon",
  gamma: "weight scale g w",
  beta: "bias shift b",
  to: "dtype type element",
  alpha: "negative_slope slope",
  groups: "num_groups",
  shape: "size newshape sizes",
  cond: "condition mask pred",
  lo: "min a_min",
  hi: "max a_max",
  table: "weight",
});

/** Names of values in other languages, and how to write these values here. */
export const foreignValues: ReadonlyMap<string, string> = new Map(
  Object.entries({
    True: "true",
    TRUE: "true",
    False: "false",
    FALSE: "false",
    Infinity: "inf",
    INFINITY: "inf",
    infinity: "inf",
    NaN: "nan",
    NAN: "nan",
    pi: "3.141592653589793",
    PI: "3.141592653589793",
    M_PI: "3.141592653589793",
    tau: "6.283185307179586",
    e: "2.718281828459045",
  }),
);

/** Values that stand for an omitted argument in other languages. */
export const foreignNothing: ReadonlySet<string> = new Set(["None", "null", "nil", "undefined", "nullptr"]);

/** Reductions whose names other languages also use for elementwise ops on two tensors, and how to write those here. */
export const pairwise: ReadonlyMap<string, (a: string, b: string) => string> = new Map([
  ["max", (a, b) => `maximum(${a}, ${b})`],
  ["min", (a, b) => `minimum(${a}, ${b})`],
  ["sum", (a, b) => `${a} + ${b}`],
  ["prod", (a, b) => `${a} * ${b}`],
]);

/** Element types of other languages, and the nearest one here. */
export const foreignElements: ReadonlyMap<string, string> = new Map(
  Object.entries({
    f32: "float float32 fp32 f64 double float64 number real",
    f16: "float16 half fp16",
    bf16: "bfloat16 brain_float",
    f8e4m3: "float8_e4m3fn float8_e4m3 f8e4m3fn e4m3 fp8 float8 f8",
    f8e5m2: "float8_e5m2 e5m2",
    i32: "int int32 i16 i64 int16 int64 long short integer",
    i8: "int8 char sbyte",
    u32: "uint uint32 u16 u64 uint16 uint64 usize size_t",
    u8: "uint8 byte uchar",
    bool: "boolean",
  }).flatMap(([element, names]) => names.split(" ").map((name) => [name, element] as const)),
);

/** A custom op, and the pass that finds it: `tirc compile FILE --plugin squared-relu.mjs`. */
export default ({ definePass, kernel, patterns }) => {
  const { any, call, rewritePatterns, times } = patterns;
  // relu(x)^2, however the product is written.
  const squaredRelu = times(1, [call("relu", any("x")), 2]);
  return {
    ops: {
      squared_relu: {
        kind: "elementwise",
        summary: "`relu(x)^2`.",
        operands: [{ name: "x" }],
        elements: ["f32", "f16"],
        cost: "low",
        result: "same",
        // In float64, in exact arithmetic for checking the pass, and on the device.
        scalar: (x) => Math.max(x, 0) ** 2,
        exact: (field, [x]) => {
          const positive = field.maximum(x, field.integer(0));
          return field.mul(positive, positive);
        },
        kernel: ([x], at) => {
          const positive = kernel.call("max", x, at.literal(0));
          return kernel.binary("*", positive, positive);
        },
        // The gradient rule: dy * 2 relu(x).
        vjp: { by: [({ operands: [x], cotangents: [dy], terms: t }) => t.mul(dy, t.mul(2, t.relu(x)))] },
      },
    },
    passes: [
      definePass({
        name: "find-squared-relu",
        summary: "Writes relu(x)^2 as `squared_relu`.",
        options: {},
        run: (fn) => rewritePatterns(fn, [[squaredRelu, ({ x }, builder) => builder.emit("squared_relu", [x])]]),
      }),
    ],
  };
};

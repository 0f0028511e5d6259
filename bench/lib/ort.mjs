/** onnxruntime-web on its WebGPU execution provider: one model per op, written here. */

export const name = "onnxruntime-web";

const encoder = new TextEncoder();
const varint = (number) => {
  const bytes = [];
  let rest = BigInt.asUintN(64, BigInt(number));
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  return [...bytes, Number(rest)];
};
const message = (field, bytes) => [...varint((field << 3) | 2), ...varint(bytes.length), ...bytes];
const text = (field, string) => message(field, [...encoder.encode(string)]);
const int = (field, number) => [...varint(field << 3), ...varint(number)];
const float = (field, number) => [...varint((field << 3) | 5), ...new Uint8Array(Float32Array.of(number).buffer)];

/** ModelProto, GraphProto, NodeProto and ValueInfoProto of onnx.proto3, as far as these models need them. */
const attribute = (name, value) => {
  const of = (type, body) => message(5, [...text(1, name), ...body, ...int(20, type)]);
  if (Array.isArray(value))
    return of(
      7,
      value.flatMap((item) => int(8, item)),
    );
  return Number.isInteger(value) ? of(2, int(3, value)) : of(1, float(2, value));
};
const nodeProto = ([op, inputs, outputs, attributes = {}, domain = ""]) =>
  message(1, [
    ...inputs.flatMap((input) => text(1, input)),
    ...outputs.flatMap((output) => text(2, output)),
    ...text(4, op),
    ...Object.entries(attributes).flatMap(([key, value]) => attribute(key, value)),
    ...(domain === "" ? [] : text(7, domain)),
  ]);
const valueInfo = (field, name, shape) => {
  const dims = shape.flatMap((extent) => message(1, int(1, extent)));
  return message(field, [...text(1, name), ...message(2, message(1, [...int(1, 1), ...message(2, dims)]))]);
};
/** TensorProto: a float, or a list of int64. */
const initializer = (name, value) =>
  Array.isArray(value)
    ? message(5, [...int(1, value.length), ...int(2, 7), ...value.flatMap((item) => int(7, item)), ...text(8, name)])
    : message(5, [...int(2, 1), ...float(4, value), ...text(8, name)]);

export function modelOf(nodes, inputs, outputs, constants) {
  const used = new Set(nodes.flatMap(([, operands]) => operands));
  const graph = [
    ...nodes.flatMap(nodeProto),
    ...text(2, "bench"),
    ...Object.entries(constants).flatMap(([key, value]) => (used.has(key) ? initializer(key, value) : [])),
    ...Object.entries(inputs).flatMap(([key, shape]) => valueInfo(11, key, shape)),
    ...Object.entries(outputs).flatMap(([key, shape]) => valueInfo(12, key, shape)),
  ];
  const opsets = [message(8, [...text(1, ""), ...int(2, 17)]), message(8, [...text(1, "com.microsoft"), ...int(2, 1)])];
  return Uint8Array.from([...int(1, 8), ...message(7, graph), ...opsets.flat()]);
}

const norm = { axis: -1, epsilon: 1e-5 };
const graphs = {
  layernorm: [["LayerNormalization", ["x", "gamma", "beta"], ["y"], norm]],
  rmsnorm: [["SimplifiedLayerNormalization", ["x", "gamma"], ["y"], norm]],
  chain: [
    ["Add", ["x", "residual"], ["a"]],
    ["Add", ["a", "bias"], ["b"]],
    ["LayerNormalization", ["b", "gamma", "beta"], ["c"], norm],
    ["Gelu", ["c"], ["y"], {}, "com.microsoft"],
  ],
  quantize: [
    ["Add", ["x", "residual"], ["h"]],
    ["SimplifiedLayerNormalization", ["h", "gamma"], ["n"], norm],
    ["Abs", ["n"], ["a"]],
    ["ReduceMax", ["a"], ["m"], { axes: [-1], keepdims: 1 }],
    ["Mul", ["m", "over127"], ["y"]],
    ["Div", ["n", "y"], ["d"]],
    ["Round", ["d"], ["q"]],
  ],
  softmax: [["Softmax", ["x"], ["y"], { axis: -1 }]],
  "column-sums": [["ReduceSum", ["x", "rows"], ["y"], { keepdims: 0 }]],
  elementwise: Array.from({ length: 4 }, (_, i) => [
    ["Add", [i === 0 ? "x" : `m${i - 1}`, "y"], [`a${i}`]],
    ["Mul", [`a${i}`, "half"], [`b${i}`]],
    ["Tanh", [`b${i}`], [`c${i}`]],
    ["Sub", [`c${i}`, "x"], [`d${i}`]],
    ["Max", [`d${i}`, "y"], [`m${i}`]],
  ]).flat(),
};

export async function open({ device, adapter }) {
  const ort = await import(new URL("../node_modules/onnxruntime-web/dist/ort.webgpu.mjs", import.meta.url).href);
  ort.env.wasm.numThreads = 1;
  ort.env.logLevel = "error";
  ort.env.webgpu.adapter = adapter;
  ort.env.webgpu.device = device;
  // Closing the last session would close the backend as well.
  const sessions = [];
  return {
    async prepare(op, [rows, n], data) {
      const { key } = op;
      const shapeOf = (shape) => (shape === "n" ? [n] : [rows, n]);
      const inputs = Object.fromEntries(Object.entries(op.inputs).map(([input, shape]) => [input, shapeOf(shape)]));
      const last = key === "elementwise" ? "m3" : "y";
      const several = { quantize: { y: [rows, 1], q: [rows, n], h: [rows, n] }, "column-sums": { y: [n] } };
      const outputs = several[key] ?? { [last]: [rows, n] };
      const model = modelOf(graphs[key], inputs, outputs, { half: 0.5, over127: 1 / 127, rows: [0] });
      const session = await ort.InferenceSession.create(model, {
        executionProviders: ["webgpu"],
        preferredOutputLocation: "gpu-buffer",
      });
      sessions.push(session);
      const feeds = {};
      for (const [input, dims] of Object.entries(inputs)) {
        const buffer = device.createBuffer({ size: Math.ceil(data[input].byteLength / 16) * 16, usage: 128 | 4 | 8 });
        device.queue.writeBuffer(buffer, 0, data[input]);
        feeds[input] = ort.Tensor.fromGpuBuffer(buffer, { dataType: "float32", dims });
      }
      let results;
      return {
        async launch() {
          for (const tensor of Object.values(results ?? {})) tensor.dispose();
          results = await session.run(feeds);
        },
        results: async () => [await Object.values(results)[0].getData()],
      };
    },
  };
}

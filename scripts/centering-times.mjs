/**
 * `node scripts/centering-times.mjs KIND OPS`: prints the seconds and memory that `eliminate-centering` takes for one
 * residual stream of OPS ops, as JSON. Needs dist/. bench-compile.mjs runs it in a new process for each measurement.
 *
 * - returned: the stream is a result, so every centering stays.
 * - moved: each branch is a product with centered rows, and the stream is centered at its beginning.
 */
import { pathToFileURL } from "node:url";

const dist = (path) => import(pathToFileURL(`${import.meta.dirname}/../dist/src/${path}`).href);
const { builtins, PassManager } = await dist("index.js");
const { Builder } = await dist("ir/builder.js");
const { makeFn, makeModule, Value } = await dist("ir/ir.js");
const { tensorType } = await dist("ir/types.js");

const [kind, count] = process.argv.slice(2);
const span = { source: { name: "stream", text: "" }, start: 0, end: 0 };
const x = new Value(tensorType("f32", ["rows", 64]), "x", span);
const w = new Value(tensorType("f32", [64, 64]), "w", span);
const builder = new Builder(span);
const axes = [-1];
let h = x;
while (builder.ops.length < Number(count)) {
  const normalized = builder.emit("rmsnorm", [builder.emit("center", [h], { axes })], { axes });
  const branch = kind === "moved" ? builder.emit("matmul", [normalized, w]) : builder.emit("tanh", [normalized]);
  h = builder.emit("add", [h, branch]);
}
if (kind === "moved") h = builder.emit("center", [h], { axes });
const module = makeModule([
  makeFn({ name: "f", params: [x, w], ops: builder.ops, results: [{ name: "y", value: h }], span }),
]);
const start = performance.now();
const { statistics } = new PassManager("eliminate-centering", { builtins }).run(module);
const seconds = (performance.now() - start) / 1000;
console.log(JSON.stringify({ seconds, megabytes: process.resourceUsage().maxRSS / 1024, ...statistics }));

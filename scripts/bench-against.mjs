/**
 * Compares this build's kernels with those of another checkout, interleaved on one device in one process: the median
 * of three runs, each a median of ratios. Exits 1 if a kernel takes more than 1.05 times the other's time.
 * `--option NAME=VALUE` is an option of `compile` for this build alone: if FOLDER is this checkout, the ratios show
 * what the option gains. A function of several kernels is timed as a whole.
 *
 *   git worktree add --detach ../before COMMIT; (cd ../before && npm ci)
 *   npm run build && npm run bench:against -- ../before [--op layernorm] [--shape 4096x768] [--rounds 21]
 *   npm run bench:against -- . --option splitReductions=long --shape 16x262144
 *
 * TIRC_ADAPTER chooses the device.
 */
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { functionsOf, inputsOf, ops } from "../bench/lib/ops.mjs";
import { measure, median } from "../dist/src/runtime/measure.js";
import { openDevice } from "../dist/src/runtime/node.js";
import { assignment, count, oneOf, scriptOptions, shape } from "./options.mjs";

const { values: options, positionals } = scriptOptions(
  "npm run bench:against -- FOLDER [--op NAME]... [--shape ROWSxCOLUMNS]... [--option NAME=VALUE]... [--rounds N]",
  {
    allowPositionals: true,
    options: {
      op: {
        kind: oneOf(Object.keys(ops)),
        multiple: true,
        default: ["layernorm", "rmsnorm", "chain", "quantize", "softmax", "elementwise"],
      },
      shape: {
        kind: shape,
        multiple: true,
        default: [
          "4096x64",
          "4096x768",
          "2048x1024",
          "1024x4096",
          "256x16384",
          "1000x1000",
          "4096x769",
          "8x131072",
          "65537x32",
        ],
      },
      rounds: { kind: count, default: "21" },
      option: { kind: assignment, multiple: true, default: [] },
    },
  },
);
if (positionals.length !== 1) {
  console.error("name the folder of the other checkout, with dist/ in it");
  process.exit(2);
}
const most = 1.05;

const compileOptions = Object.fromEntries(options.option);
const builds = [];
for (const [folder, given] of [
  [positionals[0], {}],
  [new URL("..", import.meta.url).pathname, compileOptions],
]) {
  const at = (file) => import(pathToFileURL(resolve(folder, "dist/src", file)).href);
  builds.push({ tirc: await at("index.js"), runtime: await at("runtime/index.js"), given });
}
const { device, close } = await openDevice({
  ...(process.env.TIRC_ADAPTER && { adapter: process.env.TIRC_ADAPTER }),
  requiredFeatures: ["timestamp-query"],
});

/** A build's kernel, or its plan of several, bound to its own inputs. */
async function bound({ tirc, runtime, given }, op, shape) {
  const target = runtime.targetFromDevice(device);
  const { plans, kernels } = tirc.compile(tirc.makeModule(functionsOf(tirc, op, shape)), { target, ...given });
  if (plans?.length > 1) throw new Error(`${op.title} is ${plans.length} functions: name an op that is one`);
  const compiled = kernels.length > 1 ? { plan: tirc.planManifest(plans[0]), kernels } : kernels[0];
  // Older builds call it `prepareKernel`.
  const prepare = kernels.length > 1 ? runtime.preparePlan : (runtime.prepare ?? runtime.prepareKernel);
  const prepared = await prepare(device, compiled);
  const one = await prepared.bind(inputsOf(op, shape));
  // Older builds have `record`, which takes the timestamps directly.
  return one.encode === undefined
    ? { encode: (encoder, { timestampWrites }) => one.record(encoder, timestampWrites), destroy: () => one.destroy() }
    : one;
}

let missed = 0;
console.log(`${device.adapterInfo.device}: time relative to ${positionals[0]}`);
for (const key of options.op) {
  for (const extents of options.shape) {
    const both = [];
    for (const build of builds) both.push(await bound(build, ops[key], extents));
    const runs = [];
    for (let run = 0; run < 3; run++) {
      const [before, now] = await measure(device, both, options.rounds);
      runs.push(median(now.map((time, i) => time / before[i])));
    }
    for (const one of both) one.destroy();
    const ratio = median(runs);
    if (ratio > most) missed++;
    console.log(`${key} ${extents.join("x")}: ${ratio.toFixed(2)}   (${runs.map((one) => one.toFixed(2)).join(", ")})`);
  }
}
close();
console.log(`${missed} above ${most}`);
process.exit(missed > 0 ? 1 : 0);

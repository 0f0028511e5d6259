/** tirc: the same module that `compile --emit ts` writes, compiled for the current device. */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { download, emittedFunctions, tirc, upload } from "./device.mjs";
import { comparedOf, functionsOf } from "./ops.mjs";

export const name = "tirc";

/** @param options passed to `compile`: accuracy, rounding. */
export async function open({ device, target }, options = {}) {
  return {
    async prepare(op, shape, data) {
      const fns = functionsOf(tirc, op, shape);
      const { plans, kernels } = tirc.compile(tirc.makeModule(fns), { target, ...options });
      const forms = kernels.map((kernel) => [kernel]);
      const folder = mkdtempSync(join(tmpdir(), "tirc-bench-"));
      const path = join(folder, "kernel.mjs");
      const text = tirc.emitModule(emittedFunctions(plans, forms), { language: "js", source: "the bench" });
      writeFileSync(path, text);
      const module = await import(pathToFileURL(path).href);
      rmSync(folder, { recursive: true });
      const calls = tirc.exportNames(fns).map((exported) => ({ call: module[exported], outputs: undefined }));
      const inputs = Object.fromEntries(Object.entries(data).map(([key, numbers]) => [key, upload(device, numbers)]));
      let results;
      return {
        launch() {
          results = {};
          for (const [i, one] of calls.entries()) {
            const given = fns[i].params.map(({ name }) => [name, inputs[name] ?? results[name]]);
            one.outputs = one.call(device, Object.fromEntries(given), {}, { outputs: one.outputs });
            Object.assign(results, one.outputs);
          }
        },
        results: (counts) => {
          // The name of a program's first result depends on the program.
          const buffers = comparedOf(op).map((name) => results[name] ?? Object.values(results)[0]);
          return Promise.all(counts.map((count, i) => download(device, buffers[i], count)));
        },
      };
    },
  };
}

/** tirc: the module that `compile --emit ts` would write, compiled for the device at hand. */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { download, tirc, upload } from "./device.mjs";
import { programOf } from "./ops.mjs";

export const name = "tirc";

/** @param options of `compile`: accuracy, rounding. */
export async function open({ device, target }, options = {}) {
  return {
    async prepare(_, op, shape, data) {
      const { kernels } = tirc.compile(tirc.parse(programOf(op, shape)), { target, ...options });
      const folder = mkdtempSync(join(tmpdir(), "tirc-bench-"));
      const path = join(folder, "kernel.mjs");
      writeFileSync(path, tirc.emitModule(kernels, { language: "js", source: "the bench" }));
      const { f } = await import(pathToFileURL(path).href);
      rmSync(folder, { recursive: true });
      const inputs = Object.fromEntries(Object.entries(data).map(([key, numbers]) => [key, upload(device, numbers)]));
      let outputs;
      return {
        launch() {
          outputs = f(device, inputs, {}, { outputs });
        },
        result: (count) => download(device, Object.values(outputs)[0], count),
      };
    },
  };
}

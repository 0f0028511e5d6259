/** Runs the tests in `tests/`: `node --test test.mjs`, or `TIRC_BLESS=1 node --test test.mjs` to update them. */
import { test } from "node:test";
import * as tirc from "tirc";
import { filetests } from "tirc/testing";
import squaredRelu from "./squared-relu.mjs";

const plugin = squaredRelu(tirc);
tirc.registerOps(plugin.ops);
for (const { name, run } of filetests(new URL("tests/", import.meta.url), { plugins: [plugin] })) test(name, run);

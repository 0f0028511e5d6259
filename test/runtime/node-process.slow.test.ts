/** Whole Node processes: they exit by themselves, and find SwiftShader without configuration. */

import { execFile } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { beforeAll, expect, test } from "vitest";
import { buildPackage, type Ran, root, runNode, temporaryFolder } from "../support/built.ts";
import { deviceTest } from "../support/gpu.ts";
import { rowSum } from "../support/hand-kernel.ts";

let folder = "";
beforeAll(() => {
  folder = buildPackage();
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
});

function runScript(body: string, env: Record<string, string | undefined> = {}): Ran {
  const script = `import { openDevice, openNullDevice } from "./dist/src/runtime/node.js";
import { prepare, runKernel } from "./dist/src/runtime/index.js";
const kernel = ${JSON.stringify(rowSum)};
const x = { element: "f32", shape: [2, 3], data: new Float32Array([1, 2, 3, 4, 5, 6]) };
${body}
`;
  const path = join(folder, "script.mjs");
  writeFileSync(path, script);
  return runNode([path], { cwd: folder, env });
}

const run = `const { outputs } = await runKernel(opened.device, kernel, { x });
console.log([...outputs.y.data].join(" "));`;

deviceTest.each([
  ["that closes its device", `const opened = await openDevice();\n${run}\nopened.close();`, "6 15\n"],
  ["that does not", `const opened = await openDevice();\n${run}`, "6 15\n"],
  ["that does not, and keeps it", `const opened = globalThis.opened = await openDevice();\n${run}`, "6 15\n"],
  ["that opens a device and does nothing", `await openDevice(); console.log("done");`, "done\n"],
  ["that closes its device before its result is read", closeEarly(), "E0615\n"],
])("a process %s ends", (_, body, output) => {
  const { status, stdout } = runScript(body);
  expect(stdout).toBe(output);
  expect(status).toBe(0);
});

function closeEarly(): string {
  return `const opened = await openDevice();
const prepared = await prepare(opened.device, kernel);
const result = prepared.run({ x });
opened.close();
await result.catch((caught) => console.log(caught.diagnostics[0].code));`;
}

deviceTest("a process that throws ends with its error", () => {
  const { status, stderr } = runScript(`await openDevice(); throw new Error("of its own");`);
  expect(stderr).toContain("of its own");
  expect(status).toBe(1);
});

deviceTest("a device outlives the garbage collector's rounds", () => {
  const { status, stdout } = runScript(`const { setFlagsFromString } = await import("node:v8");
setFlagsFromString("--expose-gc");
const gc = (await import("node:vm")).runInNewContext("gc");
const { device } = await openDevice();
for (let i = 0; i < 20; i++) {
  gc();
  const { outputs } = await runKernel(device, kernel, { x });
  if (outputs.y.data[1] !== 15) throw new Error("wrong");
}
console.log("done");`);
  expect(stdout).toBe("done\n");
  expect(status).toBe(0);
});

deviceTest("kernels that are destroyed leave the memory of what was bound to them", () => {
  const { status, stdout } = runScript(`const { device } = await openDevice();
const large = { element: "f32", shape: [1024, 1024], data: new Float32Array(2 ** 20) };
const held = [];
const megabytes = () => process.memoryUsage().rss / 2 ** 20;
async function grow(from, destroys) {
  let before;
  for (let i = from; i < from + 14; i++) {
    if (i === from + 4) before = megabytes();
    const prepared = await prepare(device, { ...kernel, wgsl: kernel.wgsl + "// " + i }, { columns: 1024 });
    const bound = prepared.bind({ x: large });
    const encoder = device.createCommandEncoder();
    bound.encode(encoder);
    device.queue.submit([encoder.finish()]);
    await device.queue.onSubmittedWorkDone();
    held.push(prepared, bound);
    if (destroys) prepared.destroy();
  }
  return megabytes() - before;
}
const kept = await grow(0, false);
console.log(JSON.stringify({ kept, destroyed: await grow(100, true) }));
process.exit(0);`);
  expect(status).toBe(0);
  const { destroyed, kept } = JSON.parse(stdout);
  // Ten inputs of 4 MiB.
  expect(kept, stdout).toBeGreaterThan(35);
  expect(destroyed, stdout).toBeLessThan(kept / 2);
});

/** Where nothing of the machine's Vulkan is found, and the cache is empty. */
function bareEnvironment(): Record<string, string | undefined> {
  const empty = temporaryFolder();
  return {
    HOME: empty,
    XDG_CACHE_HOME: undefined,
    XDG_DATA_HOME: undefined,
    LD_LIBRARY_PATH: undefined,
    VK_ICD_FILENAMES: undefined,
    VK_DRIVER_FILES: undefined,
    TIRC_ADAPTER: undefined,
  };
}

test.runIf(process.platform === "linux" && process.arch === "x64")("SwiftShader runs with nothing set", () => {
  // If the machine has a driver, that is opened instead; the adapter's name says which it was.
  const env = bareEnvironment();
  const body = `const opened = await openDevice();\nconsole.log(opened.description);\n${run}`;
  for (const round of ["unpacks", "finds it unpacked"]) {
    const { status, stdout } = runScript(body, env);
    expect(stdout, round).toMatch(/\n6 15\n$/);
    expect(status, round).toBe(0);
  }
});

test.runIf(process.platform === "linux" && process.arch === "x64")(
  "processes that unpack it at the same time do not see half of it",
  async () => {
    const path = join(folder, "unpack.mjs");
    writeFileSync(
      path,
      `import { readFileSync } from "node:fs";
import { findSwiftShader } from "./dist/src/runtime/node-swiftshader.js";
const { loader, driver } = findSwiftShader();
console.log(readFileSync(loader).length > 0 && JSON.parse(readFileSync(driver, "utf8")).ICD.library_path);`,
    );
    const env = { ...process.env, ...bareEnvironment() };
    const outputs = await Promise.all([1, 2, 3].map(() => promisify(execFile)(process.execPath, [path], { env })));
    expect(outputs.map(({ stdout }) => stdout)).toEqual(new Array(3).fill("./libvk_swiftshader.so\n"));
    const [unpacked, ...more] = readdirSync(join(env.HOME as string, ".cache/tirc"));
    expect(unpacked).toMatch(/^swiftshader-[0-9a-f]{16}$/);
    expect(more).toEqual([]);
  },
);

test.runIf(process.platform === "linux" && process.arch === "x64")("a home that cannot be written to is none", () => {
  const { status, stdout } = runScript(`const opened = await openDevice();\n${run}`, {
    ...bareEnvironment(),
    HOME: "/dev/null",
  });
  expect(stdout).toBe("6 15\n");
  expect(status).toBe(0);
});

test.runIf(process.platform === "linux")("E0622: a driver that is not there, and no SwiftShader", () => {
  const bare = temporaryFolder();
  cpSync(join(folder, "dist"), join(bare, "dist"), { recursive: true });
  mkdirSync(join(bare, "node_modules"));
  symlinkSync(join(root, "node_modules/webgpu"), join(bare, "node_modules/webgpu"));
  const path = join(bare, "script.mjs");
  writeFileSync(
    path,
    `import { openDevice } from "./dist/src/runtime/node.js";
await openDevice().catch(({ diagnostics: [{ code, notes }] }) => console.log([code, ...notes].join("\\n")));`,
  );
  const { status, stdout } = runNode([path], {
    cwd: bare,
    env: { VK_ICD_FILENAMES: "/nowhere/driver.json", TIRC_ADAPTER: undefined },
  });
  expect(stdout).toMatch(/^E0622\n.*(driver|loader).*\nSwiftShader is not installed/);
  expect(status).toBe(0);
});

test("without the package `webgpu` the error names it, and the rest of the runtime loads", () => {
  const bare = temporaryFolder();
  const path = join(bare, "script.mjs");
  writeFileSync(
    path,
    `import { openDevice } from ${JSON.stringify(join(folder, "dist/src/runtime/node.js"))};
await openDevice().catch((caught) => console.log(caught.diagnostics[0].code, caught.diagnostics[0].help[0]));`,
  );
  // A loader hook plays the package that is not installed.
  const hook = join(bare, "hook.mjs");
  writeFileSync(
    hook,
    `export async function resolve(name, context, next) {
  if (name === "webgpu") throw Object.assign(new Error("Cannot find package 'webgpu'"), { code: "ERR_MODULE_NOT_FOUND" });
  return next(name, context);
}`,
  );
  const register = join(bare, "register.mjs");
  writeFileSync(register, `import { register } from "node:module"; register(${JSON.stringify(`file://${hook}`)});`);
  const { status, stdout } = runNode(["--import", register, path], { cwd: folder });
  expect(stdout).toBe("E0620 npm install webgpu\n");
  expect(status).toBe(0);
});

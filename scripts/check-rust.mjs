/**
 * `npm run check:rust [-- VERSION...]`, after a build; needs cargo and a network: checks that crates with these
 * versions of wgpu (24 and 30 by default) compile the output of `tirc compile --emit rust` for all examples and plans
 * without warnings.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inLeastForm } from "../dist/src/emit/least-form.js";
import { emittedFunctions } from "../dist/src/emit/module.js";
import { emitRust } from "../dist/src/emit/rust.js";
import { compile, parse } from "../dist/src/index.js";

const versions = process.argv.length > 2 ? process.argv.slice(2) : ["24", "30"];
const root = new URL("../examples/", import.meta.url);
const files = ["", "plans/"]
  .flatMap((folder) => readdirSync(new URL(folder, root)).map((name) => folder + name))
  .filter((name) => name.endsWith(".tir"))
  .map((name) => {
    const { plans, kernels } = compile(parse(readFileSync(new URL(name, root), "utf8")));
    const functions = emittedFunctions(
      plans,
      kernels.map((kernel) => [kernel]),
    ).map(inLeastForm);
    return emitRust(functions, name);
  });

for (const version of versions) {
  const folder = mkdtempSync(join(tmpdir(), "tirc-rust-"));
  try {
    mkdirSync(join(folder, "src"));
    const wgpu = `wgpu = { version = "${version}", default-features = false, features = ["wgsl"] }`;
    const manifest = `[package]\nname = "kernels"\nversion = "0.1.0"\nedition = "2021"\n[dependencies]\n${wgpu}\n`;
    writeFileSync(join(folder, "Cargo.toml"), manifest);
    const modules = files.map((_, i) => `pub mod m${i};\n`).join("");
    writeFileSync(join(folder, "src/lib.rs"), `#![deny(warnings)]\n${modules}`);
    for (const [i, text] of files.entries()) writeFileSync(join(folder, `src/m${i}.rs`), text);
    const { status } = spawnSync("cargo", ["check"], { cwd: folder, stdio: "inherit" });
    console.log(`wgpu ${version}: ${files.length} files ${status === 0 ? "compile" : "do not compile"}`);
    if (status !== 0) process.exitCode = 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

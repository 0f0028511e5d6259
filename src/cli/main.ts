#!/usr/bin/env node
/**
 * The `tirc` command. It runs a bundle of the command line, because loading hundreds of files takes longer than most
 * compilations. A bundle has its own copies of modules, so two uses get the files themselves: a plugin, which may import
 * "tirc" and must share its tables with the compiler that runs, and TIRC_DEBUG=1, whose stack traces name source files.
 */

import module from "node:module";

// From Node 22.1 on, the compiled code stays on disk for the next start. Without a writable folder this does nothing.
(module as { enableCompileCache?: () => unknown }).enableCompileCache?.();
const needsFiles =
  process.env.TIRC_DEBUG === "1" || process.argv.slice(2).some((word) => /^--plugin(?:=|$)/.test(word));
const bundle: string = new URL("../../bundle/process.js", import.meta.url).href;
const { runProcess } = needsFiles
  ? await import("./process.ts")
  : ((await import(bundle)) as typeof import("./process.ts"));
await runProcess();

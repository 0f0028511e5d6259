#!/usr/bin/env node
/** The `tirc` command. */

import { readFileSync } from "node:fs";
import type { Io } from "./session.ts";
import { main } from "./tirc.ts";

const { env, stdout, stderr } = process;

const io: Io = {
  cwd: process.cwd(),
  env,
  color: stderr.isTTY === true && !env.NO_COLOR && env.TERM !== "dumb",
  stdin: () => readFileSync(0),
  stdout: (data) => void stdout.write(data),
  stderr: (text) => void stderr.write(text),
};

// Whoever reads us has seen enough.
for (const stream of [stdout, stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE" && stream === stdout) stderr.write(`tirc: cannot write to stdout: ${error.message}\n`);
    process.exit(error.code === "EPIPE" ? 0 : 1);
  });
}

const code = await main(process.argv.slice(2), io);
const flushed = (stream: NodeJS.WriteStream) => new Promise<void>((done) => void stream.write("", () => done()));
await Promise.all([flushed(stdout), flushed(stderr)]);
process.exit(code);

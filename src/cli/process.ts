/** The `tirc` command as a process: its streams and its exit code. */

import { readSync } from "node:fs";
import { type World, wantsColor } from "./session.ts";
import { main } from "./tirc.ts";

const { env, stdout, stderr } = process;

/** Read in a loop: `readFileSync(0)` fails where stdin is a non-blocking pipe. */
function readStdin(): Uint8Array {
  const chunks: Buffer[] = [];
  const buffer = Buffer.alloc(1 << 16);
  for (;;) {
    try {
      const length = readSync(0, buffer);
      if (length === 0) return Buffer.concat(chunks);
      chunks.push(Buffer.from(buffer.subarray(0, length)));
    } catch (caught) {
      const { code } = caught as NodeJS.ErrnoException;
      if (code === "EOF") return Buffer.concat(chunks);
      if (code !== "EAGAIN") throw caught;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
    }
  }
}

/** Runs the command line of this process, and ends the process. */
export async function runProcess(): Promise<never> {
  const io: World = {
    cwd: process.cwd(),
    env,
    color: wantsColor(env, stderr.isTTY === true),
    terminal: stderr.isTTY === true && env.TERM !== "dumb",
    stdin: readStdin,
    stdinChunks: () => process.stdin,
    stdout: (data) => void stdout.write(data),
    stderr: (text) => void stderr.write(text),
  };

  // The reader has closed the pipe.
  for (const stream of [stdout, stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE" && stream === stdout) stderr.write(`tirc: cannot write to stdout: ${error.message}\n`);
      process.exit(error.code === "EPIPE" ? 0 : 1);
    });
  }

  const code = await main(process.argv.slice(2), io);
  const flushed = (stream: NodeJS.WriteStream) => new Promise<void>((done) => void stream.write("", () => done()));
  await Promise.all([flushed(stdout), flushed(stderr)]);
  return process.exit(code);
}

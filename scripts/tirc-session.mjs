/**
 * Runs the `tirc` command many times in one process, for checks that call it hundreds of times: start-up dominates its
 * time.
 *
 *   node scripts/tirc-session.mjs     reads arguments as lines of JSON, writes { code, stdout, stderr } for each
 */
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { main } from "../dist/src/cli/tirc.js";

export async function tirc(...args) {
  const [out, err] = [[], []];
  const code = await main(args, {
    ...{ cwd: process.cwd(), env: process.env, color: false, terminal: false },
    stdin: () => new Uint8Array(),
    stdinChunks: () => process.stdin,
    stdout: (data) => void out.push(Buffer.from(data)),
    stderr: (text) => void err.push(text),
  });
  return { code, stdout: Buffer.concat(out).toString(), stderr: err.join("") };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for await (const line of createInterface({ input: process.stdin })) {
    process.stdout.write(`${JSON.stringify(await tirc(...JSON.parse(line)))}\n`);
  }
}

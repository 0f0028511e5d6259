/** The command line in this process. */

import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { main } from "../../src/cli/tirc.ts";
import { temporaryFolder } from "./built.ts";

interface CliResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Where an output was written to stdout. */
  readonly bytes: Buffer;
}

/** A temporary folder with some files, in which command lines run. */
export class Workplace {
  readonly folder = temporaryFolder();

  constructor(files: Readonly<Record<string, string | Uint8Array>> = {}) {
    for (const [name, data] of Object.entries(files)) this.write(name, data);
  }

  write(name: string, data: string | Uint8Array): void {
    const path = join(this.folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, data);
  }

  read(name: string): string {
    return readFileSync(join(this.folder, name), "utf8");
  }

  bytes(name: string): Buffer {
    return readFileSync(join(this.folder, name));
  }

  /** All files, sorted. */
  files(): string[] {
    return readdirSync(this.folder, { recursive: true, encoding: "utf8" }).sort();
  }

  async run(
    argv: readonly string[],
    {
      stdin = "",
      env = {},
      terminal = false,
    }: { stdin?: string | Uint8Array; env?: Record<string, string>; terminal?: boolean } = {},
  ): Promise<CliResult> {
    const out: Buffer[] = [];
    let stderr = "";
    const code = await main(argv, {
      cwd: this.folder,
      env,
      color: false,
      terminal,
      stdin: () => Buffer.from(stdin),
      stdinChunks: async function* () {
        yield Buffer.from(stdin);
      },
      stdout: (data) => void out.push(Buffer.from(data)),
      stderr: (text) => {
        stderr += text;
      },
    });
    const bytes = Buffer.concat(out);
    return { code, stdout: bytes.toString(), stderr, bytes };
  }
}

export const addNorm = `fn add_norm(x: f32[rows, 8], r: f32[rows, 8]) -> (y: f32[rows, 8]) {
  return rmsnorm(x + r, axes = [-1])
}
`;

export const twoFunctions = `fn first(x: f32[n]) -> (y: f32[n]) {
  return exp(x)
}

fn second(x: f32[m, 4]) -> (y: f32[m, 4]) {
  return softmax(x, axes = [-1])
}
`;

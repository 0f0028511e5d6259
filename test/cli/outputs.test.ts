/** No command overwrites what it reads, or writes a file twice: every option that writes, against every file of the command. */

import { linkSync, readdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { CommandSpec, OptionSpec } from "../../src/cli/arguments.ts";
import { commandSpecs } from "../../src/cli/commands.ts";
import { writeNpy } from "../../src/formats/npy.ts";
import { targetByName } from "../../src/target/target.ts";
import { Workplace } from "../support/cli.ts";
import { npyFile } from "../support/npy.ts";
import { divided, weightsOfDivided } from "../support/surgery.ts";

const columns = Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8);
const array = writeNpy({ element: "f32", shape: [8], data: columns });
const rows = npyFile("<f4", [2, 8], new Uint8Array(64));
const program = `const w: f32[8] = load("w.npy")
const h: f32[4, 4] = load("m.onnx", "w")

fn f(x: f32[rows, 8], r: f32[rows, 8]) -> (y: f32[rows, 8], z: f32[rows, 8]) {
  let z = x + r
  return rmsnorm(z, w, axes = [-1]), z
}
`;
const profile = JSON.stringify(targetByName("portable"));

/** Every file of a command line below, its kind, and the option that names it. */
const files = {
  "p.tir": program,
  "w.npy": array,
  "m.onnx": divided,
  "m.data": weightsOfDivided,
  "x.npy": rows,
  "t.json": profile,
  "own.mjs": "export default { passes: [] };",
} as const;
type File = keyof typeof files;

interface Line {
  readonly argv: readonly string[];
  /** Files that are read besides those of the command line. */
  readonly more: readonly File[];
}

/** A command line of each command that writes, with every option that names something to read. */
const lines: Readonly<Record<string, Line>> = {
  compile: { argv: ["p.tir", "--target", "t.json", "--plugin", "own.mjs"], more: ["w.npy", "m.onnx", "m.data"] },
  run: {
    argv: ["p.tir", "--target", "t.json", "--plugin", "own.mjs", "--in", "x=x.npy", "--device", "cpu"],
    more: ["w.npy", "m.onnx", "m.data"],
  },
  tune: { argv: ["p.tir", "--target", "t.json", "--plugin", "own.mjs"], more: ["w.npy", "m.onnx", "m.data"] },
  bench: { argv: ["p.tir", "--target", "t.json", "--plugin", "own.mjs"], more: ["w.npy", "m.onnx", "m.data"] },
  grad: { argv: ["p.tir", "--plugin", "own.mjs"], more: ["w.npy", "m.onnx", "m.data"] },
  import: { argv: ["m.onnx"], more: ["m.data"] },
  surgery: { argv: ["m.onnx", "--check", "--in", "x=x.npy"], more: ["m.data"] },
  extract: { argv: ["m.onnx", "--target", "t.json"], more: ["m.data"] },
};

/** How an option is given the path of a file to write. */
const asValue: Readonly<Record<string, (path: string) => string>> = { "--out": (path) => `y=${path}` };

/** Options that name a folder, and a file that is written in there. */
const folders: Readonly<Record<string, string>> = {
  "compile --dump-dir": "000_input.tir",
  "run --dump-dir": "000_input.tir",
  "extract --output": "y.tir",
};

const pathsOf = ({ options }: CommandSpec, use: string): OptionSpec[] =>
  options.filter(({ path }) => path?.use === use);
const writers = commandSpecs.flatMap((command: CommandSpec) =>
  pathsOf(command, "write").map((option) => [command, option] as const),
);

/** All files that a command line reads: those that it names, and others. */
function readBy({ argv, more }: Line): File[] {
  const named = argv.map((text) => text.slice(text.indexOf("=") + 1));
  return [...(Object.keys(files) as File[]).filter((file) => named.includes(file)), ...more];
}

/** Files that are there stay what they are. */
function expectUntouched(place: Workplace, before: ReadonlyMap<string, string>): void {
  expect(place.files()).toEqual([...before.keys()]);
  for (const [name, bytes] of before) expect(bytesOf(place, name), name).toBe(bytes);
}

function bytesOf(place: Workplace, name: string): string {
  try {
    return place.bytes(name).toString("hex");
  } catch {
    return "a folder";
  }
}

const snapshot = (place: Workplace) => new Map(place.files().map((name) => [name, bytesOf(place, name)]));

test("there is a line for each command that writes, with all that it can read", () => {
  for (const command of commandSpecs as readonly CommandSpec[]) {
    const line = lines[command.name];
    if (pathsOf(command, "write").length === 0) {
      expect(line, command.name).toBeUndefined();
      continue;
    }
    expect(line, command.name).toBeDefined();
    for (const { name } of pathsOf(command, "read")) expect(line?.argv, `${command.name} ${name}`).toContain(name);
  }
});

test("nothing but a profile is written where it was read", () => {
  const updates = writers.flatMap(([{ name }, option]) => {
    return option.path?.updates === undefined ? [] : [`${name} ${option.name} ${option.path.updates}`];
  });
  expect(updates).toEqual(["tune --output --target"]);
});

describe.each(writers)("tirc $name", ({ name }, option) => {
  const line = lines[name] as Line;
  const key = `${name} ${option.name}`;
  const valued = (path: string) => (asValue[option.name] ?? ((text: string) => text))(path);

  // A profile that choices are added to is written in its place: test/cli/tune.slow.test.ts.
  const updated = line.argv[line.argv.indexOf(option.path?.updates ?? "") + 1];
  test.each(readBy(line).filter((file) => option.path?.updates === undefined || file !== updated))(
    `${option.name} over %s, which it reads`,
    async (file) => {
      const inside = folders[key];
      for (const way of ["itself", "another path", "a symbolic link", "a hard link"] as const) {
        const place = new Workplace(files);
        const link = inside === undefined ? "link" : `made/${inside}`;
        if (inside !== undefined) place.write("made/other", "");
        if (way === "a symbolic link") symlinkSync(join(place.folder, file), join(place.folder, link));
        else if (way === "a hard link") linkSync(join(place.folder, file), join(place.folder, link));
        // Only files with a declared name can be written into a folder.
        else if (inside !== undefined) continue;
        const path =
          way === "itself" ? file : way === "another path" ? `./no/../${file}` : inside === undefined ? link : "made";
        const before = snapshot(place);
        const { code, stderr } = await place.run([name, ...line.argv, option.name, valued(path)]);
        expect(stderr, way).toContain("error[E0720]");
        expect(code).toBe(2);
        expectUntouched(place, before);
      }
    },
  );

  const others = writers.filter(([command, other]) => command.name === name && other.name !== option.name);
  test.each(others.map(([, other]) => [other.name, other] as const))(
    `${option.name} over what %s writes`,
    async (otherName, other) => {
      const [mine, its] = [folders[key], folders[`${name} ${otherName}`]];
      if (mine !== undefined && its !== undefined) return;
      const file = mine ?? its ?? "same";
      const value = (own: string | undefined, inFile: string) => (own === undefined ? inFile : "made");
      const path = mine === undefined && its === undefined ? file : `made/${file}`;
      for (const isThere of [false, true]) {
        const place = new Workplace({ ...files, ...(isThere && { [path]: "before" }), "made/other": "" });
        const before = snapshot(place);
        const otherValue = (asValue[otherName] ?? ((text: string) => text))(value(its, path));
        const argv = [name, ...line.argv, option.name, valued(value(mine, path)), other.name, otherValue];
        const { code, stderr } = await place.run(argv);
        expect(stderr).toContain("error[E0720]");
        expect(code).toBe(2);
        expectUntouched(place, before);
      }
    },
  );

  test(`${option.name} takes no empty path`, async () => {
    const place = new Workplace(files);
    const before = snapshot(place);
    const { code, stderr } = await place.run([name, ...line.argv, option.name, valued("")]);
    expect(stderr).toMatch(/error\[E0721\]|error\[E0710\]/);
    expect(code).toBe(2);
    expectUntouched(place, before);
  });
});

describe("what is no conflict", () => {
  const compile = (place: Workplace, ...options: string[]) =>
    place.run(["compile", "p.tir", "--diagnostics", "short", ...options]);

  test("an output of an earlier run is written over", async () => {
    const place = new Workplace(files);
    for (let round = 0; round < 2; round++) {
      const { code } = await compile(place, "-o", "k.wgsl", "--source-map", "k.map", "--dump-dir", "dump");
      expect(code).toBe(0);
    }
    expect(place.read("k.wgsl")).toBe(place.read("dump/kernel.wgsl"));
  });

  test("a device takes any number of outputs", async () => {
    const { code, stderr } = await compile(new Workplace(files), "-o", "/dev/null", "--source-map", "/dev/null");
    expect([code, stderr]).toEqual([0, ""]);
  });

  test("a target and an input that are no files, whatever lies beside the program", async () => {
    const place = new Workplace({ ...files, portable: "", ones: "" });
    expect((await compile(place, "--target", "portable", "-o", "portable")).code).toBe(0);
    const run = await place.run(["run", "p.tir", "--in", "x=ones", "--device", "cpu", "--out", "y=ones"]);
    expect(run.code).toBe(0);
  });
});

test("a link to what is not there yet is what is written there", async () => {
  const place = new Workplace(files);
  symlinkSync("k.wgsl", join(place.folder, "link"));
  const { code, stderr } = await place.run(["compile", "p.tir", "-o", "k.wgsl", "--source-map", "link"]);
  expect(stderr).toContain("error[E0720]: `--source-map` would overwrite what `--output` writes");
  expect(code).toBe(2);
});

test("stdout is taken once", async () => {
  const { code, stderr } = await new Workplace(files).run(["surgery", "m.onnx", "-o", "-", "--report", "-"]);
  expect(stderr).toContain("error[E0716]");
  expect(code).toBe(2);
});

test("files are written by `Outputs` alone, in place by `tirc fmt`, and beside programs by `tirc types`", () => {
  const folder = new URL("../../src/cli/", import.meta.url);
  const sources = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts"));
  const users = sources.filter((name) => {
    return /writeAtomically|writeFileSync|createWriteStream/.test(readFileSync(new URL(name, folder), "utf8"));
  });
  // A reproducer is always a new file.
  expect(users.sort()).toEqual(["crash.ts", "files.ts", "fmt-command.ts", "outputs.ts", "types-command.ts"]);
});

/**
 * `npm run bench:compile`: measures start-up and compile times, and how compile time grows with the program. Needs
 * dist/. Exits 1 if a limit is exceeded.
 */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { kinds } from "./compile-times.mjs";
import { roundsOr } from "./options.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const cli = `${root}dist/src/cli/main.js`;
const asked = { startRatio: 5, seconds: 10, megabytes: 500, growth: 6, streamSeconds: 60, streamMegabytes: 2048 };
const rounds = roundsOr(21, "bench:compile");

if (!existsSync(cli)) {
  console.error("dist/ is missing: run `npm run build` first");
  process.exit(1);
}

function milliseconds(args) {
  const start = process.hrtime.bigint();
  const { status, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: "utf8" });
  const end = process.hrtime.bigint();
  if (status !== 0) throw new Error(`node ${args.join(" ")} failed:\n${stderr}`);
  return Number(end - start) / 1e6;
}

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

/** The two commands alternate, so that other load on the machine affects both. */
function measureStart() {
  const bare = [];
  const compile = [];
  for (let round = 0; round < rounds + 1; round++) {
    const a = milliseconds(["-e", "0"]);
    const b = milliseconds([cli, "compile", "examples/bert-output.tir"]);
    // The first round reads the files from disk.
    if (round === 0) continue;
    bare.push(a);
    compile.push(b);
  }
  return { bare: median(bare), compile: median(compile), ratio: median(compile) / median(bare) };
}

/** Compiles text to one kernel, in a new process each time. */
function measureProgram(kind, statements, times = 3) {
  const runs = Array.from({ length: times }, () => {
    const args = [`${root}scripts/compile-times.mjs`, kind, String(statements)];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: "utf8" });
    if (status !== 0) throw new Error(`${statements} statements of the kind ${kind} failed:\n${stderr}`);
    return JSON.parse(stdout);
  });
  const of = (part) => median(runs.map((run) => run[part]));
  const [parse, passes, codegen] = [of("parse"), of("passes"), of("codegen")];
  const megabytes = Math.max(...runs.map((run) => run.megabytes));
  return { parse, passes, codegen, seconds: (parse + passes + codegen) / 1000, megabytes };
}

let missed = 0;
function report(what, value, unit, most) {
  const ok = value <= most;
  if (!ok) missed++;
  console.log(
    `${what.padEnd(58)} ${value.toFixed(2).padStart(8)} ${unit.padEnd(3)} (at most ${most}) ${ok ? "ok" : "MISSED"}`,
  );
}

const start = measureStart();
console.log(
  `node -e 0: ${start.bare.toFixed(1)} ms; tirc compile examples/bert-output.tir: ${start.compile.toFixed(1)} ms`,
);
report(`tirc compile against node -e 0, median of ${rounds}`, start.ratio, "x", asked.startRatio);
const chain = measureProgram("chain", 10_000);
report("10,000 statements to one kernel", chain.seconds, "s", asked.seconds);
report("10,000 statements, memory at most", chain.megabytes, "MB", asked.megabytes);

/** A residual stream of a million ops, in a limited heap. */
for (const kind of ["returned", "moved"]) {
  const args = ["--max-old-space-size=1800", `${root}scripts/centering-times.mjs`, kind, "1000000"];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: "utf8" });
  if (status !== 0) throw new Error(`a stream of the kind ${kind} failed:\n${stderr}`);
  const { seconds, megabytes } = JSON.parse(stdout);
  report(`eliminate-centering of 1,000,000 ops, ${kind}`, seconds, "s", asked.streamSeconds);
  report(`eliminate-centering of 1,000,000 ops, ${kind}, memory`, megabytes, "MB", asked.streamMegabytes);
}

const sizes = [10, 100, 1000, 5000, 10_000, 20_000];
console.log(
  `\nMilliseconds from text to one kernel, by phase\n${"kind".padEnd(12)} statements    parse   passes  codegen       MB`,
);
const growths = [];
for (const kind of Object.keys(kinds)) {
  const bySize = sizes.map((statements) => measureProgram(kind, statements, statements < 5000 ? 3 : 1));
  for (const [i, { parse, passes, codegen, megabytes }] of bySize.entries()) {
    const cells = [parse, passes, codegen].map((time) => time.toFixed(0).padStart(8)).join(" ");
    console.log(`${kind.padEnd(12)} ${String(sizes[i]).padStart(10)} ${cells} ${megabytes.toFixed(0).padStart(8)}`);
  }
  // A factor of four in size: noise in one phase at one size matters less than with a factor of two.
  for (const phase of ["parse", "passes", "codegen"]) {
    growths.push([`${kind}, ${phase}: 20,000 statements against 5,000`, bySize.at(-1)[phase] / bySize.at(-3)[phase]]);
  }
}
console.log();
for (const [what, growth] of growths) report(what, growth, "x", asked.growth);
process.exit(missed === 0 ? 0 : 1);

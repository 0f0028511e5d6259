/**
 * `npm run bench:compile`: measures start-up and compile times, and how compile time grows with the program. Needs
 * dist/. Exits 1 if a figure is missed, also where there is none, as the compiler ran out of memory or of time.
 */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { kinds } from "./compile-times.mjs";
import { measured, Report } from "./measured.mjs";
import { roundsOr } from "./options.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const cli = `${root}dist/src/cli/main.js`;
const asked = { startRatio: 5, seconds: 10, megabytes: 500, growth: 6, streamSeconds: 60, streamMegabytes: 1200 };
/** What a process may use before it is stopped. */
const limits = { megabytes: 1200, seconds: 600 };
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

/** Compiles text to one kernel, in a new process each time. @returns the medians, or `{ missing }`: why there are none. */
function measureProgram(kind, statements, times = 3) {
  const runs = [];
  for (let i = 0; i < times; i++) {
    const run = measured([`${root}scripts/compile-times.mjs`, kind, statements], limits);
    if (run.missing !== undefined) return run;
    runs.push(run);
  }
  const of = (part) => median(runs.map((run) => run[part]));
  const [parse, passes, codegen] = [of("parse"), of("passes"), of("codegen")];
  const megabytes = Math.max(...runs.map((run) => run.megabytes));
  return { parse, passes, codegen, seconds: (parse + passes + codegen) / 1000, megabytes };
}

const result = new Report();
const report = (...figure) => result.figure(...figure);

const start = measureStart();
console.log(
  `node -e 0: ${start.bare.toFixed(1)} ms; tirc compile examples/bert-output.tir: ${start.compile.toFixed(1)} ms`,
);
report(`tirc compile against node -e 0, median of ${rounds}`, start.ratio, "x", asked.startRatio);
const chain = measureProgram("chain", 10_000);
report("10,000 statements to one kernel", chain.missing ?? chain.seconds, "s", asked.seconds);
report("10,000 statements, memory at most", chain.missing ?? chain.megabytes, "MB", asked.megabytes);

/** A residual stream of a million ops. */
for (const kind of ["returned", "moved"]) {
  const { missing, seconds, megabytes } = measured([`${root}scripts/centering-times.mjs`, kind, 1_000_000], limits);
  report(`eliminate-centering of 1,000,000 ops, ${kind}`, missing ?? seconds, "s", asked.streamSeconds);
  report(`eliminate-centering of 1,000,000 ops, ${kind}, memory`, missing ?? megabytes, "MB", asked.streamMegabytes);
}

const sizes = [10, 100, 1000, 5000, 10_000, 20_000];
console.log(
  `\nMilliseconds from text to one kernel, by phase\n${"kind".padEnd(12)} statements    parse   passes  codegen       MB`,
);
const growths = [];
for (const kind of Object.keys(kinds)) {
  const bySize = sizes.map((statements) => measureProgram(kind, statements, statements < 5000 ? 3 : 1));
  for (const [i, { missing, parse, passes, codegen, megabytes }] of bySize.entries()) {
    const figures = [parse, passes, codegen, megabytes].map((figure) => figure?.toFixed(0).padStart(8));
    console.log(`${kind.padEnd(12)} ${String(sizes[i]).padStart(10)} ${missing ?? figures.join(" ")}`);
  }
  const [few, many] = [bySize.at(-3), bySize.at(-1)];
  // A factor of four in size: noise in one phase at one size matters less than with a factor of two.
  for (const phase of ["parse", "passes", "codegen"]) {
    const growth = few.missing ?? many.missing ?? many[phase] / few[phase];
    growths.push([`${kind}, ${phase}: 20,000 statements against 5,000`, growth]);
  }
}
console.log();
for (const [what, growth] of growths) report(what, growth, "x", asked.growth);
process.exit(result.missed === 0 ? 0 : 1);

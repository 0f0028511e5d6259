/** The one loop that runs passes: what it returns, checks, and tells its instruments. */

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { builtins, defaultPipeline } from "../../passes/index.ts";
import { remark, TircError } from "../../src/diagnostics/diagnostic.ts";
import { rewriteFn } from "../../src/ir/builder.ts";
import { type Fn, type Module, makeFn } from "../../src/ir/ir.ts";
import { print } from "../../src/ir/print.ts";
import { parse } from "../../src/parse/parse.ts";
import { definePass, type Pass, type PassContext } from "../../src/pass/define-pass.ts";
import type { Instrument } from "../../src/pass-manager/instrument.ts";
import { dump, printIr, reproducer, statistics, timing } from "../../src/pass-manager/instruments.ts";
import { PassFailure, PassManager, type PassManagerOptions } from "../../src/pass-manager/pass-manager.ts";
import { diagnosticsOf } from "../support/diagnostics.ts";
import { headerText } from "../support/header-pipeline.ts";

const geluText = `fn f(x: f32[rows, 8]) -> (y: f32[rows, 8]) {
  let unused = exp(x)
  let y = gelu(x)
  return y
}
`;
const gelu = () => parse(geluText, { file: "gelu.tir" });

const pass = (name: string, run: (fn: Fn, context: PassContext<unknown>) => Fn): Pass =>
  definePass({ name, summary: "", options: {}, run });

const geluToRelu = definePass({
  name: "gelu-to-relu",
  summary: "Writes gelu as relu.",
  options: { loud: { type: "boolean", default: false, summary: "" } },
  run: (fn, context) =>
    rewriteFn(fn, (op, builder) => {
      if (op.name !== "gelu") return undefined;
      context.count("gelus written", 2);
      context.assume({ because: "it is not the same" });
      if (context.options.loud) context.remark(remark("R0000", "done", { span: op.span }));
      return builder.emit("relu", [op.operand(0)]);
    }),
});

/** Exchanges two ops, and so never comes to an end. */
const backAndForth = pass("back-and-forth", (fn, context) => {
  context.assume({ because: "it is not the same" });
  return rewriteFn(fn, (op, builder) => {
    if (op.name !== "gelu" && op.name !== "relu") return undefined;
    return builder.emit(op.name === "gelu" ? "relu" : "gelu", [op.operand(0)]);
  });
});

/** Makes a function whose result no op defines. */
const dropAll = pass("drop-all", (fn) => makeFn({ ...fn, ops: [] }));
const throws = pass("throws", () => {
  throw new RangeError("not done yet");
});

const failureOf = (passes: readonly (string | Pass)[], module: Module = gelu(), instruments: Instrument[] = []) => {
  try {
    new PassManager(passes, { builtins, instruments }).run(module);
    return undefined;
  } catch (caught) {
    if (caught instanceof PassFailure) return caught;
    throw caught;
  }
};

describe("a run", () => {
  test("gives the module, what changed, remarks, timings and statistics", () => {
    const manager = new PassManager([{ pass: geluToRelu, options: { loud: true } }, "dce,cse"], { builtins });
    const result = manager.run(gelu());
    expect(print(result.module)).toBe(
      "fn f(x: f32[rows, 8]) -> (y: f32[rows, 8]) {\n  let y = relu(x)\n  return y\n}\n",
    );
    expect(result.changed).toEqual(["gelu-to-relu", "dce"]);
    expect(result.remarks.map(({ code }) => code)).toEqual(["R0108", "R0000"]);
    expect(result.timings.map((row) => row.pass)).toEqual(["gelu-to-relu{loud=true}", "dce", "cse"]);
    expect(result.timings.every(({ milliseconds }) => milliseconds >= 0)).toBe(true);
    expect(result.statistics["gelu-to-relu"]).toEqual({ "gelus written": 2 });
  });

  test("leaves its input as it is", () => {
    const module = gelu();
    const before = print(module);
    const fn = module.fns[0];
    const result = new PassManager("default", { builtins }).run(module);
    expect(print(module)).toBe(before);
    expect(module.fns[0]).toBe(fn);
    expect(print(result.module)).not.toBe(before);
  });

  test("that changes nothing gives back the same module", () => {
    const module = gelu();
    const { module: result, changed } = new PassManager(["", "cse"], { builtins }).run(module);
    expect(result).toBe(module);
    expect(changed).toEqual([]);
  });

  test("a pass of one's own runs among the compiler's, by object or by name", () => {
    const byName = new PassManager("dce,gelu-to-relu,fuse-elementwise", { builtins, registry: [geluToRelu] });
    const byObject = new PassManager(["dce", geluToRelu, "fuse-elementwise"], { builtins });
    expect(print(byName.run(gelu()).module)).toContain("relu(x)");
    expect(byObject.toString()).toBe(byName.toString());
    expect(print(byObject.run(gelu()).module)).toBe(print(byName.run(gelu()).module));
  });

  test("pipelines name the passes that it is given, and no others", () => {
    expect(diagnosticsOf(() => new PassManager("cse"))).toEqual([expect.stringContaining("{ builtins }")]);
    const own = { passes: [geluToRelu], pipelines: { default: ["gelu-to-relu"], twice: ["gelu-to-relu", "default"] } };
    const manager = new PassManager("twice", { builtins: own });
    expect(manager.toString()).toBe("gelu-to-relu,gelu-to-relu");
    // A built-in pass is compared only if `verify` is "exact", and reports its assumptions only then.
    const assumed = (options: PassManagerOptions) => new PassManager("default", options).run(gelu()).assumed.length;
    expect(assumed({ builtins: own, verify: true })).toBe(0);
    expect(assumed({ builtins: own, verify: "exact" })).toBe(1);
    expect(assumed({ builtins, registry: [{ ...geluToRelu, name: "default" }], verify: true })).toBe(1);
  });
});

describe("as text", () => {
  test("the default pipeline is the list of passes", () => {
    expect(new PassManager("default", { builtins }).toString()).toBe(defaultPipeline.join(","));
  });

  test("what is built in code reads back as the same", () => {
    const registry = [geluToRelu];
    const manager = new PassManager([{ pass: geluToRelu, options: { loud: true } }, "fixpoint(cse,dce)"], { builtins });
    expect(manager.toString()).toBe("gelu-to-relu{loud=true},fixpoint(cse,dce)");
    expect(new PassManager(manager.toString(), { builtins, registry }).toString()).toBe(manager.toString());
  });

  test("disabled passes are left out, and groups that are empty then", () => {
    const manager = new PassManager("cse,fixpoint(dce),fixpoint(cse,canonicalize)", {
      builtins,
      disabled: ["dce", "canonicalize"],
    });
    expect(manager.toString()).toBe("cse,fixpoint(cse)");
    expect(manager.run(gelu()).timings.map((row) => row.pass)).toEqual(["cse", "cse"]);
  });

  test("a disabled pass must exist", () => {
    expect(diagnosticsOf(() => new PassManager("cse", { builtins, disabled: ["dec"] }))).toEqual([
      "E0301: there is no pass `dec`\nhelp: did you mean `dce`?",
    ]);
  });
});

describe("fixpoint", () => {
  test("ends with the round that changes nothing", () => {
    const { timings } = new PassManager([geluToRelu, "fixpoint(dce,cse)"], { builtins }).run(gelu());
    expect(timings.map((row) => row.pass).slice(1)).toEqual(["dce", "cse", "dce", "cse"]);
  });

  test("ends although a pass makes its result anew each time", () => {
    const anew = pass("anew", (fn) => makeFn({ ...fn }));
    const { timings, remarks } = new PassManager([anew, "fixpoint(anew)"], { builtins, registry: [anew] }).run(gelu());
    expect(timings).toHaveLength(2);
    expect(remarks).toEqual([]);
  });

  test("that has no end is stopped, with a warning, and the program is right", () => {
    const manager = new PassManager("fixpoint{limit=7}(back-and-forth)", { builtins, registry: [backAndForth] });
    const { remarks, timings, module } = manager.run(gelu());
    expect(timings).toHaveLength(7);
    expect(remarks.map(({ severity, code }) => [severity, code])).toEqual([
      ["remark", "R0108"],
      ["warning", "R0301"],
    ]);
    expect(remarks[1]?.message).toContain("after 7 rounds");
    expect(print(module)).toContain("relu(x)");
  });

  test("leaves the remarks of its last round alone", () => {
    const says = definePass({
      name: "says",
      summary: "",
      options: {},
      run(fn, context) {
        context.remark(remark("R0000", `${fn.ops.length} ops`));
        return fn;
      },
    });
    const { remarks } = new PassManager("fixpoint(says,dce)", { builtins, registry: [says] }).run(gelu());
    expect(remarks.map(({ message }) => message)).toEqual(["1 ops"]);
  });
});

describe("a pass with a mistake", () => {
  test("that breaks the IR is named, with what the verifier found", () => {
    const failure = failureOf(["cse", dropAll, "dce"]);
    expect(failure?.pass).toBe("drop-all");
    expect(failure?.diagnostic).toMatchObject({ code: "E0305", message: "the pass `drop-all` broke the function `f`" });
    expect(failure?.diagnostic.notes).toEqual(["E0402: the result `y` is a value that the function does not define"]);
  });

  test("that changes the signature is named", () => {
    const rename = pass("rename", (fn) =>
      makeFn({ ...fn, results: fn.results.map(({ value }) => ({ name: "other", value })) }),
    );
    expect(failureOf([rename])?.message).toContain("the pass `rename` broke");
  });

  test("that throws is named, and what it threw is the cause", () => {
    const failure = failureOf([throws]);
    expect(failure?.diagnostic.message).toBe("the pass `throws` failed on the function `f`: not done yet");
    expect(failure?.cause).toBeInstanceOf(RangeError);
  });

  test.each([
    ["undefined", undefined],
    ["null", null],
    ["a promise", Promise.resolve()],
    ["true", true],
  ])("that returns %s is named", (_what, result) => {
    expect(failureOf([pass("empty", () => result as unknown as Fn)])?.diagnostic.code).toBe("E0306");
  });

  test("that changes what it is given fails: the IR is frozen", () => {
    const pushes = pass("pushes", (fn) => {
      (fn.ops as unknown[]).pop();
      return fn;
    });
    expect(failureOf([pushes])?.pass).toBe("pushes");
  });

  test("is not looked for where verification is off", () => {
    const { module } = new PassManager([dropAll], { verify: false }).run(gelu());
    expect(module.fns[0]?.ops).toEqual([]);
  });

  test("a module that is broken before any pass is no pass's fault", () => {
    const module = new PassManager([dropAll], { verify: false }).run(gelu()).module;
    expect(diagnosticsOf(() => new PassManager("cse", { builtins }).run(module))).toEqual([
      "E0402: the result `y` is a value that the function does not define\nhelp: build functions with `rewriteFn` or a `Builder`, which keep the IR well formed",
    ]);
  });
});

describe("a pass that makes another function", () => {
  const text = "fn f(x: f32[rows, 3], y: f32[rows, 3]) -> (d: f32[rows, 3]) {\n  let e = exp(y)\n  return x - e\n}\n";
  const difference = () => parse(text, { file: "f.tir" });
  const swapped = pass("swapped", (fn) =>
    rewriteFn(fn, (op, builder) =>
      op.name === "sub" ? builder.emit("sub", [op.operand(1), op.operand(0)]) : undefined,
    ),
  );

  test("is named, with the result, an element, and the first value that is new", () => {
    const { diagnostic, pass: name } = failureOf([swapped], difference()) as PassFailure;
    expect(name).toBe("swapped");
    expect(diagnostic).toMatchObject({ code: "E0309", message: "the pass `swapped` changed what `f` computes" });
    expect(diagnostic.notes).toEqual([
      "in exact arithmetic the results differ in `d` at [0, 0], with rows = 3",
      "the first new value is that of `sub`",
    ]);
  });

  test("may be a pass of one's own under the name of the compiler's", () => {
    const failure = failureOf([{ ...swapped, name: "cse" }], difference());
    expect(failure?.pass).toBe("cse");
  });

  test.each([true, "exact"] as const)("is found where `verify` is %s", (verify) => {
    expect(() => new PassManager([swapped], { verify }).run(difference())).toThrow(PassFailure);
  });

  test("is not looked for where `verify` is false, or the pass says that it may", () => {
    expect(new PassManager([swapped], { verify: false }).run(difference()).changed).toEqual(["swapped"]);
    const { assumed } = new PassManager([geluToRelu]).run(gelu());
    expect(assumed).toEqual([{ pass: "gelu-to-relu", because: "it is not the same" }]);
  });

  test("lossy centering is compared where all centerings move into constants", () => {
    const pipeline = "layernorm-to-rmsnorm,eliminate-centering{mode=lossy,fold=true}";
    const run = (text: string) =>
      new PassManager(pipeline, { builtins, verify: "exact" }).run(parse(text)).assumed.length;
    expect(run(readFileSync("examples/prenorm-stream.tir", "utf8"))).toBe(0);
    expect(run("fn f(x: f32[n, 8]) -> f32[n, 8] { return layernorm(x, axes = [-1]) }")).toBe(1);
  });

  test("may declare the equation that it takes for granted, which is told where it is needed", () => {
    const module = parse("fn f(x: f32[rows, 3]) -> f32[rows, 3] {\n  let a = abs(x)\n  return a + relu(a)\n}\n");
    const unclamped = pass("unclamped", (fn, context) =>
      rewriteFn(fn, (op, _, original) => {
        if (op.name !== "relu") return undefined;
        const because = "what is not below 0 is not clamped";
        context.assume({ value: original.result, is: original.operand(0), because });
        return op.operand(0);
      }),
    );
    // In the field too abs(x) is not below 0.
    expect(new PassManager([unclamped]).run(module).assumed).toEqual([]);
    const open = parse("fn f(x: f32[rows, 3]) -> f32[rows, 3] {\n  return x + relu(x)\n}\n");
    const because = "what is not below 0 is not clamped";
    expect(new PassManager([unclamped]).run(open).assumed).toEqual([{ pass: "unclamped", because }]);
  });

  test("is not compared where it is too large, and a warning says so", () => {
    const large = parse("fn f(x: f32[4096, 4096], y: f32[4096, 4096]) -> f32[4096, 4096] { return x - y }");
    const { remarks } = new PassManager([swapped]).run(large);
    expect(remarks.map(({ code }) => code)).toEqual(["R0302"]);
  });
});

test("a pass may refuse a program, and is named", () => {
  const refuses = pass("refuses", (fn) => {
    throw new TircError([remark("R0000", `not with ${fn.name}`)]);
  });
  expect(diagnosticsOf(() => new PassManager([refuses]).run(gelu()))).toEqual([
    "R0000: not with f\nnote: reported by the pass `refuses`",
  ]);
});

describe("instruments", () => {
  test("see every pass, in order", () => {
    const seen: string[] = [];
    const watch: Instrument = {
      begin: (_module, pipeline) => void seen.push(`begin ${pipeline}`),
      beforePass: ({ text, index }) => void seen.push(`before ${index} ${text}`),
      afterPass: ({ text, changed }) => void seen.push(`after ${text} ${changed}`),
      end: () => void seen.push("end"),
    };
    new PassManager("cse,dce", { builtins, instruments: [watch] }).run(gelu());
    expect(seen).toEqual(["begin cse,dce", "before 0 cse", "after cse false", "before 1 dce", "after dce true", "end"]);
  });

  const printed = (options: Parameters<typeof printIr>[0]) => {
    const texts: string[] = [];
    const instrument = printIr({ ...options, write: (text) => void texts.push(text) });
    new PassManager("cse,dce,canonicalize", { builtins, instruments: [instrument] }).run(gelu());
    return texts;
  };

  test("print the IR before and after a pass, after all, and after each change", () => {
    const first = (texts: readonly string[]) => texts.map((text) => text.split("\n")[0]);
    expect(first(printed({ before: ["dce"], after: ["cse"] }))).toEqual(["// IR after cse", "// IR before dce"]);
    expect(first(printed({ after: "all" }))).toEqual([
      "// IR after cse",
      "// IR after dce",
      "// IR after canonicalize",
    ]);
    const [changed, ...more] = printed({ after: "change" });
    expect(changed).toBe(
      "// IR after dce\nfn f(x: f32[rows, 8]) -> (y: f32[rows, 8]) {\n  let y = gelu(x)\n  return y\n}\n\n",
    );
    expect(more).toEqual([]);
  });

  test("dump the IR at every step, a file each", () => {
    const files = new Map<string, string>();
    const instrument = dump((name, text) => void files.set(name, text));
    const { module } = new PassManager("fixpoint(dce),canonicalize", { builtins, instruments: [instrument] }).run(
      gelu(),
    );
    expect([...files.keys()]).toEqual(["000_input.tir", "001_dce.tir", "002_dce.tir", "003_canonicalize.tir"]);
    expect(files.get("000_input.tir")).toBe(print(gelu()));
    expect(files.get("003_canonicalize.tir")).toBe(print(module));
  });

  test("measure the time of each pass, and count", () => {
    const lines: string[] = [];
    const write = (text: string) => void lines.push(text);
    new PassManager([geluToRelu, "cse"], { builtins, instruments: [timing(write), statistics(write)] }).run(gelu());
    const rows = lines.join("").split("\n");
    expect(rows).toEqual([
      expect.stringMatching(/^ +\d+\.\d\d ms +\d+\.\d % {2}gelu-to-relu$/),
      expect.stringMatching(/ % {2}cse$/),
      expect.stringMatching(/ 100\.0 % {2}total$/),
      "         2  gelu-to-relu: gelus written",
      "",
    ]);
  });

  test("begin anew with each run", () => {
    const lines: string[] = [];
    const manager = new PassManager([geluToRelu], { instruments: [statistics((text) => void lines.push(text))] });
    manager.run(gelu());
    manager.run(gelu());
    expect(lines).toEqual(Array(2).fill("         2  gelu-to-relu: gelus written\n"));
  });
});

describe("a reproducer", () => {
  function reproduce(pipeline: string, registry: readonly Pass[]): string {
    let text = "";
    const instrument = reproducer((written) => {
      text = written;
    });
    const manager = new PassManager(pipeline, { builtins, registry, instruments: [instrument] });
    expect(() => manager.run(gelu())).toThrow(PassFailure);
    return text;
  }

  test("carries the program as it was when the pass failed, and what was left of the pipeline", () => {
    expect(reproduce("dce,throws,cse", [throws])).toBe(`// tirc-pipeline: throws,cse
// The pass \`throws\` failed here. \`tirc compile\` on this file runs it again; a pass of one's own comes with its plugin, \`--plugin FILE\`.
// [E0306] the pass \`throws\` failed on the function \`f\`: not done yet
fn f(x: f32[rows, 8]) -> (y: f32[rows, 8]) {
  let y = gelu(x)
  return y
}
`);
  });

  test("fails in the same way when it is run again", () => {
    const text = reproduce("dce,drop-all,cse", [dropAll]);
    const again = new PassManager(headerText(text) as string, { builtins, registry: [dropAll] });
    expect(again.toString()).toBe("drop-all,cse");
    expect(() => again.run(parse(text))).toThrow("the pass `drop-all` broke the function `f`");
  });

  test("of a pass in a fixpoint goes on with the round, the fixpoint and what comes after", () => {
    expect(headerText(reproduce("fixpoint(cse,throws,dce),canonicalize", [throws]))).toBe(
      "throws,dce,fixpoint(cse,throws,dce),canonicalize",
    );
  });
});

import { describe, expect, test } from "vitest";
import * as tirc from "../../src/index.ts";

const text = "fn f(x: f32[n, 4], g: f32[4]) -> f32[n, 4] {\n  return rmsnorm(x, g, axes = [-1])\n}\n";
const module = tirc.parse(text);
const [fn] = module.fns;
const { kernels, plans } = tirc.compile(module);
/** The package as JavaScript sees it. */
// biome-ignore lint/suspicious/noExplicitAny: the arguments are wrong on purpose.
const js = tirc as any;

/** A call, its message, and a part of its help. */
const wrong: readonly (readonly [call: string, run: () => unknown, message: string, help?: string])[] = [
  ["compile(text)", () => js.compile(text), "the first argument of `compile` must be a module", "`parse(text)`"],
  ["compile()", () => js.compile(), "must be a module, not undefined", "`parse(text)`"],
  ["compile(fn)", () => js.compile(fn), "must be a module", "`makeModule([fn])`"],
  ["compile(result)", () => js.compile(js.optimize(module)), "must be a module", "`module`"],
  ["compile(promise)", () => js.compile(Promise.resolve(module)), "must be a module, not a Promise", "await"],
  ["compile(module, null)", () => js.compile(module, null), "the options of `compile` must be an object, not null"],
  ["a target as the options", () => js.compile(module, "portable"), 'must be an object, not "portable"'],
  ["a target of another type", () => js.compile(module, { target: 3 }), "the name of a target or a target profile"],
  ["a misspelled option", () => js.compile(module, { targett: "portable" }), "no option `targett`", "`target`"],
  ["passes of another type", () => js.compile(module, { passes: 3 }), "`passes` of `compile` must be a pipeline or"],
  ["a pass that is null", () => js.compile(module, { passes: ["cse", null] }), "item 1 of `passes` of `compile`"],
  ["a pass without `run`", () => js.compile(module, { passes: [{}] }), "item 0 of `passes` of `compile`"],
  ["a pass that does not exist", () => js.compile(module, { passes: ["cce"] }), "no pass `cce`", "`cse`"],
  ["a name instead of a list", () => js.compile(module, { disabled: "cse" }), "a list of names of passes", "`[...]`"],
  ["an accuracy", () => js.compile(module, { accuracy: "best" }), 'must be "normal" or "scaled", not "best"'],
  ["a misspelled choice", () => js.compile(module, { rounding: "strikt" }), '"late" or "strict"', "`strict`"],
  ["a check", () => js.compile(module, { verify: "all" }), 'must be true, false or "exact", not "all"'],
  ["plugins", () => js.compile(module, { plugins: [3] }), "item 0 of `plugins` of `compile` must be an object"],
  ["dims", () => js.compile(module, { dims: 3 }), "`dims` of `compile` must be an object with a number per dimension"],
  ["an extent", () => js.compile(module, { dims: { n: "3" } }), "an extent is a whole number"],
  ["no dimension", () => js.compile(module, { specialize: ["nn"] }), "no parameter has a dimension `nn`", "`n`"],
  ["one target", () => js.compileVariants(module, { targets: "portable" }), "a list of targets", "`[...]`"],
  ["optimize(text)", () => js.optimize(text), "the first argument of `optimize` must be a module", "`parse(text)`"],
  ["optimize(module, options)", () => js.optimize(module, { dim: {} }), "`optimize` has no option `dim`", "`dims`"],
  ["parse(3)", () => js.parse(3), "the first argument of `parse` must be the text of a program, not 3"],
  ["parse(bytes)", () => js.parse(new Uint8Array(3)), ", not a Uint8Array", "`new TextDecoder().decode(bytes)`"],
  ["parse(text, file)", () => js.parse(text, "f.tir"), 'the options of `parse` must be an object, not "f.tir"'],
  ["format(3)", () => js.format(3), "the first argument of `format` must be the text of a program, not 3"],
  ["print(text)", () => js.print(text), "the first argument of `print` must be a module", "`parse(text)`"],
  ["gradient(text)", () => js.gradient(text), "the first argument of `gradient` must be a module", "`parse(text)`"],
  ["a name for a list", () => js.gradient(module, { wrt: "x" }), "a list of names of parameters", "`[...]`"],
  ["no parameter", () => js.gradient(module, { wrt: ["y"] }), "has no parameter `y`", "`x` and `g`"],
  [
    "what is saved",
    () => js.gradient(module, { save: "some" }),
    '`save` of `gradient` must be "none", "auto" or "all"',
  ],
  ["interpret(module)", () => js.interpret(module, {}), "must be a function of a module", "`module.fns[0]`"],
  ["no inputs", () => js.interpret(fn), "the second argument of `interpret` must be an object"],
  ["a missing input", () => js.interpret(fn, {}), "the input `x` of `interpret` must be a tensor", "`data`"],
  ["a bare array", () => js.interpret(fn, { x: new Float32Array(4) }), ", not a Float32Array", "`shape`"],
  ["equivalent", () => js.equivalent(module, text), "the second argument of `equivalent` must be a module"],
  ["emitModule(result)", () => js.emitModule({ kernels }), "must be a list of kernels", "`kernels`"],
  ["no language", () => js.emitModule(kernels, {}), '`language` of `emitModule` must be "ts" or "js"'],
  ["a module's promise", () => js.printFn(Promise.resolve(fn)), "must be a function of a module", "`await`"],
  ["printFn(module)", () => js.printFn(module), "must be a function of a module", "`module.fns[0]`"],
  ["usesOf(module)", () => js.usesOf(module), "must be a function of a module", "`module.fns[0]`"],
  ["dimensionNames(module)", () => js.dimensionNames(module), "must be a function of a module", "`module.fns[0]`"],
  [
    "rewriteFn(module)",
    () => js.rewriteFn(module, () => undefined),
    "must be a function of a module",
    "`module.fns[0]`",
  ],
  ["sameFn(fn, module)", () => js.sameFn(fn, module), "the second argument of `sameFn`", "`module.fns[0]`"],
  ["sameModule(fn)", () => js.sameModule(fn, fn), "the first argument of `sameModule`", "`makeModule([fn])`"],
  ["makeModule(fn)", () => js.makeModule(fn), "must be a list of functions", "`[...]`"],
  ["constantsOf(fn)", () => js.constantsOf(fn), "the first argument of `constantsOf` must be a module"],
  ["planManifest(result)", () => js.planManifest({ plans }), "must be a plan, not an object", "its `plans`"],
  ["planManifest(plans)", () => js.planManifest(plans), "must be a plan, not a list", "one item"],
  ["printPlan(manifest)", () => js.printPlan(js.planManifest(plans[0])), "must be a plan", "this is the manifest"],
  ["verifyPlan(kernel)", () => js.verifyPlan(kernels[0]), "must be a plan", "`compile(module).plans`"],
  ["interpretPlan", () => js.interpretPlan(plans[0], { x: 3 }), "the input `x` of `interpretPlan` must be a tensor"],
  ["comparePlan(plan, module)", () => js.comparePlan(plans[0], module), "a list of constants, `module.consts`"],
  ["minifyKernel(wgsl)", () => js.minifyKernel(kernels[0]?.wgsl), "must be a kernel, not a string"],
  ["distinctKernels(result)", () => js.distinctKernels({ kernels }), "must be a list of kernels"],
  ["exportNames(kernel)", () => js.exportNames(kernels[0]), "must be a list of kernels", "`[...]`"],
  ["emitDeclarations(kernels)", () => js.emitDeclarations(kernels), "the name of the program's file"],
  ["emitDeclarations(result)", () => js.emitDeclarations({ kernels }, "f.tir"), "a list of kernels", "its `kernels`"],
  ["renderSourceMap(kernel)", () => js.renderSourceMap(kernels[0]), "the source map of a kernel", "its `sourceMap`"],
  ["kernelProblems(module)", () => js.kernelProblems(module), "must be a text with its name"],
  ["printPipeline(text)", () => js.printPipeline("cse"), "must be a list of steps", "`parsePipeline("],
  ["targetByName(profile)", () => js.targetByName({}), "must be the name of a target"],
  ["an opened device", () => js.compile(module, { target: { device: {} } }), "a target profile", "its `target`"],
  ["a device", () => js.compile(module, { target: { adapterInfo: {} } }), "a target profile", "`targetFromDevice("],
  ["renderPretty(error)", () => js.renderPretty({ diagnostics: [] }), "must be a diagnostic", "its `diagnostics`"],
  ["renderShort(list)", () => js.renderShort([]), "must be a diagnostic, not a list", "one by one"],
  ["renderJson(text)", () => js.renderJson("E0101"), "must be a diagnostic", "a `TircError`"],
  ["parseTarget(text)", () => js.parseTarget("{}"), "the first argument of `parseTarget`"],
  ["parsePipeline(list)", () => js.parsePipeline(["cse"], js.builtins), "must be a pipeline as text"],
  ["no registry", () => js.parsePipeline("cse"), "the passes that the pipeline may name", "`builtins`"],
  ["run(text)", () => new js.PassManager("cse", { builtins: js.builtins }).run(text), "must be a module"],
  ["applyFusedRmsNorm", () => js.applyFusedRmsNorm(module, { mode: "fast" }), '"exact", "lossy" or "off"'],
  ["normRecords(module)", () => js.normRecords(module), "the history of a result", "`optimize(module).history`"],
  ["specialize(text)", () => js.specialize(text, {}), "the first argument of `specialize` must be a module"],
  ["verifyFn(module)", () => js.verifyFn(module), "must be a function of a module", "`module.fns[0]`"],
  ["generateKernel(module)", () => js.generateKernel(module), "must be a function of a module"],
  ["materialize(module)", () => js.materialize(module), "a function that gives the tensors", "`constantsOf("],
];

describe("what JavaScript passes is checked, with a message instead of a failure inside", () => {
  test.for(wrong)("%s", ([, run, message, help = message]) => {
    expect(run).toThrow(tirc.TircError);
    expect(run).toThrow(message);
    expect(run).toThrow(help);
  });
});

test("options that are undefined are not given", () => {
  const options = { target: undefined, passes: undefined, fn: undefined, plugins: undefined, dims: undefined };
  expect(js.compile(module, options).kernels).toEqual(kernels);
});

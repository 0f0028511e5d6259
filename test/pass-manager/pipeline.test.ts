/** Pipelines as text: how they are parsed and printed, and the errors of invalid ones. */

import { describe, expect, test } from "vitest";
import { builtinPasses, builtins, defaultPipeline } from "../../passes/index.ts";
import { TircError } from "../../src/diagnostics/diagnostic.ts";
import { lineColumn } from "../../src/diagnostics/source.ts";
import { definePass } from "../../src/pass/define-pass.ts";
import { parsePipeline, printPipeline, stepOf, withHeader } from "../../src/pass-manager/pipeline.ts";
import { headerText } from "../support/header-pipeline.ts";

const everyOption = definePass({
  name: "every-option",
  summary: "Has an option of each type.",
  options: {
    mode: { type: "choice", choices: ["plain", "fancy"], default: "plain", summary: "" },
    deep: { type: "boolean", default: false, summary: "" },
    rounds: { type: "integer", default: 3, summary: "" },
  },
  run: (fn) => fn,
});
const registry = { ...builtins, passes: [...builtinPasses, everyOption] };
const reprint = (text: string) => printPipeline(parsePipeline(text, registry));

/** Each error of a text as `column: code: message`, with its help. */
function errorsOf(text: string): string[] {
  try {
    parsePipeline(text, registry);
    return [];
  } catch (caught) {
    if (!(caught instanceof TircError)) throw caught;
    return caught.diagnostics.map(({ code, message, span, help }) => {
      const column = span === undefined ? 0 : lineColumn(span.source, span.start).column;
      return [`${column}: ${code}: ${message}`, ...help].join("; ");
    });
  }
}

describe("prints as the text that reads back as the same", () => {
  test.each([
    "",
    "cse",
    "canonicalize,cse,dce",
    "eliminate-centering{mode=lossy},fuse-elementwise",
    "every-option{mode=fancy,deep=true,rounds=-7}",
    "fixpoint(cse,dce)",
    "fixpoint{limit=5}(cse,fixpoint(dce),canonicalize),fuse-elementwise",
  ])("%s", (text) => {
    expect(reprint(text)).toBe(text);
  });
});

test.each([
  ["  cse ,\n dce  ", "cse,dce"],
  ["eliminate-centering{mode=exact}", "eliminate-centering"],
  ["eliminate-centering{}", "eliminate-centering"],
  ["every-option{ rounds = 4 , deep = false }", "every-option{rounds=4}"],
  ["fixpoint{limit=100}( cse , dce )", "fixpoint(cse,dce)"],
  ["default", defaultPipeline.join(",")],
  ["O1", defaultPipeline.join(",")],
  ["O0", "fuse-elementwise"],
  ["O0,dce", "fuse-elementwise,dce"],
])("%j is %s", (text, plain) => {
  expect(reprint(text)).toBe(plain);
});

test("options are values of their types, defaults filled in", () => {
  const [step] = parsePipeline("every-option{rounds=12,deep=true}", registry);
  expect(step).toMatchObject({ options: { mode: "plain", deep: true, rounds: 12 } });
});

describe("what is wrong, and where", () => {
  const options = "`tirc passes` shows the options of every pass";
  const shape = "a pipeline reads `canonicalize,eliminate-centering{mode=exact},fixpoint(cse,dce)`";

  test.each([
    ["canonicalise,cse", "1: E0301: there is no pass `canonicalise`; did you mean `canonicalize`?"],
    ["cse,defualt", "5: E0301: there is no pass `defualt`; did you mean `default`?"],
    [
      "toString",
      expect.stringMatching(
        /^1: E0301: there is no pass `toString`; there are `raise-norms`.* and `O1`; a custom pass comes from a plugin: `--plugin FILE`, or `plugins` in code$/,
      ),
    ],
    ["cse{x=1}", "5: E0302: `cse` has no option `x`; `cse` has no options"],
    ["default{x=1}", "9: E0302: `default` has no option `x`; `default` has no options"],
    ["every-option{moed=fancy}", "14: E0302: `every-option` has no option `moed`; did you mean `mode`?"],
    [
      "every-option{constructor=1}",
      "14: E0302: `every-option` has no option `constructor`; `every-option` has `mode`, `deep` and `rounds`",
    ],
    [
      "every-option{mode=fency}",
      "19: E0303: `mode` of `every-option` must be `plain` or `fancy`, not `fency`; did you mean `fancy`?",
    ],
    [
      "every-option{deep=1}",
      `19: E0303: \`deep\` of \`every-option\` must be \`true\` or \`false\`, not \`1\`; ${options}`,
    ],
    [
      "every-option{rounds=1.5}",
      `21: E0303: \`rounds\` of \`every-option\` must be a whole number, not \`1.5\`; ${options}`,
    ],
    ["every-option{rounds=99999999999999999}", expect.stringMatching(/^21: E0303: .* a whole number/)],
    [
      "fixpoint{limit=0}(cse)",
      `16: E0303: \`limit\` of \`fixpoint\` must be a whole number above 0, not \`0\`; ${options}`,
    ],
    ["every-option{rounds=1,rounds=2}", "23: E0303: `rounds` of `every-option` is given twice; leave one of them out"],
    ["cse,,dce", `5: E0304: expected the name of a pass here, but found \`,\`; ${shape}`],
    ["cse,", `5: E0304: expected the name of a pass here, but found the end; ${shape}`],
    ["cse dce", `5: E0304: expected \`,\` or the end of the pipeline here, but found \`d\`; ${shape}`],
    ["fixpoint", `9: E0304: expected \`(\` here, but found the end; ${shape}`],
    ["fixpoint()", `10: E0304: expected the name of a pass here, but found \`)\`; ${shape}`],
    ["fixpoint(cse", `13: E0304: expected \`,\` or \`)\` here, but found the end; ${shape}`],
    ["cse)", `4: E0304: expected \`,\` or the end of the pipeline here, but found \`)\`; ${shape}`],
    ["every-option{mode}", `18: E0304: expected \`=\` here, but found \`}\`; ${shape}`],
    ["every-option{mode=}", `19: E0304: expected a value here, but found \`}\`; ${shape}`],
    ["every-option{mode=fancy", `24: E0304: expected \`,\` or \`}\` here, but found the end; ${shape}`],
    ["\u0000", `1: E0304: expected the name of a pass here, but found \`\u0000\`; ${shape}`],
  ])("%j", (text, expected) => {
    expect(errorsOf(text)).toEqual([expected]);
  });

  test("every independent error is found", () => {
    const text = "csee,every-option{moed=fancy,deep=maybe},fixpoint(dcee),canonicalize,,";
    expect(errorsOf(text).map((error) => error.slice(0, error.indexOf(": ", 4)))).toEqual([
      "1: E0301",
      "19: E0302",
      "35: E0303",
      "51: E0301",
      "70: E0304",
    ]);
  });

  test("nesting that is too deep", () => {
    const depth = 50_000;
    expect(errorsOf(`${"fixpoint(".repeat(depth)}cse${")".repeat(depth)}`)).toEqual([
      "181: E0304: `fixpoint` is nested more than 20 times; a `fixpoint` inside another one changes nothing: leave the inner ones out",
    ]);
  });

  test("an option given twice shows the first", () => {
    try {
      parsePipeline("every-option{deep=true,deep=false}", registry);
      expect.unreachable();
    } catch (caught) {
      const [diagnostic] = (caught as TircError).diagnostics;
      expect(diagnostic?.labels.map(({ span, message }) => [span.start, message])).toEqual([[13, "first given here"]]);
    }
  });
});

test("options given in code are checked as those in text are", () => {
  expect(stepOf(everyOption, { deep: true })).toMatchObject({ options: { mode: "plain", deep: true, rounds: 3 } });
  expect(() => stepOf(everyOption, { mode: "fency" })).toThrow("E0303");
  expect(() => stepOf(everyOption, { toString: 1 })).toThrow("E0302");
});

describe("the pipeline that a text carries", () => {
  test("is found among the comments at its top", () => {
    const text = withHeader("cse,dce", "Two\nlines.", "fn f(x: f32[n]) -> f32[n] {\n  return x\n}\n");
    expect(text).toBe("// tirc-pipeline: cse,dce\n// Two\n// lines.\nfn f(x: f32[n]) -> f32[n] {\n  return x\n}\n");
    expect(headerText(text)).toBe("cse,dce");
    expect(headerText("\n// Something else.\n\n// tirc-pipeline:\nfn")).toBe("");
  });

  test("is not looked for further down", () => {
    expect(headerText("fn f\n// tirc-pipeline: cse")).toBeUndefined();
    expect(headerText("")).toBeUndefined();
  });
});

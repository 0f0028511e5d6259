import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { format } from "../../src/parse/format.ts";
import { parseSyntax } from "../../src/parse/parse-syntax.ts";
import { expectLinear } from "../support/counted-work.ts";
import { diagnosticsOf } from "../support/diagnostics.ts";

const examples = new URL("../../examples/", import.meta.url);
const exampleTexts = readdirSync(examples)
  .filter((name) => name.endsWith(".tir"))
  .map((name) => [name, readFileSync(new URL(name, examples), "utf8")] as const);

/** The syntax tree without the places, as text. */
function treeOf(text: string): string {
  const { file, diagnostics } = parseSyntax({ name: "test.tir", text });
  expect(diagnostics).toEqual([]);
  return JSON.stringify(file, (key, value) => (/span/i.test(key) ? undefined : value));
}

function commentsOf(text: string): string[] {
  return text.match(/\/\/.*|\/\*[\s\S]*?\*\//g)?.map((comment) => comment.trimEnd()) ?? [];
}

/** A function of `x`, `g` and `m` with these lines for its body. */
function program(...lines: readonly string[]): string {
  return ["fn f(x: f32[rows, 768], g: f32[768]) -> f32[rows, 768] {", ...lines, "}", ""].join("\n");
}

const untidy = `// top

/* a
   b */ fn f ( x :f32[ rows,768 ], /* why */ g: f32[768] // last
 )->f32[rows,768]{ // open

  // first


  let y=((x+ - 1))*(2-( x ))   // trail
  let (a)=gelu((x) ,approximate="tanh") kernel { // k
  let z = - - y + !( a<b&&c ) // z

  // end of kernel
  } let w = x + // inside
    y /* b */ * 3
   return (w), (((x))), [ -1,2 ] /* end */
   // last

}
fn g(x:f32)->(y:f32){return where((a) == b, c, (d))}
// eof`;

const tidy = `// top

/* a
   b */
fn f(x: f32[rows, 768], /* why */ g: f32[768] // last
     )
    -> f32[rows, 768] { // open
  // first

  let y = (x + -1) * (2 - (x)) // trail
  let (a) = gelu(x, approximate = "tanh")
  kernel { // k
    let z = --y + !(a < b && c) // z

    // end of kernel
  }
  let w = x + // inside
      y /* b */ * 3
  return w, x, [-1, 2] /* end */
  // last
}

fn g(x: f32) -> (y: f32) {
  return where((a) == b, c, d)
}

// eof
`;

test.each(exampleTexts)("%s is laid out already", (_, text) => {
  expect(format(text)).toBe(text);
});

test("an untidy program is laid out", () => {
  expect(format(untidy)).toBe(tidy);
});

describe("lines that are too long", () => {
  test("an expression is broken before operators and after commas, where brackets are least deep", () => {
    const norm = "layernorm(x * x, g, axes = [-1], eps = 1)";
    expect(format(program(`let y = ${norm} + ${norm} - ${norm}`, "return y"))).toBe(
      program(`  let y = ${norm} + ${norm}`, `      - ${norm}`, "  return y"),
    );
    const long = "a".repeat(60);
    expect(format(program(`return where(x < ${long}, ${long}, 1)`))).toBe(
      program(`  return where(x < ${long},`, `      ${long}, 1)`),
    );
  });

  test("parameters are aligned, and the results follow on a line of their own where they do not fit", () => {
    const header =
      "fn block(stream: f32[rows, 768], gamma: f32[768], beta: f32[768], bias: f32[768], layer_scale: f32[768])";
    expect(format(`${header} -> (y: f32[rows, 768], stream: f32[rows, 768]) { return y, y }`)).toBe(
      [
        "fn block(stream: f32[rows, 768], gamma: f32[768], beta: f32[768], bias: f32[768],",
        "         layer_scale: f32[768]) -> (y: f32[rows, 768], stream: f32[rows, 768]) {",
        "  return y, y",
        "}",
        "",
      ].join("\n"),
    );
  });

  test("lines that the author made of the parameters stay if they fit", () => {
    const [, bert] = exampleTexts.find(([name]) => name === "bert-output.tir") as readonly [string, string];
    expect(bert.split("\n")[2]).toMatch(/^ +gamma/);
    expect(format(bert)).toBe(bert);
  });

  test("no line is longer than 100 columns where it could be broken", () => {
    const sum = Array.from({ length: 200 }, (_, i) => `gelu(x, approximate = "tanh") * ${i}`).join(" + ");
    const lines = format(program(`return ${sum}`)).split("\n");
    expect(lines.length).toBeGreaterThan(60);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(100);
  });
});

test("parentheses that hold something together stay", () => {
  const body = ["  let a = (x + 1) * (x * 2)", "  let b = -(x) + (x - (x - 1))", "  return a * (b)"];
  expect(format(program(...body))).toBe(program(...body));
});

test("blank lines: one where there were any, one after each function, none at the ends of a body", () => {
  const text = "fn f(x: f32) -> f32 {\n\n\n  let a = x\n\n\n\n  return a\n\n}fn g(x: f32) -> f32 { return x }\n\n\n";
  const wanted = "fn f(x: f32) -> f32 {\n  let a = x\n\n  return a\n}\n\nfn g(x: f32) -> f32 {\n  return x\n}\n";
  expect(format(text)).toBe(wanted);
});

test("a comment right after a `*` is one", () => {
  expect(format("fn f(x: f32) -> f32 {\n  return x */* two */2 *// three\n3\n}\n")).toBe(
    "fn f(x: f32) -> f32 {\n  return x * /* two */ 2 * // three\n      3\n}\n",
  );
});

test("line breaks of Windows and a byte order mark are not kept", () => {
  const text = program("  // why", "  return x /* a", "  b */");
  expect(format(`\uFEFF${text.replaceAll("\n", "\r\n")}`)).toBe(text);
});

test("a text with errors is refused, with the places of the text as it is", () => {
  expect(() => format("fn f(x: f32) -> f32 {\r\n  return x +\r\n}")).toThrow(
    expect.objectContaining({
      diagnostics: [expect.objectContaining({ span: expect.objectContaining({ start: 37 }) })],
    }),
  );
  expect(diagnosticsOf(() => format(""))).toHaveLength(1);
});

/** Statements as people write them, joined in every order of a few. */
const statements = [
  "let a = x+1// one",
  "let b:f32[rows,768]=(x*2)",
  "/* own line */\nlet c = -x\n\n\n",
  "kernel{let d=gelu(x)\n// inside\n}",
  "let (e)=softmax(x,axes=[-1])/* behind */",
  "let h = where((x<1)||!(x>=2)&&(x==3),((x)),-(-x))",
  "let i = x +\n // between\n\n x /* b\n c */ % 2",
  `let j = ${"x + ".repeat(40)} gelu(${"gelu(".repeat(20)}x${")".repeat(21)}`,
  "let k = clamp(x,lo=-1,hi=inf)",
];
const mixes = statements.flatMap((one, i) => statements.slice(i).map((two) => program(one, two, "return(x)//end")));

describe.each([["untidy", untidy] as const, ["none", program("return x")] as const, ...exampleTexts])(
  "%s",
  (_, text) => {
    test("formatting keeps the tree and the comments, and twice is once", () => {
      const once = format(text);
      expect(treeOf(once)).toBe(treeOf(text));
      expect(commentsOf(once)).toEqual(commentsOf(text));
      expect(format(once)).toBe(once);
    });
  },
);

test("formatting keeps the tree and the comments of every mix of statements, and twice is once", () => {
  for (const text of mixes) {
    const once = format(text);
    expect(treeOf(once)).toBe(treeOf(text));
    expect(commentsOf(once)).toEqual(commentsOf(text));
    expect(format(once)).toBe(once);
  }
});

test("many statements are laid out in linear work", () => {
  const textOf = (count: number) =>
    program(...Array.from({ length: count }, (_, i) => `  let v${i} = x * ${i} + x // ${i}`), `  return v${count - 1}`);
  expect(format(textOf(2000))).toBe(textOf(2000));
  expectLinear(100, textOf, format);
});

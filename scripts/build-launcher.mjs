/**
 * Writes the launcher's text, which standalone modules include: src/launch/text-ts.ts has it in TypeScript, and
 * src/launch/text-js.ts in minified JavaScript. The files of src/launch are concatenated, which is possible because
 * they import only each other and no two names are the same.
 */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { transformSync } from "esbuild";
import { writeMade } from "./write-made.mjs";

const folder = new URL("../src/launch/", import.meta.url);
/** Dependencies come first. */
const files = [
  ...[
    "compact",
    "types",
    "choose",
    "counts",
    "problems",
    "explain",
    "tensors",
    "scalars",
    "integers",
    "entries",
    "constants",
    "bound",
    "launcher",
  ],
  ...["launch", "read-back", "slots", "prepared", "callable"],
];
/** Files that plans need in addition. */
const filesOfPlans = ["plan-manifest", "products", "overlap", "bound-plan", "plan", "callable-plan"];

const imports = /^import\b[^;]*;\n/gm;
/** Comments that callers never see. */
const comments = /^ *(?:\/\*\*[\s\S]*?\*\/|\/\/.*)\n/gm;
const seen = ["compact", "types", "callable"];

function textOf(name) {
  const text = readFileSync(new URL(`${name}.ts`, folder), "utf8");
  const own = text.replace(imports, "").replace(/^export (?!\{)/gm, "");
  return own.replace(seen.includes(name) ? /^\/\*\*[\s\S]*?\*\/\n/ : comments, "").trim();
}

/** The launcher's names that the files of plans use. */
function namesForPlans() {
  const names = filesOfPlans.flatMap((file) => {
    const text = readFileSync(new URL(`${file}.ts`, folder), "utf8");
    const imports = [...text.matchAll(/^import \{([^}]*)\} from "\.\/([^"]*)\.ts"/gm)];
    return imports.flatMap(([, list, from]) => (filesOfPlans.includes(from) ? [] : list.split(",")));
  });
  return [...new Set(names.flatMap((name) => (/^\s*(type\b|$)/.test(name) ? [] : [name.trim()])))];
}

/** The text that a module also needs if one of its functions has several kernels. */
function planTexts() {
  const typescript = `${filesOfPlans.map(textOf).join("\n")}\n`;
  const { code } = transformSync(`${typescript}export { plan };\n`, {
    ...{ loader: "ts", target: "es2022", format: "iife", globalName: "plans", minify: true },
  });
  return {
    ts: typescript,
    js: `const { ${namesForPlans().join(", ")} } = launcher;\n${code}const { plan } = plans;\n`,
  };
}

function launcherTexts() {
  const parts = files.map(textOf);
  const title = "// The launcher of tirc, as `tirc/launch` has it.\n";
  const typescript = `${parts.join("\n")}\n`;
  const { code } = transformSync(
    `${typescript}export { constantsOf, entryFor, explain, integersOf, kernel, prepare, writeScalar, ${namesForPlans().join(", ")} };\n`,
    {
      ...{
        loader: "ts",
        target: "es2022",
        format: "iife",
        globalName: "launcher",
        minify: true,
        legalComments: "none",
      },
    },
  );
  return {
    ts: `${title}${typescript}`,
    js: `${title}${code}const { constantsOf, entryFor, explain, integersOf, kernel, prepare, writeScalar } = launcher;\n`,
  };
}

/** Writes the two files if they are out of date. */
export function buildLauncher() {
  const plans = planTexts();
  for (const [language, text] of Object.entries(launcherTexts())) {
    const content = `// Made from the other files of this folder by scripts/build-launcher.mjs. Do not edit.

/** The launcher's text. */
export const launcherText: string = ${JSON.stringify(text)};

/** Names that modules with plans need in addition. */
export const planText: string = ${JSON.stringify(plans[language])};
`;
    writeMade(new URL(`text-${language}.ts`, folder), content);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) buildLauncher();

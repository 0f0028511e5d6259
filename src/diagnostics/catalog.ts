/**
 * All diagnostics with their pages, by family, as shown by `tirc explain` and docs/diagnostics.
 *
 * Each code is defined once, in an area: its page, followed by the functions that word its messages. As with rustc's
 * `error_codes!`, a code without a page does not compile, and pages are not part of the compiler: they are separate constants,
 * which bundlers drop unless the catalog is imported. Elm, too, keeps a message next to its hint.
 */

import { area, type CodedPage } from "./area.ts";
import * as archives from "./areas/archives.ts";
import * as calls from "./areas/calls.ts";
import * as checkpoints from "./areas/checkpoints.ts";
import * as command from "./areas/command.ts";
import * as comparison from "./areas/comparison.ts";
import * as consts from "./areas/consts.ts";
import * as devices from "./areas/devices.ts";
import * as elements from "./areas/elements.ts";
import * as extern from "./areas/extern.ts";
import * as files from "./areas/files.ts";
import * as gradients from "./areas/gradients.ts";
import * as inputs from "./areas/inputs.ts";
import * as kernels from "./areas/kernels.ts";
import * as lexical from "./areas/lexical.ts";
import * as library from "./areas/library.ts";
import * as linear from "./areas/linear.ts";
import * as norms from "./areas/norms.ts";
import * as onnx from "./areas/onnx.ts";
import * as paths from "./areas/paths.ts";
import * as pipelines from "./areas/pipelines.ts";
import * as plugins from "./areas/plugins.ts";
import * as rewrites from "./areas/rewrites.ts";
import * as shapes from "./areas/shapes.ts";
import * as statements from "./areas/statements.ts";
import * as surgery from "./areas/surgery.ts";
import * as syntax from "./areas/syntax.ts";
import * as targets from "./areas/targets.ts";
import * as values from "./areas/values.ts";
import * as verifier from "./areas/verifier.ts";
import type { Page } from "./page.ts";

export type { Page };

/** Diagnostics that are about one thing, in the order of their codes. */
export interface Family {
  /** The name of its page in docs/diagnostics. */
  readonly name: string;
  readonly title: string;
  /** The subject of its diagnostics. */
  readonly about: string;
  readonly pages: ReadonlyMap<string, Page>;
}

const byCode = (pages: readonly CodedPage[]): ReadonlyMap<string, Page> =>
  new Map(pages.toSorted(([a], [b]) => (a < b ? -1 : 1)));

const family = (name: string, title: string, about: string, ...areas: (readonly CodedPage[])[]): Family => ({
  ...{ name, title, about },
  pages: byCode(areas.flat()),
});

/** All families, in the order of the stages of compilation. */
export const families: readonly Family[] = [
  family(
    "syntax",
    "Syntax",
    "Characters, brackets, statements: what the parser expects, and what it found instead.",
    ...[area(lexical), area(syntax), area(statements)],
  ),
  family(
    "types",
    "Names, types and shapes",
    "Names that are not defined, arguments that an op does not take, element types and shapes that do not agree.",
    ...[area(calls), area(elements), area(shapes), area(values), area(linear), area(extern)],
  ),
  family(
    "norms",
    "Norms and centerings",
    "What passes did to the norms of a program, and why they left one as it was.",
    ...[area(rewrites), area(norms)],
  ),
  family(
    "passes",
    "Pipelines and passes",
    "Pipelines that cannot be read, and passes that failed. The verifier (E04xx) runs after every pass: what it finds is a mistake in the pass that ran last, or in code that builds IR with the library, and not in the program.",
    ...[area(pipelines), area(verifier)],
  ),
  family("gradients", "Gradients", "What cannot be differentiated, and what a gradient saves.", area(gradients)),
  family(
    "kernels",
    "Kernels and targets",
    "Why a function does not become one kernel, and target profiles that cannot be read.",
    ...[area(kernels), area(targets)],
  ),
  family(
    "running",
    "Running kernels",
    "Inputs that do not fit a kernel, and devices that lack something or fail.",
    ...[area(inputs), area(devices)],
  ),
  family(
    "data",
    "Constants, files and comparisons",
    "Constant tensors, files of tensors, and results that differ from the reference.",
    ...[area(consts), area(files), area(comparison)],
  ),
  family(
    "models",
    "Models",
    "ONNX models, archives of `torch.export` and checkpoints of Hugging Face: reading them, and writing them back.",
    ...[area(onnx), area(surgery), area(archives), area(checkpoints)],
  ),
  family(
    "command",
    "The command, the library and plugins",
    "Command lines and options that cannot be used, functions of the package that are called with other things than they take, and plugins that cannot be loaded.",
    ...[area(command), area(paths), area(plugins), area(library)],
  ),
];

/** All pages by code, such as `E0203`, in the order of the codes. */
export const catalog: ReadonlyMap<string, Page> = new Map(
  families.flatMap(({ pages }) => [...pages]).toSorted(([a], [b]) => (a < b ? -1 : 1)),
);

/**
 * The page of a code, in any letter case, as text; `undefined` if no diagnostic has the code.
 * @param pages the compiler's pages and those of plugins.
 */
export function explain(code: string, pages: ReadonlyMap<string, Page> = catalog): string | undefined {
  const page = pages.get(code.toUpperCase());
  if (page === undefined) return undefined;
  const indented = (text: string) => text.replace(/^(?=.)/gm, "    ");
  const { title, explanation, wrong, fix } = page;
  return [
    `${code.toUpperCase()}: ${title}`,
    explanation,
    `For example:\n\n${indented(wrong)}`,
    `Instead:\n\n${indented(fix)}`,
  ].join("\n\n");
}

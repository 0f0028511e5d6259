/**
 * Pipelines as text: `canonicalize,eliminate-centering{mode=exact},fixpoint(cse,dce)`. What is read prints as the text
 * that reads back as the same; options at their defaults are left out.
 */

import { builtinPasses, defaultPipeline } from "../../passes/index.ts";
import { fail, type Source, type Span } from "../diagnostics/diagnostic.ts";
import { passErrors } from "../diagnostics/errors-passes.ts";
import type { OptionDef, OptionValue, Pass } from "../pass/define-pass.ts";

export type Options = Readonly<Record<string, OptionValue>>;

/** A pass with all its options, or passes that run until nothing changes. */
export type Step =
  | { readonly kind: "pass"; readonly pass: Pass; readonly options: Options }
  | { readonly kind: "fixpoint"; readonly steps: readonly Step[] };

/** Names that stand for a whole pipeline. */
export const namedPipelines: Readonly<Record<string, readonly string[]>> = {
  default: defaultPipeline,
  O0: ["fuse-elementwise"],
  O1: defaultPipeline,
};

export function printPipeline(steps: readonly Step[]): string {
  return steps.map(printStep).join(",");
}

export function printStep(step: Step): string {
  if (step.kind === "fixpoint") return `fixpoint(${printPipeline(step.steps)})`;
  const { pass, options } = step;
  const given = Object.entries(pass.options).filter(([name, def]) => options[name] !== def.default);
  return withOptions(
    pass.name,
    given.map(([name]) => [name, options[name]]),
  );
}

function withOptions(name: string, options: readonly (readonly [string, unknown])[]): string {
  return options.length === 0 ? name : `${name}{${options.map(([key, value]) => `${key}=${value}`).join(",")}}`;
}

/** A pass with options, those left out at their defaults. @throws TircError E0302 or E0303. */
export function stepOf(pass: Pass, given: Options = {}): Step {
  const text = withOptions(pass.name, Object.entries(given));
  const all = { source: { name: "<pipeline>", text }, start: 0, end: text.length };
  for (const name of Object.keys(given)) {
    if (Object.hasOwn(pass.options, name)) continue;
    fail(passErrors.unknownOption(all, pass.name, name, Object.keys(pass.options)));
  }
  const options = Object.entries(pass.options).map(([name, def]) => {
    const value = Object.hasOwn(given, name) ? given[name] : def.default;
    return [name, readOption(`\`${name}\` of \`${pass.name}\``, def, String(value), all)] as const;
  });
  return { kind: "pass", pass, options: Object.fromEntries(options) };
}

function readOption(what: string, def: OptionDef, text: string, span: Span): OptionValue {
  switch (def.type) {
    case "choice": {
      if (def.choices.includes(text)) return text;
      const expected = def.choices.map((choice) => `\`${choice}\``).join(" or ");
      return fail(passErrors.badOption(span, what, text, expected, def.choices));
    }
    case "boolean":
      if (text === "true" || text === "false") return text === "true";
      return fail(passErrors.badOption(span, what, text, "`true` or `false`", ["true", "false"]));
    case "integer":
      if (/^-?\d{1,15}$/.test(text)) return Number(text);
      return fail(passErrors.badOption(span, what, text, "a whole number", []));
    default:
      return def satisfies never;
  }
}

/** The pipeline that a text says. @throws TircError E0301 to E0304, with the place in the text. */
export function parsePipeline(
  text: string,
  registry: readonly Pass[] = builtinPasses,
  name = "<pipeline>",
): readonly Step[] {
  return new PipelineParser({ name, text }, registry).parse();
}

const deepest = 20;

class PipelineParser {
  private at = 0;
  private depth = 0;
  private readonly source: Source;
  private readonly registry: readonly Pass[];

  constructor(source: Source, registry: readonly Pass[]) {
    this.source = source;
    this.registry = registry;
  }

  parse(): readonly Step[] {
    this.skipSpace();
    const steps = this.at === this.source.text.length ? [] : this.steps();
    if (this.at < this.source.text.length) this.expected("`,` or the end of the pipeline");
    return steps;
  }

  private steps(): Step[] {
    const steps = this.step();
    while (this.take(",")) steps.push(...this.step());
    return steps;
  }

  private step(): Step[] {
    const { text: name, span } = this.word("the name of a pass");
    if (name === "fixpoint" && this.take("(")) {
      if (++this.depth > deepest) fail(passErrors.pipelineDepth(span, deepest));
      const steps = this.steps();
      this.depth--;
      if (!this.take(")")) this.expected("`,` or `)`");
      return [{ kind: "fixpoint", steps }];
    }
    const known = this.registry.find((pass) => pass.name === name);
    if (known !== undefined) return [this.withOptions(known)];
    const named = Object.hasOwn(namedPipelines, name) ? namedPipelines[name] : undefined;
    if (named !== undefined) return [...parsePipeline(named.join(","), this.registry)];
    const names = new Set([...this.registry.map((pass) => pass.name), ...Object.keys(namedPipelines)]);
    return fail(passErrors.unknownPass(span, name, [...names]));
  }

  private withOptions(pass: Pass): Step {
    const given = new Map<string, { value: OptionValue; span: Span }>();
    if (this.take("{") && !this.take("}")) {
      do {
        const { text: name, span } = this.word("the name of an option");
        const def = Object.hasOwn(pass.options, name) ? pass.options[name] : undefined;
        if (def === undefined) fail(passErrors.unknownOption(span, pass.name, name, Object.keys(pass.options)));
        if (!this.take("=")) this.expected("`=`");
        const value = this.word("a value");
        const first = given.get(name);
        if (first !== undefined) fail(passErrors.optionTwice(span, pass.name, name, first.span));
        given.set(name, { value: readOption(`\`${name}\` of \`${pass.name}\``, def, value.text, value.span), span });
      } while (this.take(","));
      if (!this.take("}")) this.expected("`,` or `}`");
    }
    return stepOf(pass, Object.fromEntries([...given].map(([name, { value }]) => [name, value])));
  }

  private skipSpace(): void {
    while (/\s/.test(this.source.text[this.at] ?? "")) this.at++;
  }

  private take(symbol: string): boolean {
    this.skipSpace();
    if (this.source.text[this.at] !== symbol) return false;
    this.at++;
    this.skipSpace();
    return true;
  }

  private word(what: string): { text: string; span: Span } {
    this.skipSpace();
    const start = this.at;
    while (/[\w.+-]/.test(this.source.text[this.at] ?? "")) this.at++;
    if (start === this.at) this.expected(what);
    const span = { source: this.source, start, end: this.at };
    return { text: this.source.text.slice(start, this.at), span };
  }

  private expected(what: string): never {
    const found = this.source.text[this.at];
    const span = { source: this.source, start: this.at, end: Math.min(this.at + 1, this.source.text.length) };
    return fail(passErrors.pipelineSyntax(span, what, found === undefined ? "the end" : `\`${found}\``));
  }
}

const header = "// tirc-pipeline:";

/** The pipeline that the first lines of a `.tir` text carry, as reproducers do. */
export function headerPipeline(text: string): string | undefined {
  for (const line of text.split("\n", 20)) {
    if (line.startsWith(header)) return line.slice(header.length).trim();
    if (line.trim() !== "" && !line.startsWith("//")) return undefined;
  }
  return undefined;
}

/** A `.tir` text that carries its pipeline: `tirc compile` runs that one. */
export function withHeader(pipeline: string, note: string, text: string): string {
  return `${header} ${pipeline}\n// ${note.replaceAll("\n", "\n// ")}\n${text}`;
}

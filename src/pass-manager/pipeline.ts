/**
 * Pipelines as text: `canonicalize,eliminate-centering{mode=exact},fixpoint(cse,dce)`. A parsed pipeline prints as text
 * that parses to the same pipeline. Options with their default values are omitted.
 */

import * as passMessages from "../diagnostics/areas/pipelines.ts";
import { anObject, aString, checkArgument, isRecord, listOf } from "../diagnostics/arguments.ts";
import { type Diagnostic, fail, type Source, type Span, TircError } from "../diagnostics/diagnostic.ts";
import type { OptionDef, OptionDefs, OptionValue, Pass, PassRegistry } from "../pass/define-pass.ts";

/** The values of a pass's options, by name. */
export type Options = Readonly<Record<string, OptionValue>>;

/** A pass with all its options, or passes that run until nothing changes. */
export type Step =
  | { readonly kind: "pass"; readonly pass: Pass; readonly options: Options }
  | {
      readonly kind: "fixpoint";
      readonly steps: readonly Step[];
      /** The most rounds. */
      readonly limit: number;
    };

const fixpointOptions = {
  limit: { type: "integer", default: 100, summary: "rounds at most" },
} as const satisfies OptionDefs;

/** The text that `parsePipeline` parses to these steps. */
export function printPipeline(steps: readonly Step[]): string {
  checkArgument("the first argument", "printPipeline", steps, {
    ...listOf("steps", anObject),
    help: () => ["`parsePipeline(text, registry)` returns the steps of a pipeline"],
  });
  return steps.map(printStep).join(",");
}

export function printStep(step: Step): string {
  if (step.kind === "fixpoint") {
    const limit = step.limit === fixpointOptions.limit.default ? [] : [["limit", step.limit] as const];
    return `${withOptions("fixpoint", limit)}(${printPipeline(step.steps)})`;
  }
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

/** A pass with options, with defaults for omitted ones. @throws TircError E0302 or E0303. */
export function stepOf(pass: Pass, given: Options = {}): Step {
  const text = withOptions(pass.name, Object.entries(given));
  const all = { source: { name: "<pipeline>", text }, start: 0, end: text.length };
  for (const name of Object.keys(given)) {
    if (Object.hasOwn(pass.options, name)) continue;
    fail(passMessages.unknownOption(all, pass.name, name, Object.keys(pass.options)));
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
      return fail(passMessages.badOption(span, what, text, expected, def.choices));
    }
    case "boolean":
      if (text === "true" || text === "false") return text === "true";
      return fail(passMessages.badOption(span, what, text, "`true` or `false`", ["true", "false"]));
    case "integer": {
      const least = def === fixpointOptions.limit ? 1 : -Infinity;
      if (/^-?\d{1,15}$/.test(text) && Number(text) >= least) return Number(text);
      return fail(passMessages.badOption(span, what, text, `a whole number${least === 1 ? " above 0" : ""}`, []));
    }
    case "numbers":
      if (/^(none|\d{1,9}(\+\d{1,9})*)$/.test(text)) return text;
      return fail(passMessages.badOption(span, what, text, "whole numbers with `+` between them, or `none`", ["none"]));
    case "names":
      if (/^[A-Za-z_]\w*(\+[A-Za-z_]\w*)*$/.test(text)) return text;
      return fail(
        passMessages.badOption(span, what, text, "names with `+` between them, `all` or `none`", ["all", "none"]),
      );
    default:
      return def satisfies never;
  }
}

/** The steps, with these options replaced for every pass of this name. */
export function withPassOptions(steps: readonly Step[], name: string, options: Options): Step[] {
  return steps.map((step) => {
    if (step.kind === "fixpoint") return { ...step, steps: withPassOptions(step.steps, name, options) };
    return step.pass.name === name ? stepOf(step.pass, { ...step.options, ...options }) : step;
  });
}

export function hasPass(steps: readonly Step[], name: string): boolean {
  return steps.some((step) => (step.kind === "fixpoint" ? hasPass(step.steps, name) : step.pass.name === name));
}

/** The steps without the passes of these names, and without groups that become empty. */
export function withoutPasses(steps: readonly Step[], names: readonly string[]): Step[] {
  return steps.flatMap((step): Step[] => {
    if (step.kind === "pass") return names.includes(step.pass.name) ? [] : [step];
    const inner = withoutPasses(step.steps, names);
    return inner.length === 0 ? [] : [{ ...step, steps: inner }];
  });
}

/**
 * Parses a pipeline.
 * @throws TircError with all E0301 to E0303 in the text, or up to the first E0304.
 */
export function parsePipeline(text: string, registry: PassRegistry, name = "<pipeline>"): readonly Step[] {
  checkArgument("the first argument", "parsePipeline", text, { ...aString, what: "a pipeline as text" });
  checkArgument("the second argument", "parsePipeline", registry, {
    what: "the passes that the pipeline may name",
    holds: (value) => isRecord(value) && Array.isArray(value.passes),
    help: () => ["`builtins` has those of the compiler"],
  });
  return pipelineAt({ source: { name, text }, start: 0, end: text.length }, registry);
}

/** Parses a pipeline at a span of a larger text. @throws TircError as `parsePipeline` does. */
export function pipelineAt(span: Span, registry: PassRegistry): readonly Step[] {
  return new PipelineParser(span, registry).parse();
}

const deepest = 20;

class PipelineParser {
  private at: number;
  private readonly end: number;
  private depth = 0;
  private readonly source: Source;
  private readonly registry: PassRegistry;
  private readonly found: Diagnostic[] = [];

  constructor({ source, start, end }: Span, registry: PassRegistry) {
    this.source = source;
    this.at = start;
    this.end = end;
    this.registry = registry;
  }

  /** The current character; empty at the end. */
  private get char(): string {
    return this.at < this.end ? (this.source.text[this.at] as string) : "";
  }

  parse(): readonly Step[] {
    this.skipSpace();
    const steps = this.at === this.end ? [] : this.steps();
    if (this.at < this.end) this.expected("`,` or the end of the pipeline");
    if (this.found.length > 0) fail(...this.found);
    return steps;
  }

  private steps(): Step[] {
    const steps = this.step();
    while (this.take(",")) steps.push(...this.step());
    return steps;
  }

  private step(): Step[] {
    const { text: name, span } = this.word("the name of a pass");
    if (name === "fixpoint") return this.fixpoint(span);
    const { passes, pipelines } = this.registry;
    const known = passes.find((pass) => pass.name === name);
    if (known !== undefined) return [stepOf(known, this.options(known.name, known.options))];
    const named = Object.hasOwn(pipelines, name) ? pipelines[name] : undefined;
    if (named === undefined) {
      const names = new Set([...passes.map((pass) => pass.name), ...Object.keys(pipelines)]);
      this.found.push(passMessages.unknownPass(span, name, [...names]));
    }
    this.options(name, named && {});
    return named === undefined ? [] : [...parsePipeline(named.join(","), this.registry)];
  }

  private fixpoint(span: Span): Step[] {
    const { limit = fixpointOptions.limit.default } = this.options("fixpoint", fixpointOptions);
    if (!this.take("(")) this.expected("`(`");
    if (++this.depth > deepest) fail(...this.found, passMessages.pipelineDepth(span, deepest));
    const steps = this.steps();
    this.depth--;
    if (!this.take(")")) this.expected("`,` or `)`");
    return [{ kind: "fixpoint", steps, limit: Number(limit) }];
  }

  /** The options in braces, if there are any; not checked if `defs` is missing. */
  private options(owner: string, defs: OptionDefs | undefined): Options {
    const first = new Map<string, Span>();
    const given: Record<string, OptionValue> = {};
    if (!this.take("{") || this.take("}")) return given;
    do {
      const { text: name, span } = this.word("the name of an option");
      if (!this.take("=")) this.expected("`=`");
      const value = this.word("a value");
      if (defs === undefined) continue;
      const def = Object.hasOwn(defs, name) ? defs[name] : undefined;
      const before = first.get(name);
      if (def === undefined) this.found.push(passMessages.unknownOption(span, owner, name, Object.keys(defs)));
      else if (before !== undefined) this.found.push(passMessages.optionTwice(span, owner, name, before));
      else
        this.collect(() => {
          given[name] = readOption(`\`${name}\` of \`${owner}\``, def, value.text, value.span);
        });
      first.set(name, before ?? span);
    } while (this.take(","));
    if (!this.take("}")) this.expected("`,` or `}`");
    return given;
  }

  private collect(read: () => void): void {
    try {
      read();
    } catch (caught) {
      if (!(caught instanceof TircError)) throw caught;
      this.found.push(...caught.diagnostics);
    }
  }

  private skipSpace(): void {
    while (/\s/.test(this.char)) this.at++;
  }

  private take(symbol: string): boolean {
    this.skipSpace();
    if (this.char !== symbol) return false;
    this.at++;
    this.skipSpace();
    return true;
  }

  private word(what: string): { text: string; span: Span } {
    this.skipSpace();
    const start = this.at;
    while (/[\w.+-]/.test(this.char)) this.at++;
    if (start === this.at) this.expected(what);
    const span = { source: this.source, start, end: this.at };
    return { text: this.source.text.slice(start, this.at), span };
  }

  private expected(what: string): never {
    const span = { source: this.source, start: this.at, end: Math.min(this.at + 1, this.end) };
    const got = this.char === "" ? "the end" : `\`${this.char}\``;
    return fail(...this.found, passMessages.pipelineSyntax(span, what, got));
  }
}

const header = "// tirc-pipeline:";

/** The span of the pipeline in the first lines of a `.tir` text, as in reproducers. */
export function headerPipeline(source: Source): Span | undefined {
  let start = 0;
  for (const line of source.text.split("\n", 20)) {
    if (line.startsWith(header)) {
      const from = start + header.length;
      return { source, start: from, end: from + line.slice(header.length).trimEnd().length };
    }
    if (line.trim() !== "" && !line.startsWith("//")) return undefined;
    start += line.length + 1;
  }
  return undefined;
}

/** A `.tir` text with a pipeline in its header, which `tirc compile` runs. */
export function withHeader(pipeline: string, note: string, text: string): string {
  return `${header} ${pipeline}\n// ${note.replaceAll("\n", "\n// ")}\n${text}`;
}

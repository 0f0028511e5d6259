/** Explains why a piece does not match the grammar, from the token at which the match stopped and its context. */

import * as statementErrors from "../diagnostics/areas/statements.ts";
import * as syntaxErrors from "../diagnostics/areas/syntax.ts";
import {
  type Diagnostic,
  type Help,
  insertedAfter,
  proposal,
  removed,
  replaced,
  type Source,
  type Span,
} from "../diagnostics/diagnostic.ts";
import { type Found, quoted } from "../diagnostics/wording.ts";
import { isOpName } from "../ir/ops/index.ts";
import { reservedWords } from "../ir/print.ts";
import { isElementType } from "../ir/types.ts";
import { closeOf, closerOf, isClosing, isOpening, openBrackets } from "./brackets.ts";
import { chainedComparison, comparisons } from "./explain-comparison.ts";
import type { Token } from "./scan.ts";
import { type PieceKind, spanOf } from "./split.ts";

interface FailedPiece {
  readonly source: Source;
  readonly kind: PieceKind;
  readonly tokens: readonly Token[];
  /** The token after the piece in the file. */
  readonly next: Token | undefined;
}

export function explainFailure(piece: FailedPiece, index: number): Diagnostic {
  const explainer = new Explainer(piece, index);
  if (piece.kind === "header") return explainer.header();
  if (piece.kind === "kernel") return syntaxErrors.missingOpenBrace(explainer.found, "`kernel`", explainer.last);
  const equals = piece.tokens.findIndex((token) => token.text === "=");
  const isBeforeValue = equals < 0 || index <= equals;
  if (piece.kind === "let" && isBeforeValue) return explainer.binding();
  if (piece.kind === "const" && isBeforeValue) return explainer.constant();
  return explainer.expression();
}

const nameIt = "use a name for an extent that varies: `rows`";
const wordOperators: ReadonlyMap<string, string> = new Map([
  ["and", "&&"],
  ["or", "||"],
  ["not", "!"],
  ["is", "=="],
  ["mod", "%"],
  ["if", "where(condition, a, b)"],
  ["as", "cast(x, to = f32)"],
]);

function isName(token: Token | undefined): boolean {
  return token?.kind === "name" && !reservedWords.has(token.text);
}

class Explainer {
  readonly found: Found;
  private readonly source: Source;
  private readonly tokens: readonly Token[];
  private readonly index: number;
  private readonly token: Token | undefined;
  private readonly before: Token;
  /** Indices of the brackets open where the match stopped, outermost first. */
  private readonly open: readonly number[];

  constructor({ source, tokens, next }: FailedPiece, index: number) {
    this.source = source;
    this.tokens = tokens;
    this.index = index;
    this.token = tokens[index];
    this.before = tokens[Math.max(0, index - 1)] as Token;
    this.open = openBrackets(tokens, index);
    this.found = this.describe(this.token ?? next);
  }

  private describe(token: Token | undefined): Found {
    const { source } = this;
    const end = (this.tokens.at(-1) as Token).end;
    if (token === undefined) return { span: { source, start: end, end }, what: "the end of the file" };
    return { span: spanOf(source, token), what: shown(source, token) };
  }

  private span(token: Token): Span {
    return spanOf(this.source, token);
  }

  /** The token before the one at which the match stopped. */
  get last(): Span {
    return this.span(this.before);
  }

  /** The blanks and comments between the previous token and this one. */
  private get gap(): Span {
    const start = this.before.end;
    return { source: this.source, start, end: Math.max(start, this.token?.start ?? start) };
  }

  private get opener(): Token | undefined {
    return this.tokens[this.open.at(-1) ?? -1];
  }

  /** Whether the innermost open bracket follows a name, as in a call or a shape. */
  private get isCall(): boolean {
    const open = this.open.at(-1) ?? 0;
    return isName(this.tokens[open - 1]);
  }

  private unclosed(opener: Token): Diagnostic {
    const close = closerOf.get(opener.text) as string;
    return syntaxErrors.unclosed(this.span(opener), opener.text, close, this.found, this.last);
  }

  /** The bracket error at this token, if there is one. */
  private bracket(): Diagnostic | undefined {
    const { token, opener, before } = this;
    const text = token?.text ?? "";
    const atEnd = token === undefined || text === "{" || text === "->";
    if (atEnd && opener !== undefined) return this.unclosed(opener);
    if (token === undefined || !isClosing(token)) return undefined;
    if (opener === undefined) return syntaxErrors.unopened(this.span(token), text);
    const wanted = closerOf.get(opener.text) as string;
    if (text !== wanted) return syntaxErrors.wrongClose(this.span(token), text, wanted, this.span(opener));
    return before.text === "," ? syntaxErrors.trailingComma(this.span(before), text) : undefined;
  }

  /** The error for a missing name of `what`. */
  private name(what: string): Diagnostic {
    const { token } = this;
    if (token !== undefined && reservedWords.has(token.text)) {
      return syntaxErrors.reservedName(this.span(token), token.text, `the name of ${what}`);
    }
    return syntaxErrors.missingName(this.found, what);
  }

  header(): Diagnostic {
    const { tokens, index, token, before, found } = this;
    if (index === 1) return this.name("a function");
    const arrow = tokens.findIndex(({ text }) => text === "->");
    const inResults = arrow >= 0 && index > arrow;
    if (this.opener?.text === "[") return this.dimension();
    if (this.open.length > 0) return this.typedName(inResults ? "a result" : "a parameter");
    if (index === 2) return syntaxErrors.expected(found, "`(` and the parameters", ["write `fn name(x: f32[rows])`"]);
    if (before.text === "->") {
      return token === undefined || token.text === "{" ? syntaxErrors.missingArrow(found) : this.type("the result");
    }
    if (inResults) return this.bracket() ?? syntaxErrors.missingOpenBrace(found, "the header of a function", this.last);
    const isType = token?.text === "(" || isElementType(token?.text ?? "");
    return this.bracket() ?? syntaxErrors.missingArrow(found, isType);
  }

  /** The error inside the parentheses of parameters or results. */
  private typedName(what: string): Diagnostic {
    const { tokens, index, token, before, found } = this;
    const isEmpty = before.text === "(" && token?.text === ")";
    if (isEmpty && what === "a result") return syntaxErrors.noResults(found.span);
    const bracket = this.bracket();
    if (bracket !== undefined) return bracket;
    const contract = this.contract();
    if (contract !== undefined) return contract;
    if (before.text === "(" || before.text === ",") return this.name(what);
    if (before.text === ":") return this.type(what);
    const followsName = ["(", ","].includes(tokens[index - 2]?.text ?? "");
    if (followsName && what === "a parameter")
      return syntaxErrors.parameterWithoutType(found, before.text, isElementType(before.text));
    if (token?.kind === "name") return syntaxErrors.missingComma(this.span(token), found.what, this.last);
    const isDefault = token?.text === "=";
    const isShape = ["[", "(", "<"].includes(token?.text ?? "");
    return syntaxErrors.expected(found, "`,` or `)`", [
      ...(isShape ? ["a shape is written in one pair of brackets: `f32[rows, 768]`"] : []),
      ...(isDefault ? ["a parameter has no default; declare a fixed number as a `const`"] : []),
    ]);
  }

  /** The error in the axes of a contract, if there is one. */
  private contract(): Diagnostic | undefined {
    const inContract = this.tokens[this.tokens.indexOf(this.opener as Token) - 1]?.text === "@centered";
    if (this.before.text !== "@centered" && !inContract) return undefined;
    const line = "write `@centered(-1)`: -1 is the last axis";
    const help = inContract ? line : proposal(line, insertedAfter(this.last, "(-1)"));
    return syntaxErrors.expected(this.found, "the axes in parentheses", [help]);
  }

  /** The error in a `const` before its `=`. */
  constant(): Diagnostic {
    if (this.index === 1) return this.name("a constant");
    if (this.opener?.text === "[") return this.dimension();
    const special = this.bracket() ?? this.contract();
    if (special !== undefined) return special;
    if (this.before.text === ":") return this.type("the constant");
    const name = (this.tokens[1] as Token).text;
    const wanted = this.index === 2 ? "`:` and the type" : "`=` and a value";
    const isTrained = this.token?.text === "@trained";
    const help = isTrained ? "a trained weight must be a parameter" : `write \`const ${name}: f32[2] = [1, 2]\``;
    return syntaxErrors.expected(this.found, wanted, [help]);
  }

  private type(what: string): Diagnostic {
    const { token } = this;
    if (token !== undefined && reservedWords.has(token.text)) {
      return syntaxErrors.reservedName(this.span(token), token.text, "a type");
    }
    return syntaxErrors.expected(this.found, `the type of ${what}`, ["types are written `f32`, `f32[rows, 768]`"]);
  }

  /** The error inside the brackets of a shape. */
  private dimension(): Diagnostic {
    const { token, before, found } = this;
    if (token === undefined || ["->", "{", ":", "="].includes(token.text)) return this.unclosed(this.opener as Token);
    if (token.text === "]" && before.text === "[") {
      const without = proposal("a scalar type has no brackets: `f32`", removed({ ...found.span, start: before.start }));
      return syntaxErrors.badDimension(found.span, "these brackets are empty", [without]);
    }
    const bracket = this.bracket();
    if (bracket !== undefined) return bracket;
    const wanted = before.text === "[" || before.text === ",";
    if (reservedWords.has(token.text)) {
      return syntaxErrors.reservedName(this.span(token), token.text, "the name of a dimension");
    }
    if (!wanted && token.kind !== "symbol") return syntaxErrors.missingComma(this.span(token), found.what, this.last);
    if (!wanted) return syntaxErrors.badDimension(found.span, "it cannot be computed from others", [nameIt]);
    if (token.text === "-") return syntaxErrors.badDimension(found.span, "it cannot be negative", [nameIt]);
    if (token.kind === "number")
      return syntaxErrors.badDimension(found.span, `${found.what} is not a whole number`, [nameIt]);
    return syntaxErrors.badDimension(found.span, `found ${found.what}`, [nameIt]);
  }

  /** The error in a `let` before its `=`. */
  binding(): Diagnostic {
    const { tokens, index, token, before, found } = this;
    if (this.opener?.text === "[") return this.dimension();
    const single = isName(tokens[1]) ? (tokens[1] as Token).text : "name";
    if (index === 1 || before.text === "(" || before.text === ",") return this.name("a value");
    if (before.text === ":") return this.type(`\`${(tokens[index - 2] as Token).text}\``);
    if (token?.text === "==") return statementErrors.comparesInLet(this.span(token), single);
    const bracket = this.bracket();
    if (bracket !== undefined) return bracket;
    if (this.open.length > 0 && token?.text === "=") return this.unclosed(this.opener as Token);
    if (this.open.length > 0) return syntaxErrors.expected(found, "`,` or `)`");
    if (token?.text === ",") {
      return syntaxErrors.expected(found, "`=`", ["several names go in parentheses: `let (a, b) = ...`"]);
    }
    if (token !== undefined && ["+", "-", "*", "/", "%"].includes(token.text)) return this.compound(single);
    return statementErrors.letWithoutValue(found, single);
  }

  private compound(name: string): Diagnostic {
    const operator = (this.token as Token).text;
    return syntaxErrors.expected(this.found, "`=`", [`write \`let next = ${name} ${operator} ...\``]);
  }

  expression(): Diagnostic {
    const { token, before, found } = this;
    const bracket = this.bracket();
    if (bracket !== undefined) return bracket;
    const isEmptyGroup = token?.text === ")" && before.text === "(";
    const endsOperand = before.kind === "symbol" ? isClosing(before) : !isStart(before);
    if (token === undefined || isEmptyGroup || !endsOperand) return this.operand();
    if (comparisons.has(token.text)) return chainedComparison(this.source, this.tokens, this.index);
    if (token.text === "=") return statementErrors.assignsInExpression(found.span, this.assignedIn());
    if (reservedWords.has(token.text) && !isLiteral(token)) return this.operatorWanted();
    if (token.kind === "symbol" && !["(", "[", "!"].includes(token.text)) return this.operatorWanted();
    return this.neighbours(token);
  }

  /** The error where a value was expected. */
  private operand(): Diagnostic {
    const { token, before, found } = this;
    const after = shown(this.source, before);
    if (token !== undefined && reservedWords.has(token.text)) {
      return syntaxErrors.reservedValue(this.span(token), token.text, after);
    }
    if (before.text === "return" && token === undefined) return syntaxErrors.returnsNothing(found);
    if (token?.text === "=" && comparisons.has(before.text)) {
      return syntaxErrors.missingExpression(found, after, [`\`${before.text}\` is a complete operator`]);
    }
    return syntaxErrors.missingExpression(found, after, token?.text === "+" ? ["there is no unary `+`"] : []);
  }

  /** The error after a complete expression that cannot be continued by this token. */
  private operatorWanted(): Diagnostic {
    const { token, found } = this;
    if (token?.text === "," && this.tokens[0]?.text === "return" && this.open.at(-1) === 1) {
      return syntaxErrors.expected(found, "`)`", [this.withoutParentheses()]);
    }
    if (token?.text === "," && this.opener?.text === "(") {
      return syntaxErrors.expected(found, "`)`", [
        "there are no tuples: parentheses only group, and a list for an attribute is written `[0, 1]`",
      ]);
    }
    if (token?.text === ",") return syntaxErrors.expected(found, "an operator or the next statement");
    const wanted = this.opener === undefined ? "the next statement" : `\`${closerOf.get(this.opener.text)}\``;
    return syntaxErrors.expected(found, `an operator or ${wanted}`);
  }

  /** What an `=` in an expression was probably meant for. */
  private assignedIn(): "call" | "results" | undefined {
    if (this.open.length > 0 && this.isCall) return "call";
    const { tokens } = this;
    const isNamed = tokens[0]?.text === "return" && tokens[1]?.text === "(" && this.open.at(-1) === 1;
    return isNamed && this.index === 3 ? "results" : undefined;
  }

  private withoutParentheses(): Help {
    const line = "several values are returned without parentheses: `return a, b`";
    const { tokens } = this;
    const close = closeOf(tokens, 1);
    const isAll = close === tokens.length - 1 && tokens[close]?.text === ")";
    return isAll ? proposal(line, ...[1, close].map((i) => removed(this.span(tokens[i] as Token)))) : line;
  }

  /** The error for two adjacent values. */
  private neighbours(token: Token): Diagnostic {
    const { found, before } = this;
    if (before.text === "if") return statementErrors.noControlFlow(this.span(before), "if");
    const word = wordOperators.has(token.text) ? token : before;
    const operator = wordOperators.get(word.text);
    if (operator !== undefined) return syntaxErrors.expected(found, "an operator", [this.operator(word, operator)]);
    const help =
      token.text === "["
        ? [
            "there is no indexing: write `slice(x, axis = -1, start = 0, end = 8)` for a range, or `gather` for indices in a tensor",
          ]
        : this.product(token);
    if (this.opener !== undefined && (this.isCall || this.opener.text === "[")) {
      // In a call, `2 x` is probably a product and `a b` two operands.
      const isProduct = before.kind === "number" || before.text === ")";
      const more = isProduct || token.text === "[" ? help : [];
      return syntaxErrors.missingComma(this.span(token), found.what, this.last, more);
    }
    const wanted = this.opener === undefined ? "the next statement" : "`)`";
    return syntaxErrors.expected(found, `an operator or ${wanted}`, help);
  }

  private operator(word: Token, operator: string): Help {
    const line = `write \`${operator}\``;
    const isCall = operator.includes("(");
    // `!` must come directly before its operand.
    const span = operator === "!" ? { ...this.span(word), end: this.gap.end } : this.span(word);
    return isCall ? line : proposal(line, replaced(span, operator));
  }

  /** Help for two adjacent values meant as a product, as in mathematical notation. */
  private product(token: Token): Help[] {
    const { source, tokens, index, before } = this;
    if (token.kind === "string" || before.kind === "string") return [];
    if (before.kind === "name" && isOpName(before.text)) {
      const line = `a call needs parentheses: \`${before.text}(${token.text === "(" ? "..." : token.text})\``;
      return [proposal(line, replaced(this.gap, "("), insertedAfter(this.span(token), ")"))];
    }
    const open = before.text === ")" ? (openBrackets(tokens, index - 1).at(-1) ?? index - 1) : index - 1;
    const start = before.text === ")" && isName(tokens[open - 1]) ? open - 1 : open;
    const end = token.text === "(" ? closeOf(tokens, index) : index;
    const text = (from: number, to: number) =>
      quoted(spanOf(source, tokens[from] as Token, tokens[to]), from === to ? undefined : "(...)");
    const line = `if a \`*\` is missing: \`${text(start, index - 1)} * ${text(index, end)}\``;
    return [proposal(line, replaced(this.gap, " * "))];
  }
}

/** Keywords and other words that cannot be values. */
function isStart(token: Token): boolean {
  return reservedWords.has(token.text) && !isLiteral(token);
}

function isLiteral(token: Token): boolean {
  return ["inf", "nan", "true", "false"].includes(token.text);
}

/** A token as written in the file, quoted; truncated if long. */
export function shown(source: Source, token: Token): string {
  const text = source.text.slice(token.start, token.end) || token.text;
  return `\`${text.length > 40 ? `${text.slice(0, 37)}...` : text}\``;
}

/** The error for the first wrong bracket in tokens whose brackets do not balance. */
export function explainBrackets(piece: FailedPiece): Diagnostic {
  const open: Token[] = [];
  for (const [i, token] of piece.tokens.entries()) {
    if (isOpening(token)) open.push(token);
    if (isClosing(token) && closerOf.get(open.pop()?.text ?? "") !== token.text)
      return new Explainer(piece, i).expression();
  }
  return new Explainer(piece, piece.tokens.length).expression();
}

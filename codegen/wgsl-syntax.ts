/**
 * Parses the subset of WGSL that kernels use into a tree. It follows the grammar of WGSL and is independent of print-wgsl.ts
 * (https://www.w3.org/TR/WGSL/#grammar).
 */

/** An expression of the text. */
export type Tree =
  | { readonly kind: "number"; readonly text: string }
  | { readonly kind: "name"; readonly name: string }
  | { readonly kind: "prefix"; readonly operator: string; readonly operand: Tree }
  | { readonly kind: "infix"; readonly operator: string; readonly left: Tree; readonly right: Tree }
  /** @param type of a conversion, as `vec4f` in `bitcast<vec4f>(x)`. */
  | { readonly kind: "call"; readonly name: string; readonly type: string; readonly args: readonly Tree[] }
  | { readonly kind: "member"; readonly of: Tree; readonly name: string }
  | { readonly kind: "element"; readonly of: Tree; readonly index: Tree };

/** A statement of the text. */
export type TreeStatement =
  | { readonly kind: "let" | "var"; readonly name: string; readonly type: string; readonly value: Tree | undefined }
  | { readonly kind: "assign"; readonly target: Tree; readonly operator: string; readonly value: Tree }
  | { readonly kind: "call"; readonly call: Tree }
  | { readonly kind: "return"; readonly value: Tree | undefined }
  | { readonly kind: "if"; readonly condition: Tree; readonly body: readonly TreeStatement[] }
  | { readonly kind: "block"; readonly body: readonly TreeStatement[] }
  | {
      readonly kind: "for";
      readonly first: TreeStatement;
      readonly condition: Tree;
      readonly next: TreeStatement;
      readonly body: readonly TreeStatement[];
    };

export interface TreeFunction {
  readonly name: string;
  readonly attributes: string;
  readonly parameters: readonly { readonly name: string; readonly type: string }[];
  readonly body: readonly TreeStatement[];
}

/** A variable at module scope: a buffer, or workgroup memory. */
export interface TreeVariable {
  readonly name: string;
  readonly attributes: string;
  /** Address space and access mode, as in `storage, read`. */
  readonly space: string;
  readonly type: string;
}

/** A module, without the functions that `isKnown` accepts. */
export interface TreeModule {
  readonly variables: readonly TreeVariable[];
  readonly enables: readonly string[];
  readonly overrides: readonly string[];
  readonly structs: ReadonlyMap<string, readonly { readonly name: string; readonly type: string }[]>;
  readonly functions: readonly TreeFunction[];
}

const tokenPattern =
  /\/\/[^\n]*|\s+|(0[xX][\da-fA-F]+[ui]?|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?[uifh]?|[A-Za-z_]\w*|&&|\|\||==|!=|<=|>=|->|\+\+|\+=|-=|\*=|\/=|[-+*/%&|^~!<>=(){}[\],;:.@])/gy;

function tokensOf(text: string): string[] {
  const tokens: string[] = [];
  let at = 0;
  tokenPattern.lastIndex = 0;
  for (let found = tokenPattern.exec(text); found !== null; found = tokenPattern.exec(text)) {
    at = tokenPattern.lastIndex;
    if (found[1] !== undefined) tokens.push(found[1]);
  }
  if (at < text.length) throw new Error(`\`${text.slice(at, at + 20)}\` does not start with a token`);
  return tokens;
}

const templated: ReadonlySet<string> = new Set(["vec2", "vec3", "vec4", "bitcast", "array", "atomic", "var"]);
const relations: ReadonlySet<string> = new Set(["==", "!=", "<", "<=", ">", ">="]);
const bitOperators: ReadonlySet<string> = new Set(["&", "|", "^"]);

/**
 * @param isKnown names functions whose bodies are skipped.
 * @throws Error if the text is outside of this subset of WGSL.
 */
export function readTree(text: string, isKnown: (name: string) => boolean): TreeModule {
  return new Reader(tokensOf(text)).module(isKnown);
}

class Reader {
  private readonly tokens: readonly string[];
  private at = 0;

  constructor(tokens: readonly string[]) {
    this.tokens = tokens;
  }

  private get next(): string {
    return this.tokens[this.at] ?? "";
  }

  private take(): string {
    return this.tokens[this.at++] ?? "";
  }

  private accept(token: string): boolean {
    if (this.next !== token) return false;
    this.at++;
    return true;
  }

  private expect(token: string): void {
    if (!this.accept(token)) throw new Error(`expected \`${token}\`, found \`${this.next}\``);
  }

  private list<T>(end: string, one: () => T): T[] {
    const all: T[] = [];
    while (!this.accept(end)) {
      all.push(one());
      if (!this.accept(",")) {
        this.expect(end);
        break;
      }
    }
    return all;
  }

  module(isKnown: (name: string) => boolean): TreeModule {
    const variables: TreeVariable[] = [];
    const enables: string[] = [];
    const overrides: string[] = [];
    const structs = new Map<string, readonly { name: string; type: string }[]>();
    const functions: TreeFunction[] = [];
    while (this.next !== "") {
      const attributes = this.attributes();
      const word = this.take();
      if (word === "enable") {
        enables.push(this.take());
        this.expect(";");
      } else if (word === "override") {
        overrides.push(this.take());
        this.expect(":");
        this.type();
        this.expect(";");
      } else if (word === "struct") {
        const name = this.take();
        this.expect("{");
        structs.set(
          name,
          this.list("}", () => this.typed()),
        );
      } else if (word === "var") {
        const space = this.accept("<") ? this.list(">", () => this.take()).join(", ") : "";
        variables.push({ attributes, space, ...this.typed() });
        this.expect(";");
      } else if (word === "fn") {
        const found = this.function(attributes, isKnown);
        if (found !== undefined) functions.push(found);
      } else throw new Error(`expected a declaration, found \`${word}\``);
    }
    return { variables, enables, overrides, structs, functions };
  }

  /** As text, without spaces. */
  private attributes(): string {
    let text = "";
    while (this.accept("@")) {
      text += `@${this.take()}`;
      if (this.accept("(")) text += `(${this.list(")", () => this.take()).join()})`;
    }
    return text;
  }

  private typed(): { name: string; type: string } {
    const name = this.take();
    this.expect(":");
    return { name, type: this.type() };
  }

  /** As text, without spaces. */
  private type(): string {
    const name = this.take();
    if (!templated.has(name) || !this.accept("<")) return name;
    return `${name}<${this.list(">", () => this.type()).join()}>`;
  }

  private function(attributes: string, isKnown: (name: string) => boolean): TreeFunction | undefined {
    const name = this.take();
    this.expect("(");
    const parameters = this.list(")", () => {
      this.attributes();
      return this.typed();
    });
    if (this.accept("->")) this.type();
    if (!isKnown(name)) return { name, attributes, parameters, body: this.block() };
    let depth = 0;
    do {
      const token = this.take();
      depth += token === "{" ? 1 : token === "}" ? -1 : 0;
      if (token === "") throw new Error(`\`${name}\` does not end`);
    } while (depth > 0);
    return undefined;
  }

  private block(): TreeStatement[] {
    this.expect("{");
    const all: TreeStatement[] = [];
    while (!this.accept("}")) all.push(this.statement());
    return all;
  }

  private statement(): TreeStatement {
    if (this.next === "{") return { kind: "block", body: this.block() };
    if (this.accept("if")) {
      this.expect("(");
      const condition = this.expression();
      this.expect(")");
      return { kind: "if", condition, body: this.block() };
    }
    if (this.accept("for")) {
      this.expect("(");
      const first = this.simple();
      this.expect(";");
      const condition = this.expression();
      this.expect(";");
      const next = this.simple();
      this.expect(")");
      return { kind: "for", first, condition, next, body: this.block() };
    }
    const statement = this.simple();
    this.expect(";");
    return statement;
  }

  private simple(): TreeStatement {
    if (this.accept("return")) return { kind: "return", value: this.next === ";" ? undefined : this.expression() };
    if (this.next === "let" || this.next === "var") {
      const kind = this.take() as "let" | "var";
      const name = this.take();
      const type = this.accept(":") ? this.type() : "";
      return { kind, name, type, value: this.accept("=") ? this.expression() : undefined };
    }
    const target = this.unary();
    if (target.kind === "call") return { kind: "call", call: target };
    const operator = this.take();
    if (operator === "++") return { kind: "assign", target, operator: "+", value: { kind: "number", text: "1" } };
    if (!/^[-+*/]?=$/.test(operator)) throw new Error(`expected an assignment, found \`${operator}\``);
    return { kind: "assign", target, operator: operator.slice(0, -1), value: this.expression() };
  }

  private expression(): Tree {
    const start = this.at;
    const first = this.relational();
    const operator = this.next;
    if (bitOperators.has(operator)) {
      // Bit operators take unary expressions as operands.
      this.at = start;
      return this.chain([operator], () => this.unary());
    }
    if (operator === "&&" || operator === "||") {
      this.at = start;
      return this.chain([operator], () => this.relational());
    }
    return first;
  }

  private relational(): Tree {
    const left = this.sum();
    if (!relations.has(this.next)) return left;
    return { kind: "infix", operator: this.take(), left, right: this.sum() };
  }

  private sum(): Tree {
    return this.chain(["+", "-"], () => this.chain(["*", "/", "%"], () => this.unary()));
  }

  /** Left-associative operators of the same precedence. */
  private chain(operators: readonly string[], operand: () => Tree): Tree {
    let left = operand();
    while (operators.includes(this.next)) left = { kind: "infix", operator: this.take(), left, right: operand() };
    return left;
  }

  private unary(): Tree {
    if (this.next !== "-" && this.next !== "!") return this.postfix(this.primary());
    return { kind: "prefix", operator: this.take(), operand: this.unary() };
  }

  private postfix(of: Tree): Tree {
    if (this.accept(".")) return this.postfix({ kind: "member", of, name: this.take() });
    if (!this.accept("[")) return of;
    const index = this.expression();
    this.expect("]");
    return this.postfix({ kind: "element", of, index });
  }

  private primary(): Tree {
    if (this.accept("(")) {
      const inner = this.expression();
      this.expect(")");
      return inner;
    }
    const word = this.take();
    if (/^[\d.]/.test(word)) return { kind: "number", text: word };
    if (!/^[A-Za-z_]/.test(word)) throw new Error(`expected an expression, found \`${word}\``);
    const type = templated.has(word) && this.accept("<") ? this.list(">", () => this.type()).join() : "";
    if (!this.accept("(")) return { kind: "name", name: word };
    return { kind: "call", name: word, type, args: this.list(")", () => this.expression()) };
  }
}

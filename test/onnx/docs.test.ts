import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { rules } from "../../src/onnx/rules/index.ts";

test("docs/onnx.md lists the ops that become ops of the language", () => {
  const rows = [...readFileSync("docs/onnx.md", "utf8").matchAll(/^\| (ONNX|com\.microsoft).*? \| (.*) \|$/gm)];
  const listed = rows.flatMap(([, domain, ops]) =>
    (ops as string).split(" ").map((op) => `${domain === "ONNX" ? "" : domain}:${op}`),
  );
  expect(listed.sort()).toEqual([...rules.keys()].sort());
});

/** The page that trains, in Chromium: its losses against those of float64. Its pipelines take long to compile on a processor. */

import { readFileSync } from "node:fs";
import { expect } from "vitest";
import type { Curve } from "../../examples/training/chart.ts";
import { openPage, pageTest } from "./open-page.ts";

const path = "training.html";
const kept = JSON.parse(readFileSync("examples/training/losses.json", "utf8")) as Record<string, Curve[]>;

pageTest("trains on the device as in float64, and draws the losses", async () => {
  const { page, url, requests, complaints } = await openPage({ path });
  await page.getByLabel("Size").selectOption("tiny");
  await page.getByLabel("Steps").fill("3");
  // One model: on a processor its pipelines take long to compile.
  await page.getByRole("checkbox", { name: "RMSNorm, exact" }).uncheck();
  await page.getByRole("button", { name: "Train" }).click();
  await page.waitForSelector("#live[data-losses]", { timeout: 110_000 });
  const [first = []] = JSON.parse((await page.getAttribute("#live", "data-losses")) as string) as number[][];
  expect(first).toHaveLength(3);
  for (const [i, loss] of first.entries()) {
    const wanted = kept.tiny?.[0]?.losses[i] as number;
    expect(Math.abs(loss - wanted)).toBeLessThan(2e-6 * wanted);
  }
  expect(await page.textContent("#status")).toMatch(/^3 steps on .*swiftshader.*; at most \d\.\de-\d+ from float64$/i);
  const points = await page.locator("#live polyline.way0").first().getAttribute("points");
  expect(points?.split(" ")).toHaveLength(3);
  expect(complaints).toEqual([]);
  expect(requests.filter((request) => !request.startsWith(url))).toEqual([]);
});

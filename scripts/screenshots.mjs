/** `npm run screenshots`: the pictures of the playground in docs/, from the page as it is now. */
import { statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { launchChromium, whyNoChromium } from "./chromium.mjs";
import { servePlayground } from "./serve-playground.mjs";

const desktop = { width: 1200, height: 720 };
const phone = { width: 390, height: 844 };

const shots = [
  { name: "light", viewport: desktop, example: "gpt2-prenorm", prepare: showPass },
  { name: "dark", viewport: desktop, example: "bert-output", colorScheme: "dark", prepare: run },
  { name: "wgsl", viewport: desktop, example: "vit-block", prepare: followLine },
  { name: "phone", viewport: phone, example: "bert-output", prepare: makeMistake },
];

async function showPass(page) {
  await page.getByText("raise-norms").click();
}

async function run(page) {
  await page.click("#run");
  await page.waitForSelector("figure.timing", { timeout: 60_000 });
}

async function followLine(page) {
  await page.getByRole("tab", { name: "WGSL" }).click();
  await page.locator("#editor .cm-line", { hasText: "let normed" }).click();
}

async function makeMistake(page) {
  const line = page.locator("#editor .cm-line", { hasText: "return gelu(n)" });
  await line.click();
  await page.keyboard.press("Home");
  for (let i = 0; i < "return gelu".length; i++) await page.keyboard.press("ArrowRight");
  await page.keyboard.type("o");
  await page.keyboard.press("Escape");
  await page.getByText("1 error.").waitFor();
}

const why = whyNoChromium();
if (why !== undefined) {
  console.error(`the browser ${why}`);
  process.exit(1);
}
const { url, close } = await servePlayground();
const browser = await launchChromium();
try {
  for (const { name, viewport, example, colorScheme = "light", prepare } of shots) {
    const context = await browser.newContext({ viewport, colorScheme, reducedMotion: "reduce" });
    const page = await context.newPage();
    await page.goto(`${url}#example=${example}`);
    await page.waitForSelector("body[data-version]");
    await prepare(page);
    const path = fileURLToPath(new URL(`../docs/playground-${name}.png`, import.meta.url));
    await page.screenshot({ path, animations: "disabled", caret: "hide" });
    console.log(`docs/playground-${name}.png  ${(statSync(path).size / 1000).toFixed(0)} kB`);
    await context.close();
  }
} finally {
  await browser.close();
  await close();
}

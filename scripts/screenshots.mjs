/**
 * `npm run screenshots`: takes the pictures of the playground from the current page. They go to docs/, and to
 * playground/public/ for the preview of links to the page and for the icon on a phone's home screen.
 */
import { readFileSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { launchChromium, whyNoChromium } from "./chromium.mjs";
import { servePlayground } from "./serve-playground.mjs";

const desktop = { width: 1200, height: 720 };
const phone = { width: 390, height: 844 };
/** The size of the preview of links. */
const card = { width: 1200, height: 630 };

const shots = [
  { path: "docs/playground-light.png", viewport: desktop, example: "prenorm-stream", prepare: showNorms },
  {
    ...{ path: "docs/playground-dark.png", viewport: desktop, example: "bert-output", colorScheme: "dark" },
    prepare: run,
  },
  {
    path: "docs/playground-wgsl.png",
    viewport: desktop,
    example: "vit-block",
    target: "portable",
    prepare: followLine,
  },
  { path: "docs/playground-phone.png", viewport: phone, example: "bert-output", prepare: makeMistake },
  { path: "playground/public/preview.png", viewport: card, example: "prenorm-stream", prepare: showNorms },
];

async function showNorms(page) {
  await page.getByRole("tab", { name: "Norms" }).click();
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

async function save(page, path) {
  const file = fileURLToPath(new URL(`../${path}`, import.meta.url));
  await page.screenshot({ path: file, animations: "disabled", caret: "hide" });
  console.log(`${path}  ${(statSync(file).size / 1000).toFixed(0)} kB`);
}

const why = whyNoChromium();
if (why !== undefined) {
  console.error(`Chromium ${why}`);
  process.exit(1);
}
const { url, close } = await servePlayground();
const browser = await launchChromium();
try {
  for (const { path, viewport, example, target, colorScheme = "light", prepare } of shots) {
    const context = await browser.newContext({ viewport, colorScheme, reducedMotion: "reduce" });
    const page = await context.newPage();
    await page.goto(`${url}#example=${example}${target === undefined ? "" : `&target=${target}`}`);
    await page.waitForSelector("body[data-version]");
    await prepare(page);
    await save(page, path);
    await context.close();
  }
  const page = await browser.newPage({ viewport: { width: 180, height: 180 } });
  const icon = readFileSync(new URL("../playground/public/icon.svg", import.meta.url), "utf8");
  // Phones round the corners themselves, and show transparent parts as black.
  await page.setContent(`<body style="margin:0;background:#3557c8">${icon}</body>`);
  await save(page, "playground/public/icon.png");
} finally {
  await browser.close();
  await close();
}

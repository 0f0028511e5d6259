import type { Browser } from "playwright-core";
export function whyNoChromium(): string | undefined;
export function launchChromium(options?: { webgpu?: boolean }): Promise<Browser>;

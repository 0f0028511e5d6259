import type { flow, besides, layers } from "./components.mjs";

export function architecturePage(
  text: string,
  components: typeof layers,
  imports: ReadonlyMap<string, ReadonlySet<string>>,
): string;
export function architecturePicture(components: {
  readonly flow: typeof flow;
  readonly besides: typeof besides;
  readonly layers: typeof layers;
}): string;

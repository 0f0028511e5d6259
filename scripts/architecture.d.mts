import type { flow, besides, layers } from "./rooms.mjs";

export function architecturePage(
  text: string,
  rooms: typeof layers,
  imports: ReadonlyMap<string, ReadonlySet<string>>,
): string;
export function architecturePicture(rooms: {
  readonly flow: typeof flow;
  readonly besides: typeof besides;
  readonly layers: typeof layers;
}): string;

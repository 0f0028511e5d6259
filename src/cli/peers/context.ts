/** What the adapters of peers are given. */

import type { OpenedDevice } from "../../runtime/node.ts";

/** What a peer is opened with. */
export interface PeerContext extends OpenedDevice {
  readonly adapter: unknown;
  /** A package of the user's project, as it is imported there. */
  // biome-ignore lint/suspicious/noExplicitAny: the types of peers are not installed with tirc.
  load(name: string): Promise<any>;
}

/** The context given to the adapters of peers. */

import type { OpenedDevice } from "../../runtime/node.ts";

/** The context for opening a peer. */
export interface PeerContext extends OpenedDevice {
  readonly adapter: unknown;
  /** Imports a package of the user's project. */
  // biome-ignore lint/suspicious/noExplicitAny: the types of peers are not installed with tirc.
  load(name: string): Promise<any>;
}

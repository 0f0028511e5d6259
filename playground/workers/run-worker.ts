/** Runs programs in a worker that can be stopped. */

import { type Message, messagesOf } from "../model/messages.ts";
import { type RunRequest, type RunView, runProgram } from "../run/run-program.ts";
import type { Timing } from "../run/timing.ts";

export type RunAnswer =
  | { readonly kind: "status"; readonly text: string }
  | { readonly kind: "result"; readonly view: RunView }
  | { readonly kind: "timing"; readonly timing: Timing }
  | { readonly kind: "failed"; readonly messages: readonly Message[] }
  | { readonly kind: "done" };

addEventListener("message", async ({ data }: MessageEvent<RunRequest>) => {
  const answer = (message: RunAnswer) => postMessage(message);
  try {
    await runProgram(data, {
      status: (text) => answer({ kind: "status", text }),
      result: (view) => answer({ kind: "result", view }),
      timing: (timing) => answer({ kind: "timing", timing }),
    });
  } catch (caught) {
    answer({ kind: "failed", messages: messagesOf(caught) });
  }
  answer({ kind: "done" });
});

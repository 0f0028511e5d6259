/** The menu of targets: this device, if it has WebGPU, and the built-in targets. */

import { builtinTargets, portableTarget, type TargetProfile } from "../../src/target/target.ts";
import { element } from "../dom.ts";
import { adapterTarget, type NoGpu } from "../run/gpu.ts";

/** Milliseconds to wait for the browser's answer before starting without it. */
const longestWait = 5000;

interface TargetMenu {
  /** The built-in target requested; `undefined` is the default: this device, or `portable` without WebGPU. */
  asked: string | undefined;
  readonly current: string | TargetProfile;
  /** Resolves once the device is known or the browser took too long. */
  readonly ready: Promise<void>;
}

interface TargetEvents {
  /** Called when the visitor chooses another target. */
  chosen(): void;
  /** Called when the device is known, and the program must be compiled for it. */
  known(): void;
  /** Called if there is no WebGPU. */
  none(why: NoGpu): void;
}

export function targetMenu(select: HTMLSelectElement, events: TargetEvents): TargetMenu {
  const own = element("option", { value: "this-device" }, "this device");
  let profile: TargetProfile | undefined;
  let isKnown = false;
  let asked: string | undefined;
  select.append(own, ...builtinTargets.map(({ name }) => element("option", { value: name }, name)));
  const fallback = () => (isKnown && profile === undefined ? portableTarget.name : own.value);
  const renew = () => {
    select.value = asked ?? fallback();
  };
  select.addEventListener("change", () => {
    asked = select.value === own.value ? undefined : select.value;
    events.chosen();
  });
  const find = async () => {
    const found = await adapterTarget();
    isKnown = true;
    if ("reason" in found) {
      own.remove();
      events.none(found);
    } else {
      profile = found;
      own.title = found.name;
    }
    renew();
    if (asked === undefined && profile !== undefined) events.known();
  };
  const waited = new Promise<void>((resolve) => setTimeout(resolve, longestWait));
  return {
    get asked() {
      return asked;
    },
    set asked(name) {
      asked = name;
      renew();
    },
    get current() {
      return asked ?? profile ?? portableTarget;
    },
    ready: Promise.race([find(), waited]),
  };
}

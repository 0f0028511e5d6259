/** `--weights-out`: the constants that passes have created, in a file for the program that reads them. */

import { isAbsolute, join, relative } from "node:path";
import { materialize } from "../driver/materialize.ts";
import { writeSafetensors } from "../formats/safetensors.ts";
import type { Constants } from "../ir/interpret.ts";
import { type Module, makeModule } from "../ir/ir.ts";
import { fromNumbers } from "../runtime/host-tensor.ts";
import { folderOf } from "./files.ts";
import type { Outputs } from "./outputs.ts";
import type { Session } from "./session.ts";

/**
 * Writes the constants that are computed from others to `weights`, and returns the module that reads them from there. A
 * line for each says how far its row means are from zero.
 * @param output the file to which the module's text is written; constants are relative to its folder.
 */
export function writeWeights(
  module: Module,
  constants: Constants,
  { weights, output }: { readonly weights: string; readonly output: string },
  outputs: Outputs,
  session: Session,
): Module {
  const made = materialize(module, constants, relative(folderOf(output), weights));
  if (made.constants.length === 0) {
    session.say(`${weights} is not written, as there are no new constants`);
    return made.module;
  }
  const tensors = made.constants.map(({ name, tensor: { element, shape, data } }) => {
    return { name, tensor: fromNumbers(element, shape, data) };
  });
  outputs.write(weights, writeSafetensors(tensors));
  for (const { name, residual } of made.constants) {
    const off =
      residual === undefined ? "" : `, row means at most ${residual.toExponential(1)} of the row's largest element`;
    session.say(`${weights}: ${name}${off}`);
  }
  return made.module;
}

/** The module of a text that is written to another folder: its relative file names are adapted. */
export function moved(module: Module, from: string, to: string): Module {
  const [old, now] = [folderOf(from), folderOf(to)];
  if (relative(old, now) === "") return module;
  const consts = module.consts.map((constant) => {
    const { data } = constant;
    if (data.kind !== "load" || isAbsolute(data.file)) return constant;
    return { ...constant, data: { ...data, file: relative(now, join(old, data.file)) } };
  });
  return makeModule(module.fns, consts);
}

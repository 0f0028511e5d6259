/** Messages about archives of torch.export: E0770 to E0774. */

import { type Diagnostic, error } from "./diagnostic.ts";

const code = (name: string) => `\`${name}\``;
const exportAnew =
  "write it anew: `torch.export.save(torch.export.export(model, args), path)`, with PyTorch 2.9 or later";

export const archiveErrors = {
  notZip(file: string): Diagnostic {
    return error("E0770", `${file} is no archive of torch.export: it is no zip file, or it is cut off`, {
      help: ["a `.pt2` file is what `torch.export.save(program, path)` writes"],
    });
  },
  unsound(file: string, reason: string): Diagnostic {
    return error("E0770", `${file} is no sound archive: ${reason}`);
  },
  /** @param at the offset in the entry. */
  badJson(file: string, entry: string, at: number, reason: string): Diagnostic {
    return error("E0770", `${file} is no sound archive: at ${at} of ${entry}, ${reason}`);
  },
  /** @param place the path of a value: `graph_module.graph.nodes`. */
  badValue(file: string, place: string, reason: string): Diagnostic {
    return error("E0770", `${file} is no sound archive: ${code(place)} ${reason}`);
  },
  compressed(file: string, entry: string): Diagnostic {
    return error("E0771", `the entry ${entry} of ${file} is compressed, and archives of PyTorch are stored`, {
      help: [exportAnew],
    });
  },
  unread(file: string, reason: string, help: string = exportAnew): Diagnostic {
    return error("E0771", `${file} is no archive that tirc reads: ${reason}`, { help: [help] });
  },
  unknownSchema(file: string, version: string, read: number): Diagnostic {
    return error("E0772", `${file} has version ${version} of the schema of torch.export, and ${read}.x is read`, {
      help: [exportAnew],
    });
  },
  badTensor(file: string, tensor: string, reason: string): Diagnostic {
    return error("E0773", `the tensor ${code(tensor)} of ${file} cannot be read: ${reason}`);
  },
  noSuchForm(file: string, normOp: string): Diagnostic {
    return error("E0774", `${code(normOp)} is an op of onnxruntime, and ${file} is a program of PyTorch`, {
      help: ["leave out `--norm-op` for `aten.rms_norm`, or say `--norm-op primitive` for what that is made of"],
    });
  },
};

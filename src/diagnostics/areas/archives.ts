/** Archives of torch.export: E0770 to E0774. */

import { error } from "../diagnostic.ts";
import type { Entry } from "../page.ts";
import { code } from "../wording.ts";

const exportAnew =
  "write it anew: `torch.export.save(torch.export.export(model, args), path)`, with PyTorch 2.9 or later";

export const E0770: Entry = {
  title: "a file that is no sound archive of torch.export",
  explanation: `A \`.pt2\` file is a zip file whose entries lie one behind the other, uncompressed: the graph as JSON, and the weights as
their bytes. The message says what does not come out; perhaps the file was cut off, or is of another format.`,
  wrong: "tirc surgery model.safetensors.pt2 -o rms.pt2",
  fix: "tirc surgery model.pt2 -o rms.pt2",
};

export function notZip(file: string) {
  return error("E0770", `${file} is no archive of torch.export: it is no zip file, or it is cut off`, {
    help: ["a `.pt2` file is what `torch.export.save(program, path)` writes"],
  });
}

export function unsound(file: string, reason: string) {
  return error("E0770", `${file} is no sound archive: ${reason}`);
}

/** @param at the offset in the entry. */
export function badJson(file: string, entry: string, at: number, reason: string) {
  return error("E0770", `${file} is no sound archive: at ${at} of ${entry}, ${reason}`);
}

/** @param place the path of a value: `graph_module.graph.nodes`. */
export function badValue(file: string, place: string, reason: string) {
  return error("E0770", `${file} is no sound archive: ${code(place)} ${reason}`);
}

export const E0771: Entry = {
  title: "an archive that is not read",
  explanation: `What \`torch.export.save\` writes since PyTorch 2.9 is read. Before, weights were a pickle, which is a program that runs when
it is read, and so are files of \`torch.save\` and \`torch.jit.save\`: tirc reads no pickles. Nor does it read entries that
are compressed, archives of several programs, of compiled code alone, or of machines that store the high byte first.`,
  wrong: 'torch.save(model.state_dict(), "model.pt2")',
  fix: 'torch.export.save(torch.export.export(model, (x,)), "model.pt2")',
};

export function compressed(file: string, entry: string) {
  return error("E0771", `the entry ${entry} of ${file} is compressed, and archives of PyTorch are stored`, {
    help: [exportAnew],
  });
}

export function unread(file: string, reason: string, help: string = exportAnew) {
  return error("E0771", `${file} is no archive that tirc reads: ${reason}`, { help: [help] });
}

export const E0772: Entry = {
  title: "a schema of torch.export that is not read",
  explanation: `The graph of an archive names the version of its schema, as 8.20. A new second number adds fields, which are passed over; a
new first one may change the meaning of what is there.`,
  wrong: '"schema_version": {"major": 7, "minor": 3}',
  fix: '"schema_version": {"major": 8, "minor": 20}',
};

export function unknownSchema(file: string, version: string, read: number) {
  return error("E0772", `${file} has version ${version} of the schema of torch.export, and ${read}.x is read`, {
    help: [exportAnew],
  });
}

export const E0773: Entry = {
  title: "a tensor of an archive that cannot be read",
  explanation: `A tensor of an archive has a type, sizes, strides, and the place in its storage where it begins; several tensors may share
a storage. All of it must lie in the bytes of the storage. The message says what does not.`,
  wrong: '"sizes": [{"as_int": 768}], "strides": [{"as_int": 1}]  with a storage of 1024 bytes',
  fix: '"sizes": [{"as_int": 768}], "strides": [{"as_int": 1}]  with a storage of 3072 bytes',
};

export function badTensor(file: string, tensor: string, reason: string) {
  return error("E0773", `the tensor ${code(tensor)} of ${file} cannot be read: ${reason}`);
}

export const E0774: Entry = {
  title: "a form of norms that PyTorch does not have",
  explanation: `\`--norm-op skip\` and \`--norm-op simplified\` write ops of onnxruntime. A program of PyTorch has \`aten.rms_norm\`, which
is written without the option, or the ops that it is made of.`,
  wrong: "tirc surgery model.pt2 -o rms.pt2 --norm-op skip",
  fix: "tirc surgery model.pt2 -o rms.pt2",
};

export function noSuchForm(file: string, normOp: string) {
  return error("E0774", `${code(normOp)} is an op of onnxruntime, and ${file} is a program of PyTorch`, {
    help: ["leave out `--norm-op` for `aten.rms_norm`, or say `--norm-op primitive` for what that is made of"],
  });
}

/** Archives of torch.export: E0770 to E0774. */

import { error } from "../diagnostic.ts";
import type { Entry } from "../page.ts";
import { code } from "../wording.ts";

const exportAnew =
  "export it again: `torch.export.save(torch.export.export(model, args), path)`, with PyTorch 2.9 or later";

export const E0770: Entry = {
  title: "an invalid torch.export archive",
  explanation: `A \`.pt2\` file is a zip file with uncompressed, contiguous entries: the graph as JSON, and the bytes
of the weights. The message says what is wrong; the file may be truncated, or of another format.`,
  wrong: "tirc surgery model.safetensors.pt2 -o rms.pt2",
  fix: "tirc surgery model.pt2 -o rms.pt2",
};

export function notZip(file: string) {
  return error("E0770", `${file} is not an archive of torch.export: it is not a zip file, or is truncated`, {
    help: ["a `.pt2` file is what `torch.export.save(program, path)` writes"],
  });
}

export function unsound(file: string, reason: string) {
  return error("E0770", `${file} is not a valid archive: ${reason}`, { help: [exportAnew] });
}

/** @param at the offset in the entry. */
export function badJson(file: string, entry: string, at: number, reason: string) {
  return error("E0770", `${file} is not a valid archive: at ${at} of ${entry}, ${reason}`, { help: [exportAnew] });
}

/** @param place the path of a value: `graph_module.graph.nodes`. */
export function badValue(file: string, place: string, reason: string) {
  return error("E0770", `${file} is not a valid archive: ${code(place)} ${reason}`, { help: [exportAnew] });
}

export const E0771: Entry = {
  title: "an unsupported archive",
  explanation: `Archives written by \`torch.export.save\` of PyTorch 2.9 or later are supported. Older ones store
weights as a pickle, which is a program that runs when it is loaded, and so do \`torch.save\` and \`torch.jit.save\`:
tirc does not read pickles. Archives with compressed entries, with several programs, with compiled code only, or from
big-endian machines are not supported either.`,
  wrong: 'torch.save(model.state_dict(), "model.pt2")',
  fix: 'torch.export.save(torch.export.export(model, (x,)), "model.pt2")',
};

export function compressed(file: string, entry: string) {
  return error("E0771", `the entry ${entry} of ${file} is compressed, but archives of PyTorch are uncompressed`, {
    help: [exportAnew],
  });
}

export function unread(file: string, reason: string, help: string = exportAnew) {
  return error("E0771", `${file} is not an archive that tirc can read: ${reason}`, { help: [help] });
}

export const E0772: Entry = {
  title: "an unsupported torch.export schema",
  explanation: `The graph of an archive states the version of its schema, such as 8.20. A higher minor version adds
fields, which are ignored; a different major version may change the meaning of existing ones.`,
  wrong: '"schema_version": {"major": 7, "minor": 3}',
  fix: '"schema_version": {"major": 8, "minor": 20}',
};

export function unknownSchema(file: string, version: string, read: number) {
  return error(
    "E0772",
    `${file} has version ${version} of the schema of torch.export, but only ${read}.x is supported`,
    {
      help: [exportAnew],
    },
  );
}

export const E0773: Entry = {
  title: "an invalid tensor of an archive",
  explanation: `A tensor of an archive has a type, sizes, strides, and an offset into its storage, which several
tensors may share. All of its elements must be inside the storage. The message says what is wrong.`,
  wrong: '"sizes": [{"as_int": 768}], "strides": [{"as_int": 1}]  with a storage of 1024 bytes',
  fix: '"sizes": [{"as_int": 768}], "strides": [{"as_int": 1}]  with a storage of 3072 bytes',
};

export function badTensor(file: string, tensor: string, reason: string) {
  return error("E0773", `the tensor ${code(tensor)} of ${file} cannot be read: ${reason}`, { help: [exportAnew] });
}

export const E0774: Entry = {
  title: "a form of norm that PyTorch does not have",
  explanation: `\`--norm-op skip\` and \`--norm-op simplified\` write ops of onnxruntime. A PyTorch program can use
\`aten.rms_norm\`, which is the default, or primitive ops.`,
  wrong: "tirc surgery model.pt2 -o rms.pt2 --norm-op skip",
  fix: "tirc surgery model.pt2 -o rms.pt2",
};

export function noSuchForm(file: string, normOp: string) {
  return error("E0774", `${code(normOp)} is an op of onnxruntime, but ${file} is a PyTorch program`, {
    help: ["leave out `--norm-op` for `aten.rms_norm`, or use `--norm-op primitive` for primitive ops"],
  });
}

/** The pages of archives of torch.export: E0770 to E0774. */

import type { Page } from "./page.ts";

export const archivePages = {
  E0770: {
    title: "a file that is no sound archive of torch.export",
    explanation: `A \`.pt2\` file is a zip file whose entries lie one behind the other, uncompressed: the graph as JSON, and the weights as
their bytes. The message says what does not come out; perhaps the file was cut off, or is of another format.`,
    wrong: "tirc surgery model.safetensors.pt2 -o rms.pt2",
    fix: "tirc surgery model.pt2 -o rms.pt2",
  },
  E0771: {
    title: "an archive that is not read",
    explanation: `What \`torch.export.save\` writes since PyTorch 2.9 is read. Before, weights were a pickle, which is a program that runs when
it is read, and so are files of \`torch.save\` and \`torch.jit.save\`: tirc reads no pickles. Nor does it read entries that
are compressed, archives of several programs, of compiled code alone, or of machines that store the high byte first.`,
    wrong: 'torch.save(model.state_dict(), "model.pt2")',
    fix: 'torch.export.save(torch.export.export(model, (x,)), "model.pt2")',
  },
  E0772: {
    title: "a schema of torch.export that is not read",
    explanation: `The graph of an archive names the version of its schema, as 8.20. A new second number adds fields, which are passed over; a
new first one may change the meaning of what is there.`,
    wrong: '"schema_version": {"major": 7, "minor": 3}',
    fix: '"schema_version": {"major": 8, "minor": 20}',
  },
  E0773: {
    title: "a tensor of an archive that cannot be read",
    explanation: `A tensor of an archive has a type, sizes, strides, and the place in its storage where it begins; several tensors may share
a storage. All of it must lie in the bytes of the storage. The message says what does not.`,
    wrong: '"sizes": [{"as_int": 768}], "strides": [{"as_int": 1}]  with a storage of 1024 bytes',
    fix: '"sizes": [{"as_int": 768}], "strides": [{"as_int": 1}]  with a storage of 3072 bytes',
  },
  E0774: {
    title: "a form of norms that PyTorch does not have",
    explanation: `\`--norm-op skip\` and \`--norm-op simplified\` write ops of onnxruntime. A program of PyTorch has \`aten.rms_norm\`, which
is written without the option, or the ops that it is made of.`,
    wrong: "tirc surgery model.pt2 -o rms.pt2 --norm-op skip",
    fix: "tirc surgery model.pt2 -o rms.pt2",
  },
} satisfies Record<string, Page>;

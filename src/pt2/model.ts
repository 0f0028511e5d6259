/** A program of torch.export as an ONNX model; its weights remain in the archive. */

import type { ByteSource } from "../onnx/bytes.ts";
import { bytesInMemory } from "../onnx/bytes.ts";
import { OnnxModel } from "../onnx/model.ts";
import { type Pt2Archive, readArchive } from "./archive.ts";
import { type Program, readProgram } from "./program.ts";
import { type Translated, translate } from "./translation.ts";
import { bytesOfView } from "./weights.ts";

export class Pt2Model extends OnnxModel {
  readonly archive: Pt2Archive;
  readonly program: Program;
  readonly translated: Translated;
  override readonly isTyped = true;
  override readonly hasBfloat16 = true;

  private constructor(archive: Pt2Archive, program: Program, translated: Translated) {
    const { source } = archive;
    super(bytesInMemory(source.name, translated.bytes), (name, refuse) => {
      const constant = translated.constants.get(name);
      return constant === undefined ? refuse("the archive has no such tensor") : bytesOfView(source, constant.view);
    });
    this.archive = archive;
    this.program = program;
    this.translated = translated;
    const aten = "torch.ops.";
    for (const node of this.graph.nodes) {
      const target = translated.origins[node.index]?.target ?? "";
      Object.assign(node, { sourceOp: target.startsWith(aten) ? target.slice(aten.length) : target });
    }
  }

  /** Throws E0770 to E0773, and E0742 to E0744 for an invalid graph. */
  static read(source: ByteSource): Pt2Model {
    const archive = readArchive(source);
    const program = readProgram(archive);
    return new Pt2Model(archive, program, translate(archive, program));
  }
}

/**
 * Opens a program that `torch.export.save` wrote as a model, for `importModel` or `surgery`. Surgery on it writes an archive.
 *
 * @throws TircError E0770 to E0773, and E0742 to E0744 for an invalid graph.
 */
export const openArchive = (source: ByteSource): OnnxModel => Pt2Model.read(source);

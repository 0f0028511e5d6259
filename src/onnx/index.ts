/**
 * Reads ONNX models, imports them as programs, and rewrites their norms. Uses no Node API: the caller reads the files.
 *
 * @module tirc/onnx
 */

export type { NumberKind } from "../ir/number-formats.ts";
export { openArchive } from "../pt2/model.ts";
export type { NormOp, NormOpType } from "../surgery/norm-forms.ts";
export type { BetaOutcome, NormReport, WrittenAs } from "../surgery/norm-report.ts";
export {
  type BeforeAndAfter,
  type CenteredWeight,
  type Surgery,
  type SurgeryOptions,
  surgery,
} from "../surgery/surgery.ts";
export { ByteReader, type ByteSource, bytesInMemory, type Range } from "./bytes.ts";
export { type NewAttribute, type NewFunction, type NewNode, type NewTensor, nodeBytes, tensorBytes } from "./encode.ts";
export { type Imported, type ImportOptions, importModel } from "./import.ts";
export type { AttributeProto, FunctionProto, GraphProto, NodeProto, TensorProto, ValueInfoProto } from "./messages.ts";
export { OnnxModel, opsetRange, writtenName } from "./model.ts";
export type { OpenExternal, TensorNumbers } from "./tensors.ts";
export { bytesOf, editedNode, type GraphChanges, type NodeEdit, type Piece, rewrittenModel } from "./write.ts";

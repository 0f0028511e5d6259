/** Reads the program of an archive (ExportedProgram of torch/_export/serde/schema.py). */

import type { Pt2Archive } from "./archive.ts";
import type { Fields } from "./fields.ts";
import { readTensorMeta, type TensorMeta } from "./tensor-meta.ts";

/** An output of a node: a tensor, a size, or anything else, which has no name. */
interface Made {
  readonly kind: "tensor" | "size" | "other";
  readonly name: string;
}

export interface AtenNode {
  readonly index: number;
  /** `torch.ops.aten.add.Tensor`. */
  readonly target: string;
  readonly name: string;
  /** Arguments by their names in the op's schema. */
  readonly args: ReadonlyMap<string, Fields>;
  readonly made: readonly Made[];
  readonly fields: Fields;
}

interface GraphInput extends Made {
  /** Its name in the state dict, if it is a parameter, a buffer or a constant. */
  readonly state: string | undefined;
}

export interface Program {
  readonly nodes: readonly AtenNode[];
  readonly inputs: readonly GraphInput[];
  /** The outputs that are tensors, in order. */
  readonly outputs: readonly string[];
  readonly graph: Fields;
  readonly signature: Fields;
  meta(tensor: string): TensorMeta | undefined;
}

/** Throws E0770. */
export function readProgram({ program }: Pt2Archive): Program {
  const module = program.fields.get("graph_module");
  const [graph, signature] = [module.get("graph"), module.get("signature")];
  const states = statesIn(signature);
  const values = graph.get("tensor_values");
  const metas = new Map<string, TensorMeta>();
  const inputs = graph.get("inputs").items.map((input): GraphInput => {
    const made = madeOf(input);
    return { ...made, state: states.get(made.name) };
  });
  return {
    nodes: graph.get("nodes").items.map(readNode),
    inputs,
    outputs: graph.get("outputs").items.flatMap((output) => {
      const { kind, name } = madeOf(output);
      return kind === "tensor" ? [name] : [];
    }),
    ...{ graph, signature },
    meta(tensor) {
      const given = metas.get(tensor) ?? (values.optional(tensor) && readTensorMeta(values.get(tensor)));
      if (given !== undefined) metas.set(tensor, given);
      return given;
    },
  };
}

/** Names in the state dict by those of the graph's inputs. */
function statesIn(signature: Fields): ReadonlyMap<string, string> {
  const names = { parameter: "parameter_name", buffer: "buffer_name", tensor_constant: "tensor_constant_name" };
  const found = new Map<string, string>();
  for (const spec of signature.get("input_specs").items) {
    const { name, of } = spec.kind;
    const key = Object.hasOwn(names, name) ? names[name as keyof typeof names] : undefined;
    if (key !== undefined) found.set(of.get("arg").get("name").text, of.get(key).text);
  }
  return found;
}

/** Reads a node of the graph or of a subgraph. Throws E0770. */
export function readNode(fields: Fields, index: number): AtenNode {
  const args = new Map(fields.get("inputs").items.map((one) => [one.get("name").text, one.get("arg")]));
  const made = fields.get("outputs").items.flatMap((output): Made[] => {
    const { name, of } = output.kind;
    if (name !== "as_tensors") return [madeOf(output)];
    return of.items.map((one) => ({ kind: "tensor", name: one.get("name").text }));
  });
  const target = fields.get("target").text;
  const name = fields.optional("name")?.text ?? made[0]?.name ?? "";
  return { index, target, name, args, made, fields };
}

function madeOf(argument: Fields): Made {
  const { name, of } = argument.kind;
  if (name === "as_tensor") return { kind: "tensor", name: of.get("name").text };
  const size = name === "as_sym_int" ? of.optional("as_name") : undefined;
  if (size !== undefined) return { kind: "size", name: size.text };
  return { kind: "other", name: "" };
}

/** The names of tensors and sizes in arguments. */
export function* namesIn(args: Iterable<Fields>): Generator<Fields> {
  for (const argument of args) {
    const { name, of } = argument.kind;
    if (name === "as_tensor") yield of.get("name");
    else if (name === "as_tensors") for (const one of of.items) yield one.get("name");
    else if (name === "as_name") yield of;
    else if (name === "as_optional_tensor" || name === "as_sym_int") yield* namesIn([of]);
    else if (name === "as_optional_tensors" || name === "as_sym_ints") yield* namesIn(of.items);
  }
}

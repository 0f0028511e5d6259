/** What is wrong with a folder that shall be a checkpoint of Hugging Face's. */

import { type Diagnostic, error, type Span } from "./diagnostic.ts";
import { didYouMean } from "./suggest.ts";

const code = (name: string) => `\`${name}\``;

export const checkpointErrors = {
  notACheckpoint(folder: string, reason: string, help: string): Diagnostic {
    return error("E0790", `${folder} is no checkpoint that tirc reads: ${reason}`, { help: [help] });
  },
  wrongConfig(file: string, reason: string): Diagnostic {
    return error("E0791", `${file} is no configuration of a model: ${reason}`, {
      help: ["take the file from where the weights come from; tirc reads what `save_pretrained` writes"],
    });
  },
  unknownArchitecture(file: string, type: string, known: readonly string[]): Diagnostic {
    return error("E0792", `tirc does not know which weights of a ${code(type)} are added to what its norms read`, {
      notes: [`${file} has \`model_type\` ${code(type)}; there are templates for ${known.join(", ")}`],
      help: [
        ...didYouMean(type, known),
        "export it, to ONNX or by torch.export: there it stands in the graph, and `tirc surgery` takes the .onnx or .pt2 file",
      ],
    });
  },
  noTensor(folder: string, tensor: string, type: string, known: readonly string[]): Diagnostic {
    return error("E0793", `${folder} has no tensor ${code(tensor)}, which a ${code(type)} has`, {
      notes: [`it has ${known.length} tensors`],
      help: [...didYouMean(tensor, known), "a file of quantized or adapted weights has others: take the original"],
    });
  },
  wrongTensor(folder: string, tensor: string, expected: string, type: string, shape: readonly number[]): Diagnostic {
    return error(
      "E0793",
      `${code(tensor)} of ${folder} is ${expected} in the model, and ${type} [${shape.join(", ")}] here`,
      {
        help: ["take the weights that belong to the configuration; quantized ones cannot be centered"],
      },
    );
  },
  wrongIndex(file: string, reason: string): Diagnostic {
    return error("E0794", `${file} is no index of shards: ${reason}`, {
      help: ["take the file from where the shards come from"],
    });
  },
  notEmpty(span: Span, folder: string): Diagnostic {
    return error("E0795", `the folder ${code(folder)} is not empty`, {
      span,
      help: ["name a folder that is not there yet, or an empty one: nothing in it is overwritten"],
    });
  },
  tooLarge(folder: string, tensor: string, type: string, number: number): Diagnostic {
    return error(
      "E0796",
      `${code(tensor)} of ${folder} would have ${number.toPrecision(3)}, which is too large for ${type}`,
      {
        help: ["leave --fold out, or take a checkpoint of f32"],
      },
    );
  },
};

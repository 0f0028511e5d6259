/** Every message about target profiles: E059x. */

import { type Diagnostic, error, type Span } from "./diagnostic.ts";
import { didYouMean } from "./suggest.ts";

export const targetErrors = {
  unknownTarget(name: string, known: readonly string[]): Diagnostic {
    return error("E0590", `there is no target \`${name}\``, {
      notes: [`built-in targets: ${known.join(", ")}`],
      help: [
        ...didYouMean(name, known),
        "or give a JSON file with a target profile of your own: its name ends in `.json`",
      ],
    });
  },
  notJson(span: Span, reason: string): Diagnostic {
    return error("E0591", `the target file is not JSON: ${reason}`, { span });
  },
  fieldTwice(span: Span, key: string): Diagnostic {
    return error("E0591", `the target file gives \`${key}\` twice`, { span });
  },
  wrongField(file: string, path: string, expected: string, got: string): Diagnostic {
    return error("E0592", `${file}: \`${path}\` must be ${expected}, and is ${got}`, {
      help: ["`tirc explain E0592` shows a whole target file"],
    });
  },
  unknownField(file: string, path: string, known: readonly string[]): Diagnostic {
    return error("E0593", `${file}: there is no field \`${path}\` in a target profile`, {
      notes: [`the fields here are ${known.join(", ")}`],
    });
  },
};

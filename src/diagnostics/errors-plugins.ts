/** Every message about plugins and what they add: E0760 to E0762. */

import { type Diagnostic, error, type Span } from "./diagnostic.ts";

const code = (name: string) => `\`${name}\``;

/** Which plugin, and where it is named, if it is. */
export interface PluginPlace {
  readonly name: string;
  readonly span?: Span | undefined;
}

export const pluginErrors = {
  cannotLoad({ name, span }: PluginPlace, reason: string): Diagnostic {
    return error("E0760", `the plugin ${code(name)} cannot be loaded: ${reason}`, {
      span,
      help: ["a plugin is a JavaScript module: `export default { passes: [...] }`"],
    });
  },
  wrongPart({ name, span }: PluginPlace, part: string, expected: string, got: string): Diagnostic {
    return error("E0761", `${code(part)} of the plugin ${code(name)} must be ${expected}, and is ${got}`, {
      span,
      help: ["`definePlugin`, `definePass` and an editor that reads types say what each part must be"],
    });
  },
  unknownPart({ name, span }: PluginPlace, part: string, known: readonly string[]): Diagnostic {
    return error("E0761", `the plugin ${code(name)} has a part ${code(part)}, which plugins do not have`, {
      span,
      notes: [`they have ${known.map(code).join(", ")}`],
    });
  },
  taken({ name, span }: PluginPlace, what: string, taken: string): Diagnostic {
    return error("E0762", `the plugin ${code(name)} adds the ${what} ${code(taken)}, and there is one already`, {
      span,
      help: ["give it another name"],
    });
  },
};

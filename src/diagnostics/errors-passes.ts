/** Every message about passes and pipelines: E03xx, and what the manager remarks: R03xx. */

import { type Diagnostic, error, type Span, warning } from "./diagnostic.ts";
import { listing } from "./errors-types.ts";
import { didYouMean } from "./suggest.ts";

const code = (name: string) => `\`${name}\``;

export const pipelineErrors = {
  syntax(span: Span, expected: string, found: string): Diagnostic {
    return error("E0301", `expected ${expected} in the pipeline, and found ${found}`, {
      span,
      help: ["a pipeline is written `a,b{option=value},fixpoint(c,d)`"],
    });
  },
  unknownPass(span: Span | undefined, name: string, known: readonly string[]): Diagnostic {
    const help = didYouMean(name, known);
    return error("E0302", `there is no pass ${code(name)}`, {
      span,
      help: help.length > 0 ? help : ["`tirc passes` lists them all"],
    });
  },
  unknownOption(span: Span | undefined, pass: string, option: string, known: readonly string[]): Diagnostic {
    const all = known.length === 0 ? "it has none" : `it has ${listing(known.map(code))}`;
    return error("E0303", `${code(pass)} has no option ${code(option)}`, {
      span,
      notes: [all],
      help: didYouMean(option, known),
    });
  },
  wrongValue(
    span: Span | undefined,
    { pass, option, value, expected }: { pass: string; option: string; value: string; expected: string },
    choices: readonly string[],
  ): Diagnostic {
    return error("E0304", `the option ${code(option)} of ${code(pass)} is ${expected}, not ${code(value)}`, {
      span,
      help: didYouMean(value, choices),
    });
  },
  optionTwice(span: Span, pass: string, option: string, first: Span): Diagnostic {
    return error("E0305", `the option ${code(option)} of ${code(pass)} is given twice`, {
      span,
      labels: [{ span: first, message: "first given here" }],
    });
  },
  tooDeep(span: Span | undefined, most: number): Diagnostic {
    return error("E0306", `\`fixpoint\` is nested more than ${most} levels deep`, { span });
  },
  wrongName(name: string, reason: string): Diagnostic {
    return error("E0309", `a pass cannot be called ${code(name)}: ${reason}`, {
      help: ["names are small letters, digits and hyphens: `gelu-to-relu`"],
    });
  },
  twoPasses(name: string): Diagnostic {
    return error("E0310", `two passes are called ${code(name)}`, {
      notes: ["a pipeline names its passes, so each name means one pass"],
      help: ["give one of them another name"],
    });
  },
  notAPass(found: string): Diagnostic {
    return error("E0311", `${found} is no pass`, {
      help: ["make one with `definePass`, or give pipeline text, `{ pass, options }` or `{ fixpoint: [...] }`"],
    });
  },
};

/** What goes wrong while passes run. A user of the command line sees these only when a pass has a mistake. */
export const passErrors = {
  broke(pass: string, fn: string): Diagnostic {
    return error("E0307", `the pass ${code(pass)} made a function that is not well formed: ${code(fn)}`, {
      notes: ["what the verifier found follows"],
      help: ["this is a mistake of the pass, not of the program"],
    });
  },
  refused(pass: string, fn: string): Diagnostic {
    return error("E0308", `the pass ${code(pass)} gave up on the function ${code(fn)}`, {
      notes: ["what it says follows"],
    });
  },
  returnedNothing(pass: string, fn: string, got: string): Diagnostic {
    return error("E0312", `the pass ${code(pass)} returned ${got} for ${code(fn)}, and not a function`, {
      help: ["return the function it was given where there is nothing to do"],
    });
  },
};

export const passRemarks = {
  noFixpoint(steps: string, limit: number): Diagnostic {
    return warning("R0301", `${code(`fixpoint(${steps})`)} still changed something in round ${limit}, its last`, {
      notes: ["the program is right, and could perhaps be simplified further"],
      help: [`allow more rounds: \`fixpoint{limit=${10 * limit}}(${steps})\``],
    });
  },
};

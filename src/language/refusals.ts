/** Why a name is not changed: every wording. */

export const refusals = {
  noName: () => "there is no name to change here",
  builtIn: (name: string) => `\`${name}\` belongs to the language`,
  notAName: (name: string) => `\`${name}\` is not a name: a name has letters, digits and \`_\`, and no digit first`,
  reserved: (name: string) => `\`${name}\` is a word of the language`,
  taken: (name: string, what: string, line: number) => `\`${name}\` is already the name of ${what} (line ${line})`,
  captured: (name: string) => `with the name \`${name}\`, what the program says would change`,
  hidden: (name: string, line: number) =>
    `\`${name}\` on line ${line} stands in something that could not be read: mend that first`,
} as const;

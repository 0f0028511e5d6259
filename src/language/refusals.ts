/** Messages for refused renames. */

export const refusals = {
  noName: () => "there is no name to change here",
  builtIn: (name: string) => `\`${name}\` is built in and cannot be renamed`,
  notAName: (name: string) =>
    `\`${name}\` is not a valid name: a name consists of letters, digits and \`_\`, and does not start with a digit`,
  reserved: (name: string) => `\`${name}\` is a reserved word`,
  taken: (name: string, what: string, line: number) => `\`${name}\` is already the name of ${what} (line ${line})`,
  captured: (name: string) => `the name \`${name}\` would change the meaning of the program`,
  hidden: (name: string, line: number) =>
    `\`${name}\` on line ${line} is in a statement that does not parse: fix that first`,
} as const;

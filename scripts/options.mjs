/** Options of the measuring scripts: `--help` and invalid options print the usage. */

import { parseArgs } from "node:util";

function end(usage, wrong) {
  if (wrong === undefined) console.log(`Usage: ${usage}`);
  else console.error(`${wrong}\n\nUsage: ${usage}`);
  process.exit(wrong === undefined ? 0 : 2);
}

/**
 * A kind of value: what to write, and the value that a text stands for, or undefined if it stands for none. Options are
 * given as text, so that `Number` would make NaN of a typing error and the script would measure nothing.
 */
const kind = (write, parse) => ({ write, parse });

export const count = kind("a whole number from 1 to 999999999, such as 21", (text) =>
  /^[1-9]\d{0,8}$/.test(text) ? Number(text) : undefined,
);
export const positive = kind("a positive number, such as 1e-4", (text) =>
  /^[\d.]/.test(text) && Number.isFinite(Number(text)) && Number(text) > 0 ? Number(text) : undefined,
);
/** As `[rows, columns]`. */
export const shape = kind("ROWSxCOLUMNS, such as 4096x768", (text) => {
  const extents = text.split("x").map(count.parse);
  return extents.length === 2 && !extents.includes(undefined) ? extents : undefined;
});
/** As `[name, text]`. */
export const assignment = kind("NAME=VALUE", (text) => /^([^=]+)=(.+)$/.exec(text)?.slice(1));
/** As `[name, number]`. */
export const extent = kind("NAME=EXTENT with a whole number, such as rows=32", (text) => {
  const [name, value] = assignment.parse(text) ?? [];
  const number = count.parse(value ?? "");
  return number && [name, number];
});
export const oneOf = (names) => kind(`one of ${names.join(", ")}`, (text) => (names.includes(text) ? text : undefined));
export const listOf = ({ write, parse }) =>
  kind(`values separated by commas, each ${write}`, (text) => {
    const values = text.split(",").map(parse);
    return values.includes(undefined) ? undefined : values;
  });

/** The value of a text. `shown` is what the command line has. Ends the process with status 2 if the text is wrong. */
export const readValue = (usage, shown, text, { write, parse }) =>
  parse(text) ?? end(usage, `${shown}: write ${write}`);

/**
 * The result of Node's `parseArgs`, with the values of options that name a kind: `{ kind: count, default: "21" }`.
 * `usage` is how to call the script: `npm run bench -- [--quick] [--op NAME]...`. Ends the process with status 2 if the
 * command line is wrong.
 */
export function scriptOptions(usage, { options = {}, ...config }) {
  const types = Object.entries(options).map(([name, { kind, ...rest }]) => [
    name,
    kind ? { type: "string", ...rest } : rest,
  ]);
  let found;
  try {
    found = parseArgs({
      ...config,
      options: { ...Object.fromEntries(types), help: { type: "boolean", short: "h" } },
    });
  } catch (caught) {
    return end(usage, caught.message);
  }
  if (found.values.help) end(usage);
  const values = { ...found.values };
  for (const [name, { kind }] of Object.entries(options)) {
    if (kind === undefined || values[name] === undefined) continue;
    const read = (text) => readValue(usage, `--${name} ${text}`, text, kind);
    values[name] = Array.isArray(values[name]) ? values[name].map(read) : read(values[name]);
  }
  return { ...found, values };
}

/** A script's only argument: the number of rounds. */
export function roundsOr(otherwise, name) {
  const usage = `npm run ${name} -- [ROUNDS]\n\nROUNDS: how often each is timed, ${otherwise} by default`;
  const { positionals } = scriptOptions(usage, { allowPositionals: true });
  const [given = String(otherwise), extra] = positionals;
  if (extra !== undefined) return end(usage, `${extra}: there is one argument`);
  return readValue(usage, `${given} is not a number of rounds`, given, count);
}

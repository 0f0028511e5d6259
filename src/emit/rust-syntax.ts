/** Helpers that the emitters of Rust share. */

/** The strict and reserved keywords of the 2024 edition (doc.rust-lang.org/reference/keywords.html). */
const keywords = new Set(
  (
    "as async await break const continue crate dyn else enum extern false fn for gen if impl in let loop match mod move mut " +
    "pub ref return self Self static struct super trait true type unsafe use where while abstract become box do final " +
    "macro override priv try typeof unsized virtual yield"
  ).split(" "),
);

/** A name that is valid in Rust. */
export const rustName = (name: string) => (keywords.has(name) ? `${name}_` : name);

/** Indents nonempty lines. */
export const indent = (text: string, steps: number) => text.replace(/^(?=.)/gm, "    ".repeat(steps));

/** The struct of a call's arguments other than buffers, and the beginning of its functions. */
export const parametersStruct = (fields: readonly string[]) => `/// Extents and numbers of a call.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Parameters {
${indent(fields.join("\n"), 1)}
}

impl Parameters {
`;

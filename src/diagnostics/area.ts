/** An area is a file of `areas/`: the pages of some codes, each with the functions that word its messages. */

import type { Diagnostic } from "./diagnostic.ts";
import { type Entry, type Page, pageOf } from "./page.ts";

type Code = `${"E" | "R"}${number}`;

export type CodedPage = readonly [code: Code, page: Page];

/** The codes of the diagnostics that the functions of an area return. */
type Raised<Area> = {
  [Name in keyof Area]: Area[Name] extends (...args: never[]) => Diagnostic<infer Raises> ? Raises : never;
}[keyof Area];

/** A page for every code that is raised, and no page for any other code. */
type Complete<Area> = Record<Raised<Area>, Entry> & Record<Exclude<Extract<keyof Area, Code>, Raised<Area>>, never>;

const isCode = (name: string): name is Code => /^[ER]\d{4}$/.test(name);

/** The pages of an area. It does not compile if a page is missing or unused. */
export const area = <Area>(module: Area & Complete<Area>): readonly CodedPage[] =>
  Object.entries<unknown>(module).flatMap(([name, value]) => (isCode(name) ? [[name, pageOf(value as Entry)]] : []));

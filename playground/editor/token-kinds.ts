/** The kinds of tokens with a style of their own, in editors and on the site's pages. */

import { tags } from "@lezer/highlight";

export const tokenKinds = [
  { tag: tags.comment, kind: "comment" },
  { tag: [tags.keyword, tags.meta], kind: "keyword" },
  { tag: [tags.number, tags.atom, tags.string], kind: "number" },
  { tag: tags.propertyName, kind: "property" },
  { tag: tags.typeName, kind: "type" },
  { tag: tags.function(tags.variableName), kind: "function" },
  { tag: tags.definition(tags.variableName), kind: "name" },
] as const;

/** The programs in the menu: the repository's examples, and a long one for this page. */

const files = {
  ...import.meta.glob<string>("../examples/*.tir", { query: "?raw", import: "default", eager: true }),
  ...import.meta.glob<string>("./examples/*.tir", { query: "?raw", import: "default", eager: true }),
};

/** The text of each example by its name: `bert-output`. */
export const examples: ReadonlyMap<string, string> = new Map(
  Object.entries(files).map(([path, text]) => [path.replace(/^.*\/|\.tir$/g, ""), text]),
);

/** The programs in the menu: the examples of the repository, and a long one for this page. */

const files = {
  ...import.meta.glob<string>("../examples/*.tir", { query: "?raw", import: "default", eager: true }),
  ...import.meta.glob<string>("./examples/*.tir", { query: "?raw", import: "default", eager: true }),
};

/** By name: `bert-output`. */
export const examples: ReadonlyMap<string, string> = new Map(
  Object.entries(files).map(([path, text]) => [path.replace(/^.*\/|\.tir$/g, ""), text]),
);

/** Where the language server is: a setting, the workspace's own tirc, or the one on the path. */

const { existsSync } = require("node:fs");
const { join } = require("node:path");

/** The command line of `tirc lsp` for some folders of a workspace. */
function serverCommand(setting, folders) {
  if (setting) return { command: setting, args: ["lsp"] };
  const scripts = folders.map((folder) => join(folder, "node_modules", "tirc", "dist", "src", "cli", "main.js"));
  const own = scripts.find((script) => existsSync(script));
  // As a script, which runs on every system: the command in node_modules/.bin is a shell's on some.
  return own ? { command: "node", args: [own, "lsp"] } : { command: "tirc", args: ["lsp"] };
}

module.exports = { serverCommand };

/** Finds the language server: from the setting, in the workspace's node_modules, or on the path. */

const { existsSync } = require("node:fs");
const { join } = require("node:path");

/** The command and arguments that start `tirc lsp`, for the folders of a workspace. */
function serverCommand(setting, folders) {
  if (setting) return { command: setting, args: ["lsp"] };
  const scripts = folders.map((folder) => join(folder, "node_modules", "tirc", "dist", "src", "cli", "main.js"));
  const own = scripts.find((script) => existsSync(script));
  // Run as a script, which works on every system: the command in node_modules/.bin is a shell script on some.
  return own ? { command: "node", args: [own, "lsp"] } : { command: "tirc", args: ["lsp"] };
}

module.exports = { serverCommand };

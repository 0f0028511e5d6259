/** Starts `tirc lsp` for `.tir` files. */

const { window, workspace } = require("vscode");
const { LanguageClient, TransportKind } = require("vscode-languageclient/node");
const { serverCommand } = require("./server.cjs");

let client;

async function activate() {
  const folders = (workspace.workspaceFolders ?? []).map(({ uri }) => uri.fsPath);
  const run = { ...serverCommand(workspace.getConfiguration("tirc").get("path"), folders), transport: TransportKind.stdio };
  client = new LanguageClient("tirc", "tirc", { run, debug: run }, { documentSelector: [{ language: "tir" }] });
  try {
    await client.start();
  } catch (error) {
    const what = `${run.command} ${run.args.join(" ")}`;
    window.showErrorMessage(`\`${what}\` did not start (${error.message}): run \`npm install tirc\`, or set \`tirc.path\``);
  }
}

const deactivate = () => client?.stop();

module.exports = { activate, deactivate };

/** Accepts files dropped anywhere on the page. */

import { type ChosenFile, filesOf } from "./files.ts";

/** @param dropped called with the files of each drop, in place of the browser's navigation to them. */
export function takeDrops(dropped: (files: readonly ChosenFile[]) => void, failed: (reason: string) => void): void {
  const { body } = document;
  const isOfFiles = ({ dataTransfer }: DragEvent) => dataTransfer?.types.includes("Files") ?? false;
  addEventListener("dragover", (event) => {
    if (!isOfFiles(event)) return;
    event.preventDefault();
    if (event.dataTransfer !== null) event.dataTransfer.dropEffect = "copy";
    body.dataset.dropping = "";
  });
  addEventListener("dragleave", ({ relatedTarget }) => {
    if (relatedTarget === null) delete body.dataset.dropping;
  });
  // Runs before the editor, which would insert the files as text.
  const take = (event: DragEvent) => {
    delete body.dataset.dropping;
    if (!isOfFiles(event) || event.dataTransfer === null) return;
    event.preventDefault();
    event.stopPropagation();
    void filesOf(event.dataTransfer).then(dropped, (caught: Error) => failed(caught.message));
  };
  addEventListener("drop", take, { capture: true });
}

/** Files of the visitor's: what is dropped, with the folders in it, and how a worker reads parts of them. */

import * as fileErrors from "../../src/diagnostics/areas/files.ts";
import { fail } from "../../src/diagnostics/diagnostic.ts";
import type { ByteSource } from "../../src/onnx/bytes.ts";

/** A file that goes to a worker without its bytes, and its path in what was dropped. */
export interface ChosenFile {
  readonly path: string;
  readonly file: File;
}

/** More files than a model has: of a folder that was dropped by mistake. */
const mostFiles = 10_000;

/** What was dropped. Reads what it needs of the event at once: later it has nothing any more. */
export async function filesOf(transfer: DataTransfer): Promise<ChosenFile[]> {
  const items = [...transfer.items].filter(({ kind }) => kind === "file");
  const dropped = items.map((item) => ({ entry: item.webkitGetAsEntry(), file: item.getAsFile() }));
  const chosen: ChosenFile[] = [];
  for (const { entry, file } of dropped) {
    if (entry?.isDirectory) await addFolder(entry as FileSystemDirectoryEntry, chosen);
    else if (file !== null) chosen.push({ path: file.name, file });
  }
  return chosen;
}

async function addFolder(folder: FileSystemDirectoryEntry, chosen: ChosenFile[]): Promise<void> {
  const reader = folder.createReader();
  for (;;) {
    const entries = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    // The reader returns one part at a time, and nothing at the end.
    if (entries.length === 0 || chosen.length >= mostFiles) return;
    for (const entry of entries) {
      if (entry.isDirectory) await addFolder(entry as FileSystemDirectoryEntry, chosen);
      else {
        const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject));
        chosen.push({ path: entry.fullPath.replace(/^\//, ""), file });
      }
    }
  }
}

/** What an input of files or of a folder has. */
export const filesIn = (input: HTMLInputElement): ChosenFile[] =>
  [...(input.files ?? [])].map((file) => ({ path: file.webkitRelativePath || file.name, file }));

/** Reads without waiting, which workers may; the library of types for pages does not have it. */
declare class FileReaderSync {
  readAsArrayBuffer(blob: Blob): ArrayBuffer;
}

/** Headers and nodes are read a few bytes at a time: each of these reads would ask the browser. */
const blockSize = 1 << 16;

/** Parts of a file, read as they are needed, in a worker. */
export class FileSource implements ByteSource {
  readonly name: string;
  readonly size: number;
  readonly file: File;
  /** The indices of the blocks that have been read, in whole or in part. */
  private readonly touched = new Set<number>();
  private block = { start: 0, bytes: new Uint8Array() };

  constructor({ path, file }: ChosenFile) {
    this.name = path;
    this.size = file.size;
    this.file = file;
  }

  /** How much of it was read, to a block. */
  get bytesRead(): number {
    return Math.min(this.size, this.touched.size * blockSize);
  }

  /** Throws E0640. */
  read(start: number, length: number): Uint8Array {
    if (length >= blockSize) return this.readNow(start, length);
    const isHere = start >= this.block.start && start + length <= this.block.start + this.block.bytes.length;
    if (!isHere) this.block = { start, bytes: this.readNow(start, Math.min(blockSize, this.size - start)) };
    const from = start - this.block.start;
    return this.block.bytes.subarray(from, from + length);
  }

  private readNow(start: number, length: number): Uint8Array<ArrayBuffer> {
    for (let i = Math.floor(start / blockSize); i * blockSize < start + length; i++) this.touched.add(i);
    try {
      return new Uint8Array(new FileReaderSync().readAsArrayBuffer(this.file.slice(start, start + length)));
    } catch (caught) {
      fail(fileErrors.cannotRead(this.name, (caught as Error).message));
    }
  }
}

/** The visitor's files: dropped files and folders, and how a worker reads parts of them. */

import * as fileErrors from "../../src/diagnostics/areas/files.ts";
import { fail } from "../../src/diagnostics/diagnostic.ts";
import type { ByteSource } from "../../src/onnx/bytes.ts";

/** A file, sent to a worker without its bytes, and its path in the drop. */
export interface ChosenFile {
  readonly path: string;
  readonly file: File;
}

/** More files than any model has: probably a folder dropped by mistake. */
const mostFiles = 10_000;

/** The dropped files. Reads the event synchronously, as its data is gone afterwards. */
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
    // The reader returns a batch at a time, and an empty one at the end.
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

/** The files of an input for files or folders. */
export const filesIn = (input: HTMLInputElement): ChosenFile[] =>
  [...(input.files ?? [])].map((file) => ({ path: file.webkitRelativePath || file.name, file }));

/** Synchronous reads, which workers may do; TypeScript's library for pages does not declare it. */
declare class FileReaderSync {
  readAsArrayBuffer(blob: Blob): ArrayBuffer;
}

/** Headers and nodes are read a few bytes at a time, and each read would otherwise be a request to the browser. */
const blockSize = 1 << 16;

/** A file of which parts are read on demand, in a worker. */
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

  /** The number of bytes read, in whole blocks. */
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

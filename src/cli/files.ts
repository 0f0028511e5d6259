/** Files by the paths of a command line. `-` is stdin or stdout. */

import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  fstatSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import * as fileErrors from "../diagnostics/areas/files.ts";
import { fail, type Span, TircError } from "../diagnostics/diagnostic.ts";
import { didYouMean } from "../diagnostics/suggest.ts";
import type { Io } from "./session.ts";

/** Why a file cannot be read or written, by the system's code, and what to do if that is not to check the path. */
const reasons: Readonly<Record<string, readonly [reason: string, help?: string]>> = {
  ENOENT: ["there is no such file"],
  EISDIR: ["it is a folder", "name a file in it"],
  EEXIST: ["it is a file", "name a folder"],
  ENOTDIR: ["a part of the path is not a folder"],
  EACCES: ["permission denied", "change its permissions, or name another file"],
  EPERM: ["not permitted", "change its permissions, or name another file"],
  EROFS: ["the file system is read-only", "name a file on another one"],
  ENOSPC: ["the disk is full", "free some space, or name a file on another disk"],
  ENAMETOOLONG: ["the name is too long", "name it by a shorter path"],
  ELOOP: ["its symbolic links form a cycle", "remove one of the links: `ls -l` shows where each points"],
  ERR_FS_FILE_TOO_LARGE: ["it is larger than 2 GiB", "tensors in safetensors and ONNX files are read one by one"],
  ERR_INVALID_ARG_VALUE: ["it is not a valid path"],
};

function reasonOf(caught: unknown): readonly [reason: string, help?: string] {
  const { code = "", message } = caught as NodeJS.ErrnoException;
  return reasons[code] ?? [message];
}

function cannotRead(path: string, caught: unknown, io: Io, span: Span | undefined): never {
  const [reason, help] = reasonOf(caught);
  const isMissing = (caught as NodeJS.ErrnoException).code === "ENOENT";
  const near = isMissing ? didYouMean(basename(path), filesIn(dirname(path), io)) : [];
  fail(fileErrors.cannotRead(shownPath(path, "stdin"), reason, span, help === undefined ? near : [help]));
}

/** The name of a path in messages. */
export function shownPath(path: string, stream: "stdin" | "stdout"): string {
  return path === "-" ? `<${stream}>` : path;
}

/** The folder to which paths in a file are relative. */
export const folderOf = (path: string): string => (path === "-" ? "." : dirname(path));

/** Throws E0640, at the place in the program or command line that names the file, if there is one. */
export function readBytes(path: string, io: Io, span?: Span): Uint8Array {
  try {
    return path === "-" ? io.stdin() : readFileSync(resolve(io.cwd, path));
  } catch (caught) {
    cannotRead(path, caught, io, span);
  }
}

/** A file that is read in parts, as needed. */
interface OpenFile {
  readonly size: number;
  /** Throws E0640; the range must be within the file. */
  read(start: number, length: number): Uint8Array;
  close(): void;
}

/** Throws E0640, at the place in the program or command line that names the file, if there is one. */
export function openFile(path: string, io: Io, span?: Span): OpenFile {
  const attempt = <T>(work: () => T): T => {
    try {
      return work();
    } catch (caught) {
      cannotRead(path, caught, io, span);
    }
  };
  const file = attempt(() => openSync(resolve(io.cwd, path), "r"));
  return {
    size: attempt(() => fstatSync(file).size),
    read: (start, length) =>
      attempt(() => {
        const bytes = new Uint8Array(length);
        let done = 0;
        for (let count = -1; done < length && count !== 0; done += count) {
          count = readSync(file, bytes, done, length - done, start + done);
        }
        return bytes.subarray(0, done);
      }),
    close: () => closeSync(file),
  };
}

/** A file that is opened for each read, so that nobody has to close it. Throws E0640. */
export function lazyFile(path: string, io: Io, span?: Span): { size: number; read: OpenFile["read"] } {
  const using = <T>(work: (file: OpenFile) => T): T => {
    const file = openFile(path, io, span);
    try {
      return work(file);
    } finally {
      file.close();
    }
  };
  return { size: using(({ size }) => size), read: (start, length) => using((file) => file.read(start, length)) };
}

/**
 * Throws E0640, also for text that is not UTF-8: with replacement characters, `tirc fmt` would write different text back.
 * Throws E0642 for an ONNX model.
 */
export function readText(path: string, io: Io): string {
  const bytes = readBytes(path, io);
  if (path.endsWith(".onnx") || beginsLikeOnnx(bytes)) fail(fileErrors.isOnnx(shownPath(path, "stdin")));
  try {
    return new TextDecoder("utf-8", { ignoreBOM: true, fatal: true }).decode(bytes);
  } catch {
    fail(fileErrors.cannotRead(shownPath(path, "stdin"), "it is not UTF-8 text", undefined, ["save it as UTF-8"]));
  }
}

/**
 * A ModelProto as serializers write it: `ir_version` (field 1, a number below 128), then one of its other fields, 2 to 8
 * (onnx.proto). No text begins with the byte 8, a backspace.
 */
function beginsLikeOnnx([version, , next]: Uint8Array): boolean {
  return version === 0x08 && [0x12, 0x1a, 0x22, 0x28, 0x32, 0x3a, 0x42].includes(next as number);
}

type PathKind = "nothing" | "folder" | "file";

/** The kind of file at a path; devices and pipes count as files. Errors are left to whoever opens the file. */
export function kindOf(path: string, io: Io): PathKind {
  try {
    const stats = statSync(resolve(io.cwd, path), { throwIfNoEntry: false });
    if (stats === undefined) return "nothing";
    return stats.isDirectory() ? "folder" : "file";
  } catch {
    return "nothing";
  }
}

/** The file that a path leads to, and what is unusual about it. */
interface FileStatus {
  /** The path of the file after following links. */
  readonly real: string;
  readonly isRegular: boolean;
  /** The number of its hard links. */
  readonly links: number;
}

/** `undefined` if there is no file. */
export function statusOf(path: string, io: Io): FileStatus | undefined {
  const given = resolve(io.cwd, path);
  const stats = statSync(given, { throwIfNoEntry: false });
  return stats && { real: realpathSync(given), isRegular: stats.isFile(), links: stats.nlink };
}

/** Tells whether two paths are the same file. */
export interface Identity {
  /** For an existing file. */
  readonly inode?: string | undefined;
  /** The path it has, or would have, after following all links. */
  readonly place: string;
}

/** `undefined` for devices and pipes, which have no contents to lose, and for files that cannot be accessed. */
export function identify(path: string, io: Io): Identity | undefined {
  const given = resolve(io.cwd, path);
  try {
    const stats = statSync(given, { throwIfNoEntry: false, bigint: true });
    const place = placeOf(given);
    if (stats === undefined) return { place: spelled(place) };
    if (!stats.isFile() && !stats.isDirectory()) return undefined;
    return { inode: stats.isFile() ? `${stats.dev}:${stats.ino}` : undefined, place: spelled(place) };
  } catch {
    return undefined;
  }
}

/** More links than any system follows. */
const mostLinks = 40;

/** An absolute path without links, whose last part may not exist. */
function placeOf(path: string, links = 0): string {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  const above = dirname(path);
  if (stats === undefined) return above === path ? path : join(placeOf(above, links), basename(path));
  if (!stats.isSymbolicLink()) return realpathSync(path);
  // A link to a file that does not exist yet: writing creates that file.
  if (statSync(path, { throwIfNoEntry: false }) !== undefined || links === mostLinks) return realpathSync(path);
  return placeOf(resolve(placeOf(above, links), readlinkSync(path)), links + 1);
}

/** In a single case if the file system of the folder ignores case. */
function spelled(place: string): string {
  let folder = dirname(place);
  while (!existsSync(folder)) folder = dirname(folder);
  const name = basename(folder);
  const other = join(dirname(folder), name === name.toLowerCase() ? name.toUpperCase() : name.toLowerCase());
  const [own, same] = [folder, other].map((path) => statSync(path, { throwIfNoEntry: false })?.ino);
  return other !== folder && own === same ? place.toLowerCase() : place;
}

/** The names in a folder; none if it cannot be read. */
export function filesIn(folder: string, io: Io): string[] {
  try {
    return readdirSync(resolve(io.cwd, folder));
  } catch {
    return [];
  }
}

/** Removes these files of a folder, and the folder if nothing else is in it. */
export function removeFrom(folder: string, files: readonly string[], io: Io): void {
  for (const file of files) rmSync(resolve(io.cwd, folder, file), { force: true });
  if (filesIn(folder, io).length === 0) rmSync(resolve(io.cwd, folder), { force: true, recursive: true });
}

export function makeFolder(path: string, io: Io): void {
  try {
    mkdirSync(resolve(io.cwd, path), { recursive: true });
  } catch (caught) {
    cannotWrite(path, caught);
  }
}

/**
 * Writes a whole file or nothing: into a new file in the same folder, which then replaces it. Throws E0641.
 * If the path is not a regular file (a device, a pipe), it is written to directly.
 */
export function writeAtomically(path: string, data: FileData, io: Io): void {
  try {
    const given = resolve(io.cwd, path);
    const before = statSync(given, { throwIfNoEntry: false });
    const target = before === undefined ? given : realpathSync(given);
    if (before !== undefined && !before.isFile()) writeParts(openSync(target, "w"), data);
    else replace(target, data, before?.mode ?? 0o666);
  } catch (caught) {
    // The source of the data was wrong, not the destination.
    if (caught instanceof TircError) throw caught;
    cannotWrite(path, caught);
  }
}

/** Throws E0641. @param caught an error of the file system; its code is enough. */
export function cannotWrite(path: string, caught: unknown): never {
  const { code } = caught as NodeJS.ErrnoException;
  const noFolder = ["there is no such folder", `create it first: \`mkdir -p ${dirname(path)}\``] as const;
  fail(fileErrors.cannotWrite(path, ...(code === "ENOENT" ? noFolder : reasonOf(caught))));
}

/** Throws E0641 if the file system tells beforehand that a file cannot be written. */
export function checkWritable(path: string, io: Io): void {
  const given = resolve(io.cwd, path);
  if (kindOf(path, io) === "folder") cannotWrite(path, { code: "EISDIR" });
  try {
    const before = statSync(given, { throwIfNoEntry: false });
    if (before === undefined || before.isFile())
      accessSync(`${dirname(before ? realpathSync(given) : given)}/.`, constants.W_OK);
    else accessSync(given, constants.W_OK);
  } catch (caught) {
    cannotWrite(path, caught);
  }
}

/** The contents of a file, whole or in parts. */
export type FileData = string | Uint8Array | Iterable<Uint8Array>;

export const partsOf = (data: FileData): Iterable<string | Uint8Array> =>
  typeof data === "string" || data instanceof Uint8Array ? [data] : data;

function writeParts(file: number, data: FileData): void {
  try {
    for (const part of partsOf(data)) writeFileSync(file, part);
  } finally {
    closeSync(file);
  }
}

function replace(target: string, data: FileData, mode: number): void {
  const fresh = join(dirname(target), `.${basename(target).slice(0, 100)}.${crypto.randomUUID()}.tmp`);
  try {
    const file = openSync(fresh, "wx", mode & 0o777);
    try {
      for (const part of partsOf(data)) writeFileSync(file, part);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(fresh, target);
  } catch (caught) {
    rmSync(fresh, { force: true });
    throw caught;
  }
}

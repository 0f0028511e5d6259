/**
 * The files that a command reads and writes, declared before it does anything: no output may be an input, or another output.
 * A command can write nothing else.
 *
 * Two paths are the same file if the file system says so (links of either kind), or if they are equal once
 * links are followed.
 */

import * as pathErrors from "../diagnostics/areas/paths.ts";
import { fail, type Span } from "../diagnostics/diagnostic.ts";
import { type Arguments, checkStream, type OptionSpec, type Word } from "./arguments.ts";
import {
  cannotWrite,
  checkWritable,
  type FileData,
  filesIn,
  type Identity,
  identify,
  kindOf,
  makeFolder,
  partsOf,
  writeAtomically,
} from "./files.ts";
import type { Io, Session } from "./session.ts";

export interface Read {
  readonly path: string;
  /** Its name in messages: a clause such as "the constant `w`". */
  readonly what: string;
  readonly span?: Span | undefined;
  /** The option that names it, if one does. */
  readonly option?: string;
}

export interface Written {
  readonly option: string;
  readonly span: Span;
  /** The option whose file it may be, because it rewrites that file. */
  readonly updates?: string | undefined;
  /** The folder that the option names, if it does; it is created when the file is written. */
  readonly folder?: string;
  /** A path; or a pattern for files in the folder whose names are not known yet. */
  readonly file: string | RegExp;
}

/** The output of an option that names a file. */
export function writtenBy(args: Arguments, option: string): Written[] {
  const updates = args.command.options.find(({ name }) => name === option)?.path?.updates;
  return args.paths(option).map(({ text, span }) => ({ option, span, updates, file: text }));
}

/** The output of an option that names a folder. */
export function writtenInto(args: Arguments, option: string, names: readonly (string | RegExp)[]): Written[] {
  return args.paths(option).flatMap(({ text: folder, span }) => {
    return names.map((name) => ({
      ...{ option, span, folder },
      file: typeof name === "string" ? `${folder}/${name}` : name,
    }));
  });
}

/** The files that the command line itself names as inputs. */
function readBy(args: Arguments): Read[] {
  const { operand, options } = args.command;
  const isRead = ({ path }: OptionSpec) => path?.use === "read";
  const named = (words: readonly Word[], what: string, option?: string) =>
    words.map(({ text, span }): Read => ({ path: text, what, span, ...(option !== undefined && { option }) }));
  return [
    ...named(operand?.path.use === "read" ? args.operands : [], `what \`tirc ${args.command.name}\` reads`),
    ...options.filter(isRead).flatMap(({ name }) => named(args.paths(name), `what \`${name}\` reads`, name)),
  ];
}

/** A file that is written. */
interface Use extends Identity {
  readonly path: string;
  readonly written: Written;
}

function checkReads(reads: Iterable<Read>, uses: readonly Use[], io: Io): void {
  const byFile = new Map(uses.map((use) => [use.inode, use]));
  byFile.delete(undefined);
  for (const { path, what, span: at, option: reader } of reads) {
    const use = path === "-" ? undefined : byFile.get(identify(path, io)?.inode);
    if (use === undefined || (reader !== undefined && use.written.updates === reader)) continue;
    const { option, span } = use.written;
    fail(pathErrors.overwritesInput(span, option, { path: use.path, other: path }, { what, span: at }));
  }
}

function checkTwice(uses: readonly Use[]): void {
  const taken = new Map<string, Use>();
  for (const use of uses) {
    for (const key of [use.inode, use.place].filter((key) => key !== undefined)) {
      const other = taken.get(key);
      if (other !== undefined && other !== use) refuseTwice(use, other);
      taken.set(key, use);
    }
  }
}

function refuseTwice(use: Omit<Use, "place">, other: Omit<Use, "place">): never {
  const { option, span } = use.written;
  fail(pathErrors.overwritesOutput(span, option, { path: use.path, other: other.path }, other.written));
}

export class Outputs {
  private readonly session: Session;
  private readonly io: Io;
  private readonly written: readonly Written[];
  private readonly byPath: ReadonlyMap<string | RegExp, Written>;

  /**
   * @param reads files that are read besides those of the command line.
   * @throws TircError E0720 for a file that would be overwritten, E0716 for stdout used twice, E0641 for a place that cannot be written to.
   */
  constructor(args: Arguments, session: Session, written: readonly Written[], reads: Iterable<Read> = []) {
    const { io } = session;
    this.session = session;
    this.io = io;
    this.written = written;
    this.byPath = new Map(written.map((one) => [one.file, one]));
    const told = new Set(written.map(({ option }) => option));
    const untold = args.command.options.find(
      ({ name, path }) => path?.use === "write" && args.has(name) && !told.has(name),
    );
    if (untold !== undefined) throw new Error(`the output of ${untold.name} is not declared`);
    for (const { folder, file } of written) {
      if (folder !== undefined && kindOf(folder, io) === "file") cannotWrite(folder, { code: "EEXIST" });
      if (folder === undefined && typeof file === "string" && file !== "-") checkWritable(file, io);
    }
    const streams = written.filter(({ file }) => file === "-").map(({ span }) => ({ text: "-", span }));
    checkStream(streams, "stdout");
    const uses = this.uses();
    // A file that does not exist yet cannot be read, so usually the inputs need not be checked.
    if (uses.some(({ inode }) => inode !== undefined)) checkReads([...readBy(args), ...reads], uses, io);
    checkTwice(uses);
    this.checkPatterns();
  }

  private uses(): Use[] {
    return this.written.flatMap((written) =>
      this.pathsOf(written).flatMap((path) => {
        const identity = path === "-" ? undefined : identify(path, this.io);
        return identity === undefined ? [] : [{ path, written, ...identity }];
      }),
    );
  }

  /** The files of an output as far as they are known: for a pattern, the existing ones. */
  private pathsOf({ folder = "", file }: Written): string[] {
    if (typeof file === "string") return [file];
    return filesIn(folder, this.io)
      .filter((name) => file.test(name))
      .map((name) => `${folder}/${name}`);
  }

  /** Outputs that do not exist yet, and whose names match a pattern. */
  private checkPatterns(): void {
    const place = (path: string) => identify(path, this.io)?.place;
    for (const written of this.written) {
      const { folder = "", file } = written;
      if (typeof file === "string") continue;
      const start = `${place(folder)}/`;
      for (const other of this.written) {
        if (typeof other.file !== "string" || other.file === "-") continue;
        const at = place(other.file);
        if (at?.startsWith(start) && file.test(at.slice(start.length))) {
          refuseTwice({ path: other.file, written }, { path: other.file, written: other });
        }
      }
    }
  }

  /** Throws E0641. */
  write(path: string, data: FileData): void {
    if (path === "-") {
      for (const part of partsOf(data)) this.session.output(part);
      return;
    }
    const isOne = ({ folder, file }: Written) =>
      typeof file !== "string" && path.startsWith(`${folder}/`) && file.test(path.slice(`${folder}/`.length));
    const own = this.byPath.get(path) ?? this.written.find(isOne);
    if (own === undefined) throw new Error(`the output ${path} is not declared`);
    if (own.folder !== undefined) makeFolder(own.folder, this.io);
    writeAtomically(path, data, this.io);
  }
}

/**
 * Unpacks an archive into the sandbox with the machine's tar, unzip or gunzip, as the task's user.
 *
 * 1. An archive with a member or a link that would leave the sandbox, with one that the list does
 * not tell what it is, or with more than the bound, is refused before anything of it is unpacked.
 * 2. tar and unzip work in a new folder that no task can reach: links which other archives left in
 * the sandbox lead nothing astray, and where its own links lead is seen before they are anywhere.
 */
import { chmod, type FileHandle, mkdir, open, readdir, readlink, realpath } from "node:fs/promises";
import { basename, join, relative } from "node:path";
import { err, type Result } from "../../../worker/std/result.ts";
import { moveTree } from "../move-tree.ts";
import { removeTree } from "../upkeep/remove-tree.ts";
import { writeBounded } from "./download.ts";
import { type ListLine, linkLeaves, memberObjection, tarMember, zipMember } from "./members.ts";
import type { ArchiveKind } from "./plan.ts";
import { eachLine, type ProgramOptions, runProgram } from "./program.ts";

export interface Extraction {
  /** Of the archive. */
  readonly name: string;
  /** Open for reading. */
  readonly archive: FileHandle;
  /** Does not exist yet, and no task can reach it; on the sandbox's file system. */
  readonly stage: string;
  /** Of all that it unpacks to. */
  readonly bytesMax: number;
  /** How to make a file for what a `.gz` holds. */
  readonly create: (name: string) => Promise<Result<FileHandle, string>>;
}

type Extract = (from: Extraction, options: ProgramOptions) => Promise<Result<void, string>>;

/** How the programs name the archive, which is their stdin: it can be sought in. */
const ARCHIVE = "/proc/self/fd/0";

/** The error is a clause. */
export const extract: { readonly [K in ArchiveKind]: Extract } = {
  TAR: (from, options) =>
    unpack(from, options, {
      list: ["tar", "-tvf", ARCHIVE],
      parse: tarMember,
      // What root unpacks would belong to whom the archive says.
      unpack: ["tar", "--no-same-owner", "-xf", ARCHIVE],
    }),
  ZIP: (from, options) =>
    unpack(from, options, {
      list: ["unzip", "-Zs", ARCHIVE],
      parse: zipMember,
      unpack: ["unzip", "-o", "-q", ARCHIVE],
    }),
  GZIP: async ({ name, archive, bytesMax, create }, options) => {
    const file = await create(basename(name, ".gz"));
    if (!file.ok) return file;
    try {
      return await runProgram(["gunzip", "-c"], { ...options, stdin: archive.fd }, (stdout) =>
        writeBounded(stdout, file.value, { bytesMax }),
      );
    } finally {
      await file.value.close();
    }
  },
};

interface Unpacker {
  readonly list: readonly [string, ...string[]];
  readonly parse: (line: string) => ListLine;
  readonly unpack: readonly [string, ...string[]];
}

async function unpack(
  { name, archive, stage, bytesMax }: Extraction,
  options: ProgramOptions,
  program: Unpacker,
): Promise<Result<void, string>> {
  const { directory: sandbox, account } = options;
  const named = (result: Result<void, string>): Result<void, string> =>
    result.ok ? result : err(result.error.replaceAll(ARCHIVE, name));
  await mkdir(stage, { mode: 0o700 });
  try {
    if (account !== undefined) {
      const folder = await open(stage, "r");
      await folder.chown(account.userId, account.groupId).finally(() => folder.close());
    }
    const inside = { ...options, directory: stage, stdin: archive.fd };
    const look = inspector(program.parse, bytesMax);
    const listed = await runProgram(program.list, inside, eachLine(look.objection));
    if (!listed.ok) return named(listed);
    const unclear = look.unclear();
    if (unclear !== undefined) return err(unclear);
    const unpacked = await runProgram(program.unpack, inside);
    if (!unpacked.ok) return named(unpacked);
    // An archive may have its own folder in it (`./`), with rights that are not the sandbox's.
    await chmod(stage, 0o700);
    const bad = await strayLink(stage, stage);
    return bad === undefined ? moveTree(stage, sandbox) : err(bad);
  } finally {
    await removeTree(stage);
  }
}

/** Looks at one line of the list after the other, and adds up. */
function inspector(parse: (line: string) => ListLine, bytesMax: number) {
  let bytes = 0;
  /** A program that fails says why in such lines. */
  let unclear: string | undefined;
  const objection = (line: string): string | undefined => {
    const said = parse(line);
    if (said.kind === "REST") return undefined;
    if (said.kind === "UNCLEAR") {
      unclear ??= `the list of what is in it has a line that says no member's kind: '${line}'`;
      return undefined;
    }
    bytes += said.bytes;
    if (bytes > bytesMax) return `it unpacks to more than ${bytesMax} bytes`;
    return memberObjection(said);
  };
  return { objection, unclear: () => unclear };
}

/**
 * The clause for a link that leads out, as it is or by way of other links. One that leads to
 * nothing yet is judged by its words.
 */
async function strayLink(root: string, folder: string): Promise<string | undefined> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      const deeper = await strayLink(root, path);
      if (deeper !== undefined) return deeper;
    }
    if (!entry.isSymbolicLink()) continue;
    const [name, target] = [relative(root, path), await readlink(path)];
    const end = await realpath(path).catch(() => undefined);
    const isOut = end !== undefined && end !== root && !end.startsWith(`${root}/`);
    if (isOut || linkLeaves(name, target)) {
      return `its link '${name}' to '${target}' would leave the sandbox`;
    }
  }
  return undefined;
}

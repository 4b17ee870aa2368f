/**
 * Unpacks an archive into the sandbox with the machine's tar, unzip or gunzip, as the task's user.
 * An archive with a member or a link that would leave the sandbox, or with more than the bound, is
 * refused before anything of it is unpacked.
 */
import { type FileHandle, readlink, unlink } from "node:fs/promises";
import { basename, join } from "node:path";
import { err, ok, type Result } from "../../../worker/std/result.ts";
import { writeBounded } from "./download.ts";
import { linkLeaves, type Member, memberObjection, tarMember, zipMember } from "./members.ts";
import type { ArchiveKind } from "./plan.ts";
import { eachLine, type ProgramOptions, runProgram } from "./program.ts";

export interface Extraction {
  /** Of the archive, relative to the sandbox. */
  readonly path: string;
  /** Of all that it unpacks to. */
  readonly bytesMax: number;
  /** How to make a file for what a `.gz` holds. */
  readonly create: (name: string) => Promise<Result<FileHandle, string>>;
}

type Extract = (from: Extraction, options: ProgramOptions) => Promise<Result<void, string>>;

/** The error is a clause. */
export const extract: { readonly [K in ArchiveKind]: Extract } = {
  TAR: async ({ path, bytesMax }, options) => {
    const look = inspector(tarMember, bytesMax);
    const listed = await runProgram(["tar", "-tvf", path], options, eachLine(look.objection));
    if (!listed.ok) return listed;
    // What root unpacks would belong to whom the archive says.
    return await runProgram(["tar", "--no-same-owner", "-xf", path], options);
  },
  ZIP: async ({ path, bytesMax }, options) => {
    const look = inspector(zipMember, bytesMax);
    const listed = await runProgram(["unzip", "-Zs", path], options, eachLine(look.objection));
    if (!listed.ok) return listed;
    const unpacked = await runProgram(["unzip", "-o", "-q", path], options);
    return unpacked.ok ? await checkLinks(options.directory, look.links) : unpacked;
  },
  GZIP: async ({ path, bytesMax, create }, options) => {
    const file = await create(basename(path, ".gz"));
    if (!file.ok) return file;
    try {
      return await runProgram(["gunzip", "-dc", path], options, (stdout) =>
        writeBounded(stdout, file.value, { bytesMax }),
      );
    } finally {
      await file.value.close();
    }
  },
};

/** Looks at one line of the list after the other, and adds up. */
function inspector(parse: (line: string) => Member | undefined, bytesMax: number) {
  let bytes = 0;
  /** Of which the list does not say where they point. */
  const links: string[] = [];
  const objection = (line: string): string | undefined => {
    const member = parse(line);
    if (member === undefined) return undefined;
    bytes += member.bytes;
    if (bytes > bytesMax) return `it unpacks to more than ${bytesMax} bytes`;
    if (member.kind === "LINK" && member.readings === undefined) links.push(member.name);
    return memberObjection(member);
  };
  return { objection, links };
}

/** Where the links of a zip point is known when they are there; nothing has used them yet. */
async function checkLinks(
  directory: string,
  names: readonly string[],
): Promise<Result<void, string>> {
  let bad: string | undefined;
  for (const name of names) {
    const path = join(directory, name);
    const target = await readlink(path).catch(() => undefined);
    if (target === undefined || !linkLeaves(name, target)) continue;
    await unlink(path);
    bad ??= `its link '${name}' to '${target}' would leave the sandbox`;
  }
  return bad === undefined ? ok(undefined) : err(bad);
}

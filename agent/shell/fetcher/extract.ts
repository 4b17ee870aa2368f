/**
 * Unpacks an archive into the sandbox with the machine's tar, unzip or gunzip, as the task's user.
 * An archive with a member that would leave the sandbox is refused before anything of it is
 * unpacked.
 */
import type { FileHandle } from "node:fs/promises";
import { basename } from "node:path";
import type { Result } from "../../../worker/std/result.ts";
import { writeBounded } from "./download.ts";
import type { ArchiveKind } from "./plan.ts";
import { eachLine, type ProgramOptions, runProgram } from "./program.ts";

/** How to make a file for what a `.gz` holds. */
export interface Extraction {
  /** Of the archive, relative to the sandbox. */
  readonly path: string;
  readonly bytesMax: number;
  readonly create: (name: string) => Promise<Result<FileHandle, string>>;
}

type Extract = (from: Extraction, options: ProgramOptions) => Promise<Result<void, string>>;

/** The error is a clause. */
export const extract: { readonly [K in ArchiveKind]: Extract } = {
  TAR: async ({ path }, options) => {
    const listed = await runProgram(["tar", "-tf", path], options, eachLine(leavesSandbox));
    if (!listed.ok) return listed;
    // What root unpacks would belong to whom the archive says.
    return await runProgram(["tar", "--no-same-owner", "-xf", path], options);
  },
  ZIP: async ({ path }, options) => {
    const listed = await runProgram(["unzip", "-Z1", path], options, eachLine(leavesSandbox));
    return listed.ok ? await runProgram(["unzip", "-o", "-q", path], options) : listed;
  },
  GZIP: async ({ path, bytesMax, create }, options) => {
    const file = await create(basename(path, ".gz"));
    if (!file.ok) return file;
    try {
      return await runProgram(["gunzip", "-dc", path], options, (stdout) =>
        writeBounded(stdout, file.value, bytesMax),
      );
    } finally {
      await file.value.close();
    }
  },
};

function leavesSandbox(member: string): string | undefined {
  const leaves = member.startsWith("/") || member.split(/[/\\]/).includes("..");
  return leaves ? `its member '${member}' would leave the sandbox` : undefined;
}

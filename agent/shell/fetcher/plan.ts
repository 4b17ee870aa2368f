/**
 * What fetching one URI means: from where, to which name in the sandbox, and what then. Pure.
 * Source: http-semantics 17.5.
 */
import type * as mesos from "../../../worker/protocol/v1/mesos.ts";
import { err, ok, type Result } from "../../../worker/std/result.ts";
import { folderNames, isFolderName } from "../folders.ts";

export type ArchiveKind = "TAR" | "ZIP" | "GZIP";

/** What a program of the machine fetches: curl(1), or Hadoop's client. */
export interface ToolSource {
  readonly kind: "TOOL";
  readonly tool: "curl" | "hadoop";
  /** Its path, or its name on the PATH. */
  readonly program: string;
  readonly uri: string;
}

/** What the operator says about where things are. */
export interface FetchPlaces {
  /** Absolute: where relative paths begin. */
  readonly frameworksHome: string | undefined;
  /** Absolute. */
  readonly hadoopHome: string | undefined;
}

export interface FetchPlan {
  /** As messages name it: without a password. */
  readonly uri: string;
  readonly source:
    | { readonly kind: "HTTP"; readonly url: URL }
    | { readonly kind: "FILE"; readonly path: string }
    | ToolSource;
  /** Of the file in the sandbox, folders first. */
  readonly names: readonly string[];
  readonly executable: boolean;
  readonly cached: boolean;
  /** Of an archive that is to be extracted. */
  readonly archive: ArchiveKind | undefined;
}

/** By the name that the file gets. A longer suffix comes before one that it ends in. */
const ARCHIVES: readonly (readonly [suffix: string, kind: ArchiveKind])[] = [
  [".tar.gz", "TAR"],
  [".tar.bz2", "TAR"],
  [".tar.xz", "TAR"],
  [".tar", "TAR"],
  [".tgz", "TAR"],
  [".tbz2", "TAR"],
  [".txz", "TAR"],
  [".zip", "ZIP"],
  [".gz", "GZIP"],
];

/** The error is why this agent cannot fetch it, as a clause. */
export function planFetch(
  info: mesos.CommandInfoURI,
  places: FetchPlaces = NOWHERE,
): Result<FetchPlan, string> {
  const { value, output_file } = info;
  if (value.includes("\0")) return err("it has a NUL byte");
  const source = sourceOf(value, places);
  if (!source.ok) return source;
  const names = output_file === undefined ? baseName(value) : folderNames(output_file);
  if (names === undefined) {
    if (output_file === undefined) return err("it has no file name; set `output_file`");
    return err(`its output_file '${output_file}' is not a path inside the sandbox`);
  }
  const executable = info.executable === true;
  const extracts = !executable && info.extract !== false;
  const archive = extracts ? archiveKind(names.at(-1) ?? "") : undefined;
  const uri = withoutPassword(value);
  // A file of this machine is copied as quickly as one of the cache.
  const cached = info.cache === true && source.value.kind === "HTTP";
  return ok({ uri, source: source.value, names, executable, cached, archive });
}

export function withoutPassword(uri: string): string {
  return uri.replace(/^([^:/]+:\/\/[^:/@]*):[^/@]*@/, "$1:...@");
}

const NOWHERE: FetchPlaces = { frameworksHome: undefined, hadoopHome: undefined };

function sourceOf(
  value: string,
  { frameworksHome, hadoopHome }: FetchPlaces,
): Result<FetchPlan["source"], string> {
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):\/\//.exec(value)?.[1]?.toLowerCase();
  switch (scheme) {
    case undefined:
      if (value.startsWith("/")) return ok({ kind: "FILE", path: value });
      if (frameworksHome !== undefined) {
        return ok({ kind: "FILE", path: `${frameworksHome}/${value}` });
      }
      return err(
        "it is a relative path; make it absolute, or start the agent with --frameworks-home",
      );
    case "file": {
      const path = value.slice("file://".length).replace(/^localhost(?=\/)/, "");
      if (path.startsWith("/")) return ok({ kind: "FILE", path });
      return err("it is a file of another host; write file:///path");
    }
    case "http":
    case "https":
      if (URL.canParse(value)) return ok({ kind: "HTTP", url: new URL(value) });
      return err("it is not a URL");
    case "ftp":
    case "ftps":
      return ok({ kind: "TOOL", tool: "curl", program: "curl", uri: value });
    default: {
      // As in Mesos: hdfs, hftp, s3, and whatever else that client has been taught.
      const program = hadoopHome === undefined ? "hadoop" : `${hadoopHome}/bin/hadoop`;
      return ok({ kind: "TOOL", tool: "hadoop", program, uri: value });
    }
  }
}

/** What follows the last '/' (of a URL's path and query, as in Mesos). */
function baseName(value: string): readonly string[] | undefined {
  const path = value.replace(/^[A-Za-z][A-Za-z0-9+.-]*:\/\/[^/]*/, "");
  const name = path.slice(path.lastIndexOf("/") + 1);
  return path !== "" && isFolderName(name) ? [name] : undefined;
}

function archiveKind(name: string): ArchiveKind | undefined {
  return ARCHIVES.find(([suffix]) => name.endsWith(suffix) && name.length > suffix.length)?.[1];
}

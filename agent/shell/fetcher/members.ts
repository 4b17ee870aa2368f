/**
 * What an archive holds, as the machine's programs list it, and why it may not be unpacked. Pure.
 */
import { posix } from "node:path";

export interface Member {
  readonly kind: "FILE" | "FOLDER" | "LINK" | "HARD_LINK" | "OTHER";
  /** Of a link: with an arrow in a name a line can be read in several ways, and all are here. */
  readonly readings?: readonly { readonly name: string; readonly target: string }[];
  /** Of a link the first reading's. */
  readonly name: string;
  readonly bytes: number;
}

/** REST: what is said before and behind the members. UNCLEAR: perhaps a member of an odd kind. */
export type ListLine = Member | { readonly kind: "REST" } | { readonly kind: "UNCLEAR" };

/** Type and rights, owner, size (of a device: its numbers), date, time, name. */
const TAR_LINE =
  /^([-dlhbcpsC])\S*\s+\S+\s+(\d+)(?:,\d+)?\s+\d{4}-\d\d-\d\d\s\d\d:\d\d(?::\d\d)?\s(.*)$/;

/** A line of `tar -tv`. */
export function tarMember(line: string): ListLine {
  const [, type = "", size, rest = ""] = TAR_LINE.exec(line) ?? [];
  if (size === undefined) return { kind: "UNCLEAR" };
  const bytes = Number(size);
  if (type === "l") return { kind: "LINK", bytes, ...linkOf(rest, " -> ") };
  if (type === "h") return { kind: "HARD_LINK", bytes, ...linkOf(rest, " link to ") };
  if (type === "d") return { kind: "FOLDER", bytes, name: rest };
  // A contiguous file is a file.
  return { kind: type === "-" || type === "C" ? "FILE" : "OTHER", bytes, name: rest };
}

/** Rights, version, system, size, two words, date, time, name. */
const ZIP_LINE =
  /^([-dlbcps?])\S*\s+\S+\s+\S+\s+(\d+)\s+\S+\s+\S+\s+\d\d-\w{3}-\d\d\s\d\d:\d\d\s(.*)$/;

const ZIP_REST = /^(?:Archive: |Zip file size: |Empty zipfile|\d+ files?, )/;

/** A line of `unzip -Zs`. Where a link points is in the link's content. */
export function zipMember(line: string): ListLine {
  const [, type = "", size, name = ""] = ZIP_LINE.exec(line) ?? [];
  if (size === undefined) {
    return { kind: ZIP_REST.test(line) ? "REST" : "UNCLEAR" };
  }
  const kind =
    type === "l" ? "LINK" : type === "d" ? "FOLDER" : /[-?]/.test(type) ? "FILE" : "OTHER";
  return { kind, bytes: Number(size), name };
}

/** The clause for a member that may not be unpacked into a sandbox. */
export function memberObjection({ kind, name, readings = [] }: Member): string | undefined {
  if (leaves(name)) return `its member '${name}' would leave the sandbox`;
  if (kind === "OTHER") return `its member '${name}' is a device or a pipe`;
  for (const link of readings) {
    const isOut = kind === "LINK" ? linkLeaves(link.name, link.target) : leaves(link.target);
    if (isOut) return `its link '${link.name}' to '${link.target}' would leave the sandbox`;
  }
  return undefined;
}

/** Whether a symbolic link leads out of the folder that it was unpacked in. */
export function linkLeaves(name: string, target: string): boolean {
  if (target.startsWith("/")) return true;
  const end = posix.join(posix.dirname(posix.normalize(name)), target);
  return end === ".." || end.startsWith("../");
}

function leaves(path: string): boolean {
  return path.startsWith("/") || path.split(/[/\\]/).includes("..");
}

function linkOf(text: string, arrow: string): Pick<Member, "name" | "readings"> {
  const readings: { name: string; target: string }[] = [];
  for (let at = text.indexOf(arrow); at >= 0; at = text.indexOf(arrow, at + 1)) {
    readings.push({ name: text.slice(0, at), target: text.slice(at + arrow.length) });
  }
  return { name: readings[0]?.name ?? text, readings };
}

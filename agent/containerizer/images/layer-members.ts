/**
 * From an image's layer, as OCI and Docker write it, to the archive that tar(1) makes an overlayfs
 * layer of. What is deleted below is a character device 0:0 there, and a folder that hides what is
 * below it has a mark; OCI names files `.wh.<name>` and `.wh..wh..opq` for the two.
 *
 * 1. A member that would not be inside of the layer ends it all, as does one that this reading and
 * tar's could differ about.
 * 2. Devices are left out: a container gets its own from the agent.
 *
 * Sources: OCI image-spec layer.md; POSIX pax(1); the kernel's overlayfs.rst, "whiteouts and opaque
 * directories".
 */
import { assert } from "../../../worker/std/assert.ts";
import { BlockReader } from "./block-reader.ts";
import {
  BLOCK_BYTES,
  type Header,
  isZero,
  padded,
  parseHeader,
  parsePax,
  writeMember,
} from "./tar-blocks.ts";

/** What of a layer is known when its last member has come. */
export interface LayerFacts {
  /** Of its files. */
  bytes: number;
  /** Folders, from its top, that hide what is below them. */
  readonly opaque: string[];
}

/** `message`: a clause. */
export class LayerError extends Error {}

const WHITEOUT = ".wh.";
const OPAQUE = ".wh..wh..opq";
const AUFS_OWN = ".wh..wh.";
const OVERLAY_OPAQUE = "SCHILY.xattr.trusted.overlay.opaque";
/** Of names and the like. */
const EXTENSION_BYTES_MAX = 1_048_576;
const MEMBERS_MAX = 2_000_000;

interface Seen {
  /** All names, those of folders on the way to them included. */
  readonly names: Set<string>;
  readonly folders: Map<string, Header>;
  /** Links that lead to elsewhere. */
  readonly links: Set<string>;
  readonly whiteouts: Set<string>;
  readonly opaque: Set<string>;
}

/** What comes before a member's own header. */
interface Prefix {
  blocks: Buffer[];
  pax: ReadonlyMap<string, string>;
  longName: string | undefined;
  longLink: string | undefined;
}

/** Yields an archive. Throws LayerError. `bytesMax`: of all files together. */
export async function* overlayMembers(
  layer: AsyncIterable<Buffer>,
  facts: LayerFacts,
  { bytesMax }: { readonly bytesMax: number },
): AsyncGenerator<Buffer> {
  const reader = new BlockReader(layer);
  const seen: Seen = {
    ...{ names: new Set(), folders: new Map(), links: new Set() },
    ...{ whiteouts: new Set(), opaque: new Set() },
  };
  try {
    yield* passedMembers(reader, seen, { facts, bytesMax });
    yield* lastMembers(seen, facts);
    await reader.drain();
  } finally {
    await reader.close();
  }
}

async function* passedMembers(
  reader: BlockReader,
  seen: Seen,
  { facts, bytesMax }: { readonly facts: LayerFacts; readonly bytesMax: number },
): AsyncGenerator<Buffer> {
  let prefix = noPrefix();
  for (;;) {
    const block = await reader.take(BLOCK_BYTES);
    if (block === undefined) throw new LayerError("it breaks off");
    if (isZero(block)) return;
    const header = parseHeader(block);
    if (header === undefined) throw new LayerError("it is no tar archive");
    if ("xgLK".includes(header.type)) {
      await readExtension(reader, { block, header, prefix });
      continue;
    }
    const member = combined(header, prefix);
    const name = checkedName(member, seen);
    const content = member.type === "0" ? padded(member.size) : 0;
    facts.bytes += member.size;
    if (facts.bytes > bytesMax) throw new LayerError(`it has more than ${bytesMax} bytes`);
    if (isPassed(name, member, seen)) {
      for (const part of prefix.blocks) yield part;
      yield block;
      yield* reader.pass(content);
    } else {
      await reader.skip(content);
    }
    prefix = noPrefix();
  }
}

function noPrefix(): Prefix {
  return { blocks: [], pax: new Map(), longName: undefined, longLink: undefined };
}

async function readExtension(
  reader: BlockReader,
  { block, header, prefix }: { block: Buffer; header: Header; prefix: Prefix },
): Promise<void> {
  if (header.size > EXTENSION_BYTES_MAX) throw new LayerError("a member's name is too long");
  const content = await reader.take(padded(header.size));
  if (content === undefined) throw new LayerError("it breaks off");
  // What is for all members after it could rename them.
  if (header.type === "g") return;
  prefix.blocks.push(block, content);
  const bytes = content.subarray(0, header.size);
  if (header.type === "x") {
    const pax = parsePax(bytes);
    if (pax === undefined) throw new LayerError("a member's extended header cannot be read");
    if ([...pax.keys()].some((key) => key.startsWith("GNU.sparse."))) throw sparse();
    prefix.pax = pax;
    return;
  }
  const text = bytes.toString("latin1").replace(/\0.*$/s, "");
  if (header.type === "L") prefix.longName = text;
  else prefix.longLink = text;
}

function sparse(): LayerError {
  return new LayerError("it has sparse files, which this agent does not unpack");
}

/** The member as tar reads it: an extended header goes before GNU's, and that before its own. */
function combined(header: Header, { pax, longName, longLink }: Prefix): Header {
  const number = (key: string, otherwise: number): number => {
    const text = pax.get(key);
    if (text === undefined) return otherwise;
    if (!/^\d{1,15}$/.test(text)) throw new LayerError(`a member's ${key} is '${text}'`);
    return Number(text);
  };
  const size = number("size", header.size);
  return {
    ...header,
    name: pax.get("path") ?? longName ?? header.name,
    link: pax.get("linkpath") ?? longLink ?? header.link,
    // A hard link has no content, whatever it says.
    size: header.type === "1" ? 0 : size,
    userId: number("uid", header.userId),
    groupId: number("gid", header.groupId),
  };
}

/** From the layer's top, without `.` and slashes at its ends; empty: the top itself. */
function checkedName(member: Header, seen: Seen): string {
  const name = insideName(member.name, "member", member.name);
  if (member.type === "1") insideName(member.link, "hard link", member.name);
  if (member.type === "S") throw sparse();
  if (!"0123456".includes(member.type)) {
    throw new LayerError(`its member '${member.name}' is of the unknown type '${member.type}'`);
  }
  if (member.type !== "0" && member.size > 0) {
    throw new LayerError(`its member '${member.name}' is no file and has content`);
  }
  if (seen.names.size > MEMBERS_MAX) {
    throw new LayerError(`it has more than ${MEMBERS_MAX} members`);
  }
  const parts = name.split("/");
  for (let length = parts.length - 1; length > 0; length--) {
    const above = parts.slice(0, length).join("/");
    if (seen.links.has(above)) {
      throw new LayerError(`its member '${member.name}' is behind its link '${above}'`);
    }
  }
  return name;
}

function insideName(path: string, kind: string, member: string): string {
  const parts = path.split("/").filter((part) => part !== "" && part !== ".");
  if (parts.includes("..") || path.includes("\0")) {
    throw new LayerError(`its ${kind} '${member}' would leave the layer`);
  }
  return parts.join("/");
}

/** Whether tar is to get the member as it is; what it means instead is remembered. */
function isPassed(name: string, member: Header, seen: Seen): boolean {
  const slash = name.lastIndexOf("/");
  const [folder, base] = [name.slice(0, Math.max(slash, 0)), name.slice(slash + 1)];
  if (base === OPAQUE) {
    seen.opaque.add(folder);
    return false;
  }
  // What aufs kept for itself.
  if (base.startsWith(AUFS_OWN)) return false;
  if (base.startsWith(WHITEOUT)) {
    const gone = base.slice(WHITEOUT.length);
    if (gone === "" || gone === "." || gone === "..") {
      throw new LayerError(`its member '${name}' deletes what is no file's name`);
    }
    seen.whiteouts.add(folder === "" ? gone : `${folder}/${gone}`);
    return false;
  }
  for (let at = name; at !== ""; at = at.slice(0, Math.max(at.lastIndexOf("/"), 0))) {
    if (seen.names.has(at)) break;
    seen.names.add(at);
  }
  if (member.type === "5") seen.folders.set(name, member);
  const leaves = member.link.startsWith("/") || member.link.split("/").includes("..");
  if (member.type === "2" && leaves) seen.links.add(name);
  else seen.links.delete(name);
  return member.type !== "3" && member.type !== "4";
}

/** What the names said, in overlayfs' terms. */
function* lastMembers(seen: Seen, facts: LayerFacts): Generator<Buffer> {
  for (const name of seen.whiteouts) {
    // What is deleted and made anew hides what was there by itself, a folder by being opaque.
    if (seen.folders.has(name)) seen.opaque.add(name);
    if (seen.names.has(name)) continue;
    yield* writeMember({ name, type: "3", mode: 0, userId: 0, groupId: 0, modifiedS: 0 }, {});
  }
  for (const name of seen.opaque) {
    assert(!name.startsWith("/"), "names are from the layer's top");
    const known = seen.folders.get(name);
    const { mode, userId, groupId, modifiedS } = known ?? {
      ...{ mode: 0o755, userId: 0, groupId: 0, modifiedS: 0 },
    };
    const folder = { name: `${name === "" ? "." : name}/`, type: "5", mode };
    yield* writeMember({ ...folder, userId, groupId, modifiedS }, { [OVERLAY_OPAQUE]: "y" });
    facts.opaque.push(Buffer.from(name, "latin1").toString("utf8"));
  }
  yield Buffer.alloc(2 * BLOCK_BYTES);
}

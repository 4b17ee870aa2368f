/**
 * The blocks of a tar archive: ustar headers with GNU's and pax' extensions. Names are kept as
 * latin1, byte for byte: they may be in any encoding. Sources: POSIX pax(1); GNU tar's manual,
 * "Basic Tar Format".
 */

export const BLOCK_BYTES = 512;

export interface Header {
  readonly name: string;
  /** "0" a file, "1" a hard link, "2" a link, "3" and "4" devices, "5" a folder, "6" a pipe. */
  readonly type: string;
  readonly link: string;
  readonly size: number;
  readonly mode: number;
  readonly userId: number;
  readonly groupId: number;
  readonly modifiedS: number;
}

export function padded(bytes: number): number {
  return Math.ceil(bytes / BLOCK_BYTES) * BLOCK_BYTES;
}

export function isZero(block: Buffer): boolean {
  return block.every((byte) => byte === 0);
}

/** Undefined: it is none. */
export function parseHeader(block: Buffer): Header | undefined {
  let sum = 0;
  // The sum's own place counts as blanks.
  for (const [at, byte] of block.entries()) sum += at >= 148 && at < 156 ? 32 : byte;
  if (numberAt(block, 148, 8) !== sum) return undefined;
  const isPosix = block.toString("latin1", 257, 263) === "ustar\0";
  const prefix = isPosix ? textAt(block, 345, 155) : "";
  const name = textAt(block, 0, 100);
  const type = String.fromCharCode(block[156] ?? 0);
  const [mode, userId, groupId] = [100, 108, 116].map((at) => numberAt(block, at, 8));
  const size = numberAt(block, 124, 12);
  const modifiedS = numberAt(block, 136, 12);
  if (mode === undefined || userId === undefined || groupId === undefined) return undefined;
  if (size === undefined || modifiedS === undefined) return undefined;
  return {
    name: prefix === "" ? name : `${prefix}/${name}`,
    // Old archives, and contiguous files, which are files.
    type: type === "\0" || type === "7" ? (name.endsWith("/") ? "5" : "0") : type,
    link: textAt(block, 157, 100),
    ...{ size, mode, userId, groupId, modifiedS },
  };
}

function textAt(block: Buffer, at: number, length: number): string {
  const end = block.indexOf(0, at);
  return block.toString("latin1", at, end < 0 ? at + length : Math.min(end, at + length));
}

/** Octal digits or, where the first bit says so, binary. Undefined: neither, or too large. */
function numberAt(block: Buffer, at: number, length: number): number | undefined {
  const first = block[at] ?? 0;
  if (first === 0x80) {
    let value = 0n;
    for (let index = at + 1; index < at + length; index++) {
      value = (value << 8n) | BigInt(block[index] ?? 0);
    }
    return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : undefined;
  }
  const digits = textAt(block, at, length).trim();
  if (digits === "") return 0;
  return /^[0-7]+$/.test(digits) ? Number.parseInt(digits, 8) : undefined;
}

/** `<length> <key>=<value>\n`, again and again. Undefined: they are not. */
export function parsePax(bytes: Buffer): ReadonlyMap<string, string> | undefined {
  const records = new Map<string, string>();
  for (let at = 0; at < bytes.length; ) {
    const blank = bytes.indexOf(32, at);
    const digits = bytes.toString("latin1", at, Math.max(blank, at));
    const end = at + Number(digits);
    if (!/^[1-9]\d{0,6}$/.test(digits) || end > bytes.length || bytes[end - 1] !== 10) {
      return undefined;
    }
    const record = bytes.toString("latin1", blank + 1, end - 1);
    const equals = record.indexOf("=");
    if (equals < 1) return undefined;
    records.set(record.slice(0, equals), record.slice(equals + 1));
    at = end;
  }
  return records;
}

/** A member without content; `pax`: what its header has no room for. */
export function* writeMember(
  member: Omit<Header, "link" | "size">,
  pax: Readonly<Record<string, string>>,
): Generator<Buffer> {
  const records = Object.entries({ path: member.name, ...pax }).map(([key, value]) =>
    paxRecord(key, value),
  );
  const content = Buffer.from(records.join(""), "latin1");
  yield header({ ...member, name: "pax", type: "x" }, content.length);
  yield Buffer.concat([content, Buffer.alloc(padded(content.length) - content.length)]);
  yield header({ ...member, name: member.name.slice(-99) }, 0);
}

/** The length counts itself. */
function paxRecord(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length) {
    length = String(length).length + rest.length;
  }
  return `${length}${rest}`;
}

function header(member: Omit<Header, "link" | "size">, size: number): Buffer {
  const block = Buffer.alloc(BLOCK_BYTES);
  const octal = (value: number, at: number, length: number): void => {
    // Larger numbers have binary digits, as GNU's do.
    if (value >= 8 ** (length - 1)) {
      block.writeBigUInt64BE(BigInt(value), at + length - 8);
      block[at] = 0x80;
    } else block.write(`${value.toString(8).padStart(length - 1, "0")}\0`, at, "latin1");
  };
  block.write(member.name, 0, 100, "latin1");
  octal(member.mode & 0o7777, 100, 8);
  octal(member.userId, 108, 8);
  octal(member.groupId, 116, 8);
  octal(size, 124, 12);
  octal(Math.max(0, Math.floor(member.modifiedS)), 136, 12);
  block.write(member.type, 156, "latin1");
  block.write("ustar\x0000", 257, "latin1");
  octal(0, 329, 8);
  octal(0, 337, 8);
  block.fill(32, 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return block;
}

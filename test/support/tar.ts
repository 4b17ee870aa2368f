/** Archives byte by byte, hostile ones too: no program would write those. */

export interface TarMember {
  readonly name: string;
  /** As in a header; absent: a file. */
  readonly type?: string;
  readonly content?: string | Buffer;
  readonly link?: string;
  readonly mode?: number;
  readonly userId?: number;
  readonly groupId?: number;
  /** Of an extended header before it. */
  readonly pax?: Readonly<Record<string, string>>;
}

export function tarOf(members: readonly TarMember[]): Buffer {
  const parts = members.flatMap((member) => {
    const { pax } = member;
    if (pax === undefined) return memberParts(member);
    const records = Object.entries(pax).map(([key, value]) => paxRecord(key, value));
    return [
      ...memberParts({ name: "pax", type: "x", content: records.join("") }),
      ...memberParts(member),
    ];
  });
  return Buffer.concat([...parts, Buffer.alloc(1_024)]);
}

function memberParts(member: TarMember): readonly Buffer[] {
  const content = Buffer.from(member.content ?? "");
  const rest = Buffer.alloc((512 - (content.length % 512)) % 512);
  return [header(member, content.length), content, rest];
}

function header(member: TarMember, size: number): Buffer {
  const { name, type = "0", link = "", mode = type === "5" ? 0o755 : 0o644 } = member;
  const block = Buffer.alloc(512);
  const octal = (value: number, at: number, digits: number): void => {
    block.write(value.toString(8).padStart(digits, "0"), at);
  };
  block.write(name, 0, 100);
  octal(mode, 100, 7);
  octal(member.userId ?? 0, 108, 7);
  octal(member.groupId ?? 0, 116, 7);
  octal(size, 124, 11);
  octal(0, 136, 11);
  block.write(type, 156);
  block.write(link, 157, 100);
  block.write("ustar\x0000", 257);
  block.fill(32, 148, 156);
  octal(
    block.reduce((sum, byte) => sum + byte, 0),
    148,
    6,
  );
  block[154] = 0;
  return block;
}

function paxRecord(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  let length = rest.length + 2;
  while (String(length).length + rest.length > length) length++;
  return `${String(length)}${rest}`;
}

/**
 * Transcripts: commands and the dialogue they cause. A block is a command line, `----`, and what
 * follows up to the next blank line. `REWRITE=1` writes the actual dialogue into the files, to be
 * read before it is committed.
 *
 * First lines `# settings: offerTimeoutMs=…` (maxOffersPerFramework, policy, domain) set up the
 * master.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { domainMessage } from "./commands.ts";
import { play } from "./play.ts";
import { World } from "./world.ts";

const folder = new URL("./", import.meta.url);
const rewrite = process.env.REWRITE === "1";

for (const file of readdirSync(folder).filter((name) => name.endsWith(".txt"))) {
  test(`transcript ${file.slice(0, -4).replaceAll("-", " ")}`, () => {
    const url = new URL(file, folder);
    const text = readFileSync(url, "utf8");
    const actual = replay(text);
    if (rewrite) writeFileSync(url, actual);
    else expect(actual).toBe(text);
  });
}

/** Runs a transcript and returns it with the dialogue as it really was. */
function replay(text: string): string {
  const timeout = /^# settings: offerTimeoutMs=(\d+)$/m.exec(text)?.[1];
  const most = /^# settings: maxOffersPerFramework=(\d+)$/m.exec(text)?.[1];
  const policy = /^# settings: policy=(\w+)$/m.exec(text)?.[1];
  const domain = /^# settings: domain=(\S+)$/m.exec(text)?.[1];
  const world = new World({
    ...(timeout !== undefined && { offerTimeoutMs: Number(timeout) }),
    ...(most !== undefined && { maxOffersPerFramework: Number(most) }),
    ...(policy !== undefined && { policy }),
    ...(domain !== undefined && { domain: domainMessage(domain) }),
  });
  const blocks = text.trimEnd().split(/\n\n+/);
  const replayed = blocks.map((block) => {
    const lines = block.split("\n");
    const end = lines.indexOf("----");
    const head = end < 0 ? lines : lines.slice(0, end);
    const dialogue: string[] = [];
    for (const line of head) if (!line.startsWith("#")) dialogue.push(...play(world, line));
    const hasCommand = head.some((line) => !line.startsWith("#"));
    return [...head, ...(hasCommand ? ["----", ...dialogue] : [])].join("\n");
  });
  return `${replayed.join("\n\n")}\n`;
}

/** Names of users and groups by number, from /etc/passwd and /etc/group alone. */
import { readFile } from "node:fs/promises";

export function userNames(): Promise<ReadonlyMap<string, string>> {
  return names("/etc/passwd");
}

export function groupNames(): Promise<ReadonlyMap<string, string>> {
  return names("/etc/group");
}

/** `daemon:x:1:...` in both. A machine without the file has numbers only. */
async function names(path: string): Promise<ReadonlyMap<string, string>> {
  const text = await readFile(path, "utf8").catch(() => "");
  const byNumber = new Map<string, string>();
  for (const line of text.split("\n")) {
    const [name, , number] = line.split(":");
    if (name && number && !byNumber.has(number)) byNumber.set(number, name);
  }
  return byNumber;
}

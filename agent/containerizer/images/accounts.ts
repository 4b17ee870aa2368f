/**
 * As whom a command runs in an image. Names are those of the image's own /etc/passwd; what it does
 * not know is looked for on the machine.
 *
 * 1. A user that the task or its framework names is never another one by the image's word: no
 * image makes root of somebody.
 * 2. What the image says of itself (`USER`) counts where the command would be root's otherwise.
 */
import { err, ok, type Result } from "../../../worker/std/result.ts";
import { type Account, accountToBecome } from "../supervisor/users.ts";
import type { LayeredTree } from "./layered-tree.ts";

/** An account with all of its groups. */
export type ImageAccount = Required<Account>;

const FILE_BYTES_MAX = 1_048_576;
const ROOT: ImageAccount = { userId: 0, groupId: 0, supplementaryGroupIds: [] };
const ID_MAX = 2 ** 32 - 2;

export interface AccountSource {
  /** That the task or its framework names; undefined: the agent's own. */
  readonly user: string | undefined;
  /** Of the image's configuration: `user[:group]`; empty: root. */
  readonly imageUser: string;
  readonly tree: LayeredTree;
}

/** The error is a clause. */
export function accountIn({ user, imageUser, tree }: AccountSource): Result<ImageAccount, string> {
  if (user === undefined || user === "root") {
    return imageUser === "" ? ok(withGroups(tree, ROOT, "root")) : ownAccount(tree, imageUser);
  }
  const found = passwdEntry(tree, (entry) => entry.name === user);
  if (found === undefined) {
    const machine = accountToBecome(user);
    if (!machine.ok) {
      return err(`there is no user '${user}' in its /etc/passwd, nor in this machine's`);
    }
    const { userId, groupId } = machine.value ?? ROOT;
    return ok({ userId, groupId, supplementaryGroupIds: [] });
  }
  if (found.userId === 0) return err(`its /etc/passwd makes root of the user '${user}'`);
  return ok(withGroups(tree, found, user));
}

/** By what the image says of itself: names or numbers. */
function ownAccount(tree: LayeredTree, text: string): Result<ImageAccount, string> {
  const [user = "", group] = text.split(":");
  const number = idOf(user);
  const entry = passwdEntry(tree, ({ name, userId }) => name === user || userId === number);
  if (entry === undefined && number === undefined) {
    return err(`there is no user '${user}' in its /etc/passwd, which it wants to run as`);
  }
  const account = entry ?? { name: "", userId: number ?? 0, groupId: 0 };
  if (group === undefined) return ok(withGroups(tree, account, account.name));
  const named = groupEntries(tree).find(({ name }) => name === group)?.groupId ?? idOf(group);
  if (named === undefined) return err(`there is no group '${group}' in its /etc/group`);
  return ok({ userId: account.userId, groupId: named, supplementaryGroupIds: [] });
}

function idOf(text: string): number | undefined {
  const number = /^\d{1,10}$/.test(text) ? Number(text) : undefined;
  return number !== undefined && number <= ID_MAX ? number : undefined;
}

interface PasswdEntry {
  readonly name: string;
  readonly userId: number;
  readonly groupId: number;
}

function passwdEntry(
  tree: LayeredTree,
  matches: (entry: PasswdEntry) => boolean,
): PasswdEntry | undefined {
  for (const line of linesOf(tree, "/etc/passwd")) {
    const [name = "", , user = "", group = ""] = line.split(":");
    const [userId, groupId] = [idOf(user), idOf(group)];
    if (name === "" || userId === undefined || groupId === undefined) continue;
    if (matches({ name, userId, groupId })) return { name, userId, groupId };
  }
  return undefined;
}

function groupEntries(
  tree: LayeredTree,
): readonly { readonly name: string; readonly groupId: number; readonly members: string[] }[] {
  return linesOf(tree, "/etc/group").flatMap((line) => {
    const [name = "", , id = "", members = ""] = line.split(":");
    const groupId = idOf(id);
    return name === "" || groupId === undefined
      ? []
      : [{ name, groupId, members: members.split(",").map((each) => each.trim()) }];
  });
}

function withGroups(tree: LayeredTree, { userId, groupId }: Account, name: string): ImageAccount {
  const groups = groupEntries(tree).filter(
    (group) => group.groupId !== groupId && name !== "" && group.members.includes(name),
  );
  const ids = [...new Set(groups.map((group) => group.groupId))];
  return { userId, groupId, supplementaryGroupIds: ids };
}

function linesOf(tree: LayeredTree, path: string): readonly string[] {
  return tree.read(path, FILE_BYTES_MAX)?.split("\n") ?? [];
}

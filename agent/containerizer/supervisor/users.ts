/** Accounts of this machine, from /etc/passwd alone: users of a directory service are not seen. */
import { readFileSync } from "node:fs";
import { err, ok, type Result } from "../../../worker/std/result.ts";
import type { ContainerSpec, LaunchError, UserRange } from "../containerizer.ts";
import { errnoOf, fileError } from "./file-error.ts";

export interface Account {
  readonly userId: number;
  readonly groupId: number;
  /** Absent: those that the machine's /etc/group says. */
  readonly supplementaryGroupIds?: readonly number[];
}

const PASSWD = "/etc/passwd";

/** `daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin` */
export function parsePasswd(text: string, user: string): Account | undefined {
  for (const line of text.split("\n")) {
    const [name, , userId, groupId] = line.split(":");
    if (name === user && userId && groupId) {
      return { userId: Number(userId), groupId: Number(groupId) };
    }
  }
  return undefined;
}

/** The account to change to; undefined: the agent runs as that user already. */
export function accountToBecome(
  user: string | undefined,
): Result<Account | undefined, LaunchError> {
  if (user === undefined) return ok(undefined);
  let account: Account | undefined;
  try {
    account = parsePasswd(readFileSync(PASSWD, "utf8"), user);
  } catch (cause) {
    // A machine without the file has no users to name.
    if (errnoOf(cause) !== "ENOENT") return err(fileError("read", PASSWD, cause));
  }
  if (account === undefined) return err({ code: "USER_UNKNOWN", user, path: PASSWD });
  const own = process.geteuid?.();
  if (account.userId === own) return ok(undefined);
  if (own !== 0) return err({ code: "USER_SWITCH_FORBIDDEN", user });
  return ok(account);
}

/** Who owns on this machine what is an account's of a container with users of its own. */
export function ownerIn(
  users: UserRange | undefined,
  account: Account | undefined,
): Account | undefined {
  if (users === undefined) return account;
  const { userId, groupId } = account ?? { userId: 0, groupId: 0 };
  return { userId: users.from + userId, groupId: users.from + groupId };
}

/** The owner of what is to be a user's; undefined: the agent. */
export function ownerOf(
  user: string | undefined,
  users: UserRange | undefined,
): Result<Account | undefined, LaunchError> {
  const account = accountToBecome(user);
  return account.ok ? ok(ownerIn(users, account.value)) : account;
}

/** The account that a container's command is to run as; undefined: the agent's own. */
export function accountOf({
  user,
  root,
}: Pick<ContainerSpec, "user" | "root">): Result<Account | undefined, LaunchError> {
  return root === undefined ? accountToBecome(user) : ok(root.account);
}

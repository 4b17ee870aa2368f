/**
 * Users that containers have of their own: which ids of this machine stand for theirs. A container
 * keeps what it began with, `<id>.users`, for commands that an agent started later runs inside it.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { err, ok, type Result } from "../../../worker/std/result.ts";
import type { ContainerId, LaunchError, UserRange } from "../containerizer.ts";
import { fileError } from "../supervisor/file-error.ts";
import type { Account } from "../supervisor/users.ts";

/** Where a container sees the namespace that its users are in, once it is mounted there. */
export const USERS_FILE = { name: ".users", path: "/dev/null" } as const;
export const USERS_PATH = `/dev/${USERS_FILE.name}`;

export class UserNamespaces {
  readonly #runtimeDirectory: string;
  /** Undefined: containers have the machine's users. */
  readonly #users: UserRange | undefined;

  constructor(runtimeDirectory: string, users: UserRange | undefined) {
    this.#runtimeDirectory = runtimeDirectory;
    this.#users = users;
  }

  /** Of a new container. */
  make(
    { containerId, user }: { readonly containerId: ContainerId; readonly user?: string },
    account: Account | undefined,
  ): Result<UserRange | undefined, LaunchError> {
    const users = this.#users;
    if (users === undefined) return ok(undefined);
    const refused = beyond(users, user, account);
    if (refused !== undefined) return err(refused);
    const path = this.#pathOf(containerId);
    try {
      writeFileSync(path, `${users.from}:${users.count}`, { mode: 0o600 });
      return ok(users);
    } catch (cause) {
      return err(fileError("write", path, cause));
    }
  }

  /** Those of a container that is there. */
  of(id: ContainerId): UserRange | undefined {
    let text: string;
    try {
      text = readFileSync(this.#pathOf(id), "utf8");
    } catch {
      // It has the machine's.
      return undefined;
    }
    const parsed = parseUserRange(text);
    return parsed.ok ? parsed.value : undefined;
  }

  #pathOf(id: ContainerId): string {
    return join(this.#runtimeDirectory, `${id}.users`);
  }
}

function beyond(
  { count }: UserRange,
  user: string | undefined,
  account: Account | undefined,
): LaunchError | undefined {
  const id = Math.max(account?.userId ?? 0, account?.groupId ?? 0);
  if (id < count) return undefined;
  const why = `its id ${id} is beyond the ${count} ids that containers have (--user-namespace-ids)`;
  return { code: "NOT_SUPPORTED", what: `the user '${user ?? ""}'`, why };
}

/** Below it are the accounts of machines, nobody's 65534 among them. */
const FROM_MIN = 65_536;
const ID_MAX = 2 ** 32 - 2;

/** `text`: FROM:COUNT. The error goes behind the option's name. */
export function parseUserRange(text: string): Result<UserRange, string> {
  const [, from, count] = /^(\d{1,10}):(\d{1,10})$/.exec(text.trim()) ?? [];
  if (from === undefined || count === undefined) {
    return err(`'${text}' is no range of ids; write FROM:COUNT, like 100000:65536`);
  }
  const users = { from: Number(from), count: Number(count) };
  if (users.from < FROM_MIN) {
    return err(`'${text}' begins among the machine's own accounts; begin at ${FROM_MIN} or above`);
  }
  if (users.count < 1 || users.from + users.count - 1 > ID_MAX) {
    return err(`'${text}' does not fit into the ids that there are, 0 to ${ID_MAX}`);
  }
  return ok(users);
}

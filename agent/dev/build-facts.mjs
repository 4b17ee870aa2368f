/**
 * When, by whom and from which commit a bundle is made: what a master tells with its version.
 *
 * Plain JavaScript, because it has to run before anything is bundled.
 */
import { execFileSync } from "node:child_process";
import { realpathSync } from "node:fs";
import { userInfo } from "node:os";

/** `root`: the checkout. Shaped as the master's `BuildFacts`. */
export function buildFacts(root) {
  const timeMs = buildTimeMs();
  const date = new Date(timeMs).toISOString().slice(0, 10);
  return { date, timeMs, user: userName(), gitSha: commitOf(root) };
}

/** `SOURCE_DATE_EPOCH` is how packagers say it, so that a build can be repeated to the byte. */
function buildTimeMs() {
  const epoch = Number(process.env.SOURCE_DATE_EPOCH);
  const isGiven = process.env.SOURCE_DATE_EPOCH !== undefined && Number.isSafeInteger(epoch);
  return isGiven ? epoch * 1_000 : Date.now();
}

function userName() {
  try {
    return userInfo().username;
  } catch {
    // The kernel knows a number that the machine has no name for, as in many containers.
    return process.env.USER ?? `uid ${process.getuid?.()}`;
  }
}

/**
 * The commit, with "-dirty" when tracked files differ from it. Undefined: the sources are not a
 * checkout of their own (a tarball, or a folder within somebody else's repository), or git is
 * missing.
 */
function commitOf(root) {
  try {
    const top = git(root, ["rev-parse", "--show-toplevel"]);
    if (realpathSync(top) !== realpathSync(root)) return undefined;
    return git(root, ["describe", "--always", "--dirty", "--abbrev=9", "--exclude=*"]);
  } catch {
    return undefined;
  }
}

function git(root, args) {
  const options = { cwd: root, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] };
  return execFileSync("git", args, { ...options, timeout: 10_000 }).trim();
}

/**
 * How a command gets a root file system of its own (`ContainerSpec.root`), in two rules:
 *
 * 1. No program of the image runs before the command itself, and none with more than its rights.
 * 2. When the command runs, nothing of the machine's file system can be reached: the old root is
 *    not only out of sight, but gone from the mount namespace.
 *
 * The programs that set a container up are the machine's, so the change of root has to come last;
 * but by then the command-to-be has no right to make it. Hence it is made by a helper, from beside:
 * pivot_root(2) moves every process of the mount namespace whose root is the old one. The shell
 * that is about to become the command says `go`, finds itself in the new root, and executes.
 *
 *   unshare --mount → sh ROOT_SCRIPT ─┬─▶ setpriv → setsid → env → sh GATE_SCRIPT → the command
 *                                     └─▶ helper: waits for `go`, pivots, unmounts, says `done`
 *
 * The supervisor stays in the namespace outside, where the new root is mounted in a folder: a
 * command that is to live inside the container later begins there, and goes the same way into a
 * mount namespace of its own with the same file systems in it.
 */
import { join } from "node:path";
import { err, ok, type Result } from "../../../worker/std/result.ts";
import type { ContainerId, LaunchError, RootFileSystem } from "../containerizer.ts";
import { findProgram, type HostTools } from "./host-tools.ts";
import { BECOME_SCRIPT, REFUSED_STATUS } from "./script.ts";

/** Where the root file system is mounted. */
export function rootOf({ folder }: Pick<RootFileSystem, "folder">): string {
  return join(folder, "root");
}

const PROGRAMS = ["unshare", "nsenter", "pivot_root", "umount", "mkfifo", "rm"] as const;
type RootTools = { readonly [P in (typeof PROGRAMS)[number]]: string };

/** The error is a sentence without its full stop. */
export function findRootTools(): Result<RootTools, string> {
  const missing = PROGRAMS.find((name) => findProgram(name) === undefined);
  if (missing !== undefined) {
    return err(`the program ${missing} is missing; install util-linux and coreutils`);
  }
  const find = (name: (typeof PROGRAMS)[number]): string => findProgram(name) ?? name;
  return ok({
    unshare: find("unshare"),
    nsenter: find("nsenter"),
    pivot_root: find("pivot_root"),
    umount: find("umount"),
    mkfifo: find("mkfifo"),
    rm: find("rm"),
  });
}

/**
 * The helper, in a copy of the mount namespace, which keeps the machine's programs in its reach.
 * Its input ends without a word when the command-to-be has died.
 * Descriptor 5: the namespace whose root is to change.
 */
const HELPER_SCRIPT = `root=$1 gate=$2 sh=$3 nsenter=$4 pivot=$5 umount=$6 rm=$7
read -r word || exec "$rm" -f "$gate.go" "$gate.done"
said=$("$nsenter" --mount=/proc/self/fd/5 "$sh" -c 'cd "$1" && exec "$2" . .' sh \\
  "$root" "$pivot" 2>&1) &&
  said=$("$umount" -n -l -N /proc/self/fd/5 / 2>&1) && said=done
echo $said
exec "$rm" -f "$gate.go" "$gate.done"`;

/**
 * Runs in the mount namespace that is to be the command's.
 * Arguments: the new root, a path for two pipes, the shell, the programs as in PROGRAMS, an argv.
 */
const ROOT_SCRIPT = `root=$1 gate=$2 sh=$3 unshare=$4 nsenter=$5 pivot=$6 umount=$7 mkfifo=$8 rm=$9
shift 9
fail() {
  echo "rimrock: the container's root cannot be changed" >&2
  exit ${REFUSED_STATUS}
}
umask 077
"$mkfifo" "$gate.go" "$gate.done" || fail
umask 022
exec 5<>"$gate.go" || fail
exec 6<"$gate.go" 7>"$gate.go" || fail
exec 5<>"$gate.done" || fail
exec 8<"$gate.done" 9>"$gate.done" || fail
exec 5</proc/self/ns/mnt || fail
(
  "$unshare" --mount --propagation private "$sh" -c '${HELPER_SCRIPT.replaceAll("'", "'\\''")}' sh \\
    "$root" "$gate" "$sh" "$nsenter" "$pivot" "$umount" "$rm" <&6 >&9 6<&- 7>&- 8<&- 9>&- &
)
exec 5<&- 6<&- 9>&-
exec "$@"`;

/** Arguments: the working directory, and what BECOME_SCRIPT takes. */
const GATE_SCRIPT = `echo go >&7
read -r said <&8
[ "$said" = done ] || {
  echo "rimrock: the container's root cannot be changed: $said" >&2
  exit ${REFUSED_STATUS}
}
exec 7>&- 8<&-
cd "$1" || exit ${REFUSED_STATUS}
shift
${BECOME_SCRIPT}`;

/** What the argv of the command-to-be begins with while it still has root's rights. */
export function changeRoot(
  root: RootFileSystem,
  { containerId, tools }: { readonly containerId: ContainerId; readonly tools: HostTools },
): Result<readonly string[], LaunchError> {
  const programs = findRootTools();
  if (!programs.ok) {
    return err({ code: "NOT_SUPPORTED", what: "a file system of its own", why: programs.error });
  }
  const { unshare, nsenter, pivot_root, umount, mkfifo, rm } = programs.value;
  // Several commands may be on their way into one container.
  const gate = join(root.folder, containerId);
  return ok([
    ...[unshare, "--mount", "--propagation", "slave", tools.sh, "-c", ROOT_SCRIPT, "sh"],
    ...[rootOf(root), gate, tools.sh, unshare, nsenter, pivot_root, umount, mkfifo, rm],
  ]);
}

/** `become`: what BECOME_SCRIPT takes. `shell`: the machine's, which does it in the new root. */
export function throughGate(
  { workingDirectory }: RootFileSystem,
  { become, shell }: { readonly become: readonly string[]; readonly shell: string },
): readonly string[] {
  return [shell, "-c", GATE_SCRIPT, "sh", workingDirectory, ...become];
}

/**
 * How a command gets a root file system of its own (`ContainerSpec.root`), in three rules:
 *
 * 1. No program of the image runs before the command itself, and none with more than its rights.
 * 2. When the command runs, nothing of the machine's file system can be reached: the old root is
 *    not only out of sight, but gone from the mount namespace.
 * 3. Before that, nothing with the command's rights sees more of the machine than its programs: a
 *    process in the same container could look through its eyes, by /proc/<pid>/root.
 *
 * The programs that set a container up are the machine's, so the change of root has to come last;
 * but by then the command-to-be has no right to make it. Hence it is made by a helper, from beside:
 * pivot_root(2) moves every process of the mount namespace whose root is the old one. The shell
 * that is about to become the command says `go`, finds itself in the new root, and executes.
 *
 *   unshare --mount → sh ROOT_SCRIPT ─┬─▶ setpriv → env → sh GATE_SCRIPT → the command
 *    (into the toolbox)               └─▶ helper: waits for `go`, pivots, unmounts, says `done`
 *
 * The supervisor stays in the namespace outside, where the toolbox is mounted in a folder, with the
 * new root in it: a command that is to live inside the container later begins there, and goes the
 * same way into a mount namespace of its own with the same file systems in it.
 */
import { join } from "node:path";
import { err, ok, type Result } from "../../../worker/std/result.ts";
import type { ContainerId, LaunchError, RootFileSystem } from "../containerizer.ts";
import { findProgram, type HostTools } from "./host-tools.ts";
import { BECOME_SCRIPT, REFUSED_STATUS } from "./script.ts";

type Folder = Pick<RootFileSystem, "folder">;

/** Where the toolbox is mounted: read-only copies of the machine's folders with programs. */
export function boxOf({ folder }: Folder): string {
  return join(folder, "box");
}

/** What the toolbox has besides: the new root, the place of the old one, room for pipes. */
export const BOX_FOLDERS = { root: "r", old: "old", run: "run" } as const;

/** Where the root file system is mounted. */
export function rootOf(root: Folder): string {
  return join(boxOf(root), BOX_FOLDERS.root);
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
const HELPER_SCRIPT = `gate=$1 sh=$2 nsenter=$3 pivot=$4 umount=$5 rm=$6
read -r word || exec "$rm" -f "$gate.go" "$gate.done"
said=$("$nsenter" --mount=/proc/self/fd/5 "$sh" -c 'cd /${BOX_FOLDERS.root} && exec "$1" . .' sh \\
  "$pivot" 2>&1) &&
  said=$("$umount" -n -l -N /proc/self/fd/5 / 2>&1) && said=done
echo $said
exec "$rm" -f "$gate.go" "$gate.done"`;

/**
 * Runs in the mount namespace that is to be the command's.
 * Arguments: the toolbox, a name for two pipes, the shell, the programs as in PROGRAMS, an argv.
 */
const ROOT_SCRIPT = `box=$1 gate=/${BOX_FOLDERS.run}/$2 sh=$3 unshare=$4 nsenter=$5 pivot=$6 umount=$7 mkfifo=$8 rm=$9
shift 9
fail() {
  echo "rimrock: the container's root cannot be changed" >&2
  exit ${REFUSED_STATUS}
}
cd "$box" && "$pivot" . ${BOX_FOLDERS.old} && cd / && "$umount" -n -l /${BOX_FOLDERS.old} || fail
"$mkfifo" -m 600 "$gate.go" "$gate.done" || fail
exec 5<>"$gate.go" || fail
exec 6<"$gate.go" 7>"$gate.go" || fail
exec 5<>"$gate.done" || fail
exec 8<"$gate.done" 9>"$gate.done" || fail
exec 5</proc/self/ns/mnt || fail
(
  "$unshare" --mount --propagation private "$sh" -c '${HELPER_SCRIPT.replaceAll("'", "'\\''")}' sh \\
    "$gate" "$sh" "$nsenter" "$pivot" "$umount" "$rm" <&6 >&9 6<&- 7>&- 8<&- 9>&- &
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
  return ok([
    ...[unshare, "--mount", "--propagation", "slave", tools.sh, "-c", ROOT_SCRIPT, "sh"],
    // Several commands may be on their way into one container: each has pipes of its own.
    ...[boxOf(root), containerId, tools.sh, unshare, nsenter, pivot_root, umount, mkfifo, rm],
  ]);
}

/** `become`: what BECOME_SCRIPT takes. `shell`: the machine's, which does it in the new root. */
export function throughGate(
  { workingDirectory }: RootFileSystem,
  { become, shell }: { readonly become: readonly string[]; readonly shell: string },
): readonly string[] {
  return [shell, "-c", GATE_SCRIPT, "sh", workingDirectory, ...become];
}

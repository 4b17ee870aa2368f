/**
 * The supervisor: the one small shell that is a container's parent and outlives the agent.
 *
 * It stays outside the container's cgroups, so that neither the OOM killer nor a kill of the whole
 * container takes it, and it leaves two files in the runtime directory:
 *   <id>.started   line 1: boot id and its own /proc/<pid>/stat; line 2: the command's process id
 *   <id>.ended     `refused <why>` if the command was never started, the shell's own report of the
 *                  job, then `<status> end`
 * No other process is started for a container. `mv` would be one (a millisecond at every end), so
 * `.ended` is not renamed into place: a file that lacks its `end` line counts as not written, which
 * gives a reader the same promise. The kernel's boot id stands for everything a crash could tear.
 * It begins with an empty line, so that a disk that fills meanwhile has room for the end. It is
 * opened at the start and written through descriptor 3: the agent may give it another name
 * (`spares.ts`), and by the end the supervisor's mount namespace may show something else at its
 * path. The command gets no descriptor but 0, 1 and 2.
 *
 * Its child, the command-to-be, is a second shell, which reads what it is to do from a socket of
 * the agent's at descriptor 9 and becomes the command (`instructions.ts`). When the agent ends
 * before it has said that, the shell ends, and then its supervisor.
 *
 * In a process id namespace the supervisor's only child is the namespace's first process: a fork of
 * the same shell that plays init. It does what the supervisor does otherwise (`lead`); the command
 * cannot be the first process itself, whom signals of its own namespace do not reach. When it ends,
 * the kernel kills everything else in the namespace.
 *
 * What the container's file system and host name look like is set up by children of the
 * command-to-be, with the agent's rights, before that one enters its cgroups, which would slow them
 * down. The mounts make the cgroups read-only; a descriptor of the machine's root leads past them.
 *
 * Exit status or signal? `$?` is 143 for both `exit 143` and SIGTERM. Reading the zombie's exit
 * code in /proc is no way out: every shell reaps within `wait`. But a shell's job table knows, and
 * the builtin `jobs` tells: `Done(143)` or `Exit 143` after an exit, the signal's name otherwise.
 * dash and busybox still list a job after `wait`; bash only inside a CHLD trap. `self-test.ts`
 * proves at start that the shell of this machine does. The trap ends bash's `wait`, so it waits
 * twice; but of a command that was quicker than the first `wait` the second one knows nothing
 * (127). Hence what the job table says of an exit status counts.
 *
 * A shell without job control gives `&` children an empty input, whatever it has itself: hence the
 * detour of it over descriptor 4.
 *
 * A shell without job control also makes `&` children ignore SIGINT and SIGQUIT. bash takes that
 * back by `trap -`; dash cannot, so there env(1) does (coreutils 8.31 and later). With busybox the
 * two stay ignored in the command until it sets them itself.
 */
import { unreachable } from "../../../worker/std/assert.ts";

/** How the supervisor's last words read. `signal`: its number. */
export type CommandEnd =
  | { readonly kind: "EXITED"; readonly code: number }
  | { readonly kind: "SIGNALED"; readonly signal: number; readonly coreDumped: boolean };

/** The exit status of a command that was never started; `.ended` says why. */
export const REFUSED_STATUS = 125;

/** Turns `RIMROCK_ENV_<i>`, each holding NAME=value, into the environment, and becomes the command.
 * Arguments: the count of them, then the argv. */
export const BECOME_SCRIPT = `unset LC_ALL PWD OLDPWD
RIMROCK_ENV_COUNT=$1
shift
while [ "$RIMROCK_ENV_COUNT" -gt 0 ]; do
  RIMROCK_ENV_COUNT=$((RIMROCK_ENV_COUNT - 1))
  eval "export \\"\\$RIMROCK_ENV_$RIMROCK_ENV_COUNT\\"; unset RIMROCK_ENV_$RIMROCK_ENV_COUNT"
done
unset RIMROCK_ENV_COUNT
exec "$@"`;

/**
 * Runs in the namespaces of another container: back to the directory that the change of mount
 * namespace lost, without the descriptors that named the namespaces.
 * Arguments: the directory, then an argv.
 */
export const INSIDE_SCRIPT = `exec 5<&- 6<&- 7<&- 8<&-
cd "$1" || exit ${REFUSED_STATUS}
shift
exec "$@"`;

/**
 * What the command-to-be can do, each in a word; `instructions.ts` makes the sentences. What was
 * mounted is compared with what was asked for (device and inode), so that a link which somebody
 * puts into a path in between leads nowhere. A namespace of users is made by a process that is
 * there for nothing else: its map can be written once it is in it, and a mount keeps it.
 * `machine`: the way to the machine's own files, past whatever is mounted over them here.
 *
 * mount(8) since util-linux 2.39 has a way of mounting that takes no option of more than 256 bytes
 * (fsconfig(2)), which the names of an image's layers are: hence the older one.
 */
export const COMMAND_FUNCTIONS = `refuse() {
  echo "refused $1" >&3
  exit ${REFUSED_STATUS}
}
mount_all() {
  cd "$2" || refuse "Failed to change to $2"
  why=$(LIBMOUNT_FORCE_MOUNT2=always "$1" -a -n -c -T "$machine$3" 2>&1) || {
    set -f
    set -- $why
    refuse "Failed to mount: $*"
  }
}
expect() {
  found=$("$1" -c %d:%i "$2" 2>&1)
  [ "$found" = "$3" ] || refuse "$2 was exchanged while it was being mounted"
}
name_host() {
  echo "$1" 2>/dev/null >"$machine/proc/sys/kernel/hostname" ||
    refuse "Failed to set the host name"
}
own_users() {
  holder=$("$4" --user sleep 60 >/dev/null 2>&1 & echo "$!")
  tries=0
  until (echo "0 $1 $2" >"/proc/$holder/uid_map") 2>/dev/null; do
    tries=$((tries + 1))
    kill -0 "$holder" 2>/dev/null && [ "$tries" -lt 20000 ] ||
      refuse "Failed to make users of its own"
  done
  echo "0 $1 $2" 2>/dev/null >"/proc/$holder/gid_map" &&
    "$5" -n --bind "/proc/$holder/ns/user" "$3" 2>/dev/null ||
    refuse "Failed to keep users of its own"
  kill -9 "$holder"
}
join() {
  echo 0 2>/dev/null >"$machine$1" || refuse "Failed to enter the cgroup by $1"
}
limit() {
  read -r self rest </proc/self/stat
  why=$($1 --pid "$self" 2>&1) || refuse "Failed to set its limits: $why"
}
go_to() {
  cd "$1" || refuse "Failed to change to $1"
}
trap 'refuse "The agent ended before it had said what to run"' EXIT
`;

/** Starts the command-to-be, waits for it, and records how it ended. */
const LEAD = `forget() {
  exec </dev/null >/dev/null 2>&1 4<&- 5<&- 6<&- 7<&- 8<&- 9<&-
  cd /
}
begin() {
  trap - INT QUIT
  exec "$@" <&9 9<&-
}
lead() {
  if [ -n "$BASH_VERSION" ]; then trap 'jobs >&3' CHLD; fi
  begin "$@" &
  [ "$init" = init ] || echo "$!" >>"$record.started"
  forget
  wait "$!"
  status=$?
  if [ -n "$BASH_VERSION" ]; then
    wait "$!"
    again=$?
    [ "$again" = 127 ] || status=$again
  else
  jobs >&3
  fi
  echo "$status end" >&3
}`;

/**
 * Arguments: the path of the records without suffix; `init` (a first process for a process id
 * namespace is wanted) or nothing; the argv of the shell that becomes the command.
 */
export const SUPERVISOR_SCRIPT = `record=$1 init=$2
shift 2
${LEAD}
read -r boot </proc/sys/kernel/random/boot_id
read -r line </proc/$$/stat
exec 3>>"$record.ended" 4<&0
echo >&3 && echo "$boot $line" >"$record.started" || exit 1
if [ "$init" != init ]; then
  lead "$@"
  exit
fi
lead "$@" &
echo "$!" >>"$record.started"
forget
wait "$!"
status=$?
[ "$status" -le 128 ] || echo "[1] + Killed
$status end" >&3`;

/** Reads `<id>.ended`; undefined while it is not wholly written. */
export function parseEnded(text: string): CommandEnd | undefined {
  const last = /(?:^|\n)(\d+) end\n$/.exec(text);
  if (last === null) return undefined;
  const status = Number(last[1]);
  // "[1] + Done(143)", "[1]+  Exit 143   command", "[1]+  Segmentation fault (core dumped)"
  const job = [...text.matchAll(/^\[\d+\]\s*[+-]?\s*(\S.*)$/gm)].at(-1)?.[1];
  const exit = /^(?:Done(?:\((\d+)\))?|Exit (\d+))(?!\S)/.exec(job ?? "");
  if (exit !== null) return { kind: "EXITED", code: Number(exit[1] ?? exit[2] ?? status) };
  if (job === undefined || status <= 128) return { kind: "EXITED", code: status };
  return { kind: "SIGNALED", signal: status - 128, coreDumped: job.includes("core dumped") };
}

/** Why the command was never started, if that is so. */
export function parseRefusal(text: string): string | undefined {
  return /^refused (.*)$/m.exec(text)?.[1];
}

/** Whether the container looks as its command sees it, from `<id>.ended`. */
export function parseReady(text: string): boolean {
  return /^ready$/m.test(text);
}

/** wait(2)'s raw status: what the kernel would have told the parent. */
export function waitStatusOf(end: CommandEnd): number {
  switch (end.kind) {
    case "EXITED":
      return end.code << 8;
    case "SIGNALED":
      return end.signal | (end.coreDumped ? 0x80 : 0);
    default:
      return unreachable(end);
  }
}

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
 * It is opened at the start and written through descriptor 3: by the end, the supervisor's mount
 * namespace may show something else at its path. The command gets no descriptor but 0, 1 and 2.
 *
 * In a process id namespace the supervisor's only child is the namespace's first process: a fork of
 * the same shell that plays init. It does what the supervisor does otherwise (`lead`); the command
 * cannot be the first process itself, whom signals of its own namespace do not reach. When it ends,
 * the kernel kills everything else in the namespace.
 *
 * What the container's file system and host name look like is set up by a child of the
 * command-to-be (`setup`), with the agent's rights, after that one has entered its cgroups: the
 * mounts make them read-only. The child leaves them again as far as they would slow it down.
 *
 * Exit status or signal? `$?` is 143 for both `exit 143` and SIGTERM. Reading the zombie's exit
 * code in /proc is no way out: every shell reaps within `wait`. But a shell's job table knows, and
 * the builtin `jobs` tells: `Done(143)` or `Exit 143` after an exit, the signal's name otherwise.
 * dash and busybox still list a job after `wait`; bash only inside a CHLD trap. `self-test.ts`
 * proves at start that the shell of this machine does.
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
 * What was mounted is compared with what was asked for (device and inode), so that a link which
 * somebody puts into a path in between leads nowhere.
 */
const SETUP = `refuse() {
  echo "refused $1" >&3
  exit ${REFUSED_STATUS}
}
setup() {
  [ -z "$home" ] || echo 0 2>/dev/null >"$home"
  if [ -n "$hostname" ]; then
    echo "$hostname" 2>/dev/null >/proc/sys/kernel/hostname || refuse "Failed to set the host name"
  fi
  cd "$base" || refuse "Failed to change to $base"
  why=$("$mount" -a -n -c -T "$record.mounts" 2>&1) || {
    set -f
    set -- $why
    refuse "Failed to mount: $*"
  }
  count=$1
  expected=$2
  shift 2
  while [ "$count" -gt 0 ]; do
    found=$("$stat" -c %d:%i "$1" 2>&1)
    [ "$found" = "\${expected%% *}" ] || refuse "$1 was exchanged while it was being mounted"
    expected=\${expected#* }
    shift
    count=$((count - 1))
  done
}`;

/** Becomes the command. */
const ENTER = `enter() {
  trap - INT QUIT
  joins=$1
  shift
  while [ "$joins" -gt 0 ]; do
    echo 0 2>/dev/null >"$1" || refuse "Failed to enter the cgroup by $1"
    shift
    joins=$((joins - 1))
  done
  if [ -n "$mount" ]; then
    (setup "$@") || exit ${REFUSED_STATUS}
    cd "$directory" || refuse "Failed to change to $directory"
  fi
  echo ready >&3
  shift "$(($1 + 2))"
  [ -z "$adjust" ] || echo "$adjust" 2>/dev/null >/proc/self/oom_score_adj
  if [ -n "$rlimits" ]; then
    read -r self rest </proc/self/stat
    why=$($rlimits --pid "$self" 2>&1) || refuse "Failed to set its limits: $why"
  fi
  exec <&4 4<&- 3>&-
  how=$1
  shift
  [ "$how" = become ] || exec "$@"
  ${BECOME_SCRIPT}
}`;

/** Starts the command, waits for it, and records how it ended. */
const LEAD = `forget() {
  exec </dev/null >/dev/null 2>&1 4<&- 5<&- 6<&- 7<&- 8<&-
  cd /
}
lead() {
  if [ -n "$BASH_VERSION" ]; then trap 'jobs >&3' CHLD; fi
  enter "$@" &
  [ "$init" = init ] || echo "$!" >>"$record.started"
  forget
  wait "$!"
  status=$?
  if [ -n "$BASH_VERSION" ]; then
    wait "$!"
    status=$?
  else
  jobs >&3
  fi
  echo "$status end" >&3
}`;

/**
 * Arguments:
 *   1 path of the records without suffix
 *   2 `init`: a first process for a process id namespace is wanted; `inside`: descriptors 5 to 8
 *     are for the command's way into another container
 *   3 mount(8), which gets the table `<id>.mounts` (empty: no setup, nor any of 4 to 7), 4 stat(1),
 *   5 the host name (empty: as it is), 6 where the table's relative paths begin, 7 the command's
 *     directory
 *   8 the out-of-memory score (empty: as it is)
 *   9 the call of prlimit(1) without the process (empty: none)
 *  10 the file by which the setup leaves the command's cgroup (empty: it stays)
 *     the count of files to write 0 to, and these files
 *     the count of mounted paths to compare, what stat has to say of each, and these paths
 *     `become` and what BECOME_SCRIPT takes; or `exec` and an argv that leads there after
 *     a change of user or namespaces: nothing of the container's environment may reach a program
 *     that still runs as root
 */
export const SUPERVISOR_SCRIPT = `record=$1 init=$2 mount=$3 stat=$4 hostname=$5 base=$6 directory=$7 adjust=$8 rlimits=$9
shift 9
home=$1
shift
${SETUP}
${ENTER}
${LEAD}
read -r boot </proc/sys/kernel/random/boot_id
read -r line </proc/$$/stat
echo "$boot $line" >"$record.started" || exit 1
exec 3>>"$record.ended" 4<&0
[ "$init" = inside ] || exec 5<&- 6<&- 7<&- 8<&-
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
  if (job === undefined || status <= 128 || /^(?:Done|Exit)\b/.test(job)) {
    return { kind: "EXITED", code: status };
  }
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

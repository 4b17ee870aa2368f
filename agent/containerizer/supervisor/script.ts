/**
 * The supervisor: the one small shell that is a container's parent and outlives the agent.
 *
 * It stays outside the container's cgroups, so that neither the OOM killer nor a kill of the whole
 * container takes it, and it leaves two files in the runtime directory:
 *   <id>.started   line 1: boot id and its own /proc/<pid>/stat; line 2: the command's process id
 *   <id>.ended     the shell's own report of the job, then `<status> end`
 * No other process is started for a container. `mv` would be one (a millisecond at every end), so
 * `.ended` is not renamed into place: a file that lacks its `end` line counts as not written, which
 * gives a reader the same promise. The kernel's boot id stands for everything a crash could tear.
 *
 * Exit status or signal? `$?` is 143 for both `exit 143` and SIGTERM. Reading the zombie's exit
 * code in /proc is no way out: every shell reaps within `wait`. But a shell's job table knows, and
 * the builtin `jobs` tells: `Done(143)` or `Exit 143` after an exit, the signal's name otherwise.
 * dash and busybox still list a job after `wait`; bash only inside a CHLD trap. `self-test.ts`
 * proves at start that the shell of this machine does.
 *
 * A shell without job control gives `&` children an empty input, whatever it has itself: hence the
 * detour of it over descriptor 3.
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

/** The exit status by which the supervisor's child says that it wrote `<id>.refused`. */
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
 * Arguments: path of the records without suffix; count of the files to write 0 to, and these files;
 * then `become` and what BECOME_SCRIPT takes, or `exec` and an argv (which leads to BECOME_SCRIPT
 * after a change of user: nothing of the container's environment may reach a program that still
 * runs as root).
 */
export const SUPERVISOR_SCRIPT = `record=$1
shift
run() {
  trap - INT QUIT
  joins=$1
  shift
  while [ "$joins" -gt 0 ]; do
    if ! echo 0 2>/dev/null >"$1"; then
      echo "Failed to enter the cgroup by $1" >"$record.refused"
      exit ${REFUSED_STATUS}
    fi
    shift
    joins=$((joins - 1))
  done
  how=$1
  shift
  [ "$how" = become ] || exec "$@"
  ${BECOME_SCRIPT}
}
read -r boot </proc/sys/kernel/random/boot_id
read -r stat </proc/$$/stat
echo "$boot $stat" >"$record.started" || exit 1
if [ -n "$BASH_VERSION" ]; then trap 'jobs >"$record.ended"' CHLD; fi
exec 3<&0
run "$@" <&3 3<&- &
echo "$!" >>"$record.started"
exec </dev/null >/dev/null 2>&1 3<&-
cd /
wait "$!"
status=$?
if [ -n "$BASH_VERSION" ]; then
  wait "$!"
  status=$?
else
  jobs >"$record.ended"
fi
echo "$status end" >>"$record.ended"`;

/** Reads `<id>.ended`; undefined while it is not wholly written. */
export function parseEnded(text: string): CommandEnd | undefined {
  const last = /(?:^|\n)(\d+) end\n$/.exec(text);
  if (last === null) return undefined;
  const status = Number(last[1]);
  // "[1] + Done(143)", "[1]+  Exit 143   command", "[1]+  Segmentation fault (core dumped)"
  const job = /^\[\d+\]\s*[+-]?\s*(\S.*)\n/.exec(text)?.[1];
  if (job === undefined || status <= 128 || /^(?:Done|Exit)\b/.test(job)) {
    return { kind: "EXITED", code: status };
  }
  return { kind: "SIGNALED", signal: status - 128, coreDumped: job.includes("core dumped") };
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

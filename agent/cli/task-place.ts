/** A task by the word that somebody gives for it, and where it lives. */
import { isTerminal } from "../../worker/protocol/task-state.ts";
import type * as mesos from "../../worker/protocol/v1/mesos.ts";
import type { Operator } from "../../worker/sdk/operator.ts";
import { nearest } from "../../worker/std/nearest.ts";
import { err, ok, type Result } from "../../worker/std/result.ts";

/** How many of several that are meant a sentence lists. */
const LISTED = 10;

/**
 * By its id, its name, or how its id begins, in that order; of the same id the one that lives, or
 * lived last. The error is a sentence.
 */
export async function findTask(
  operator: Operator,
  word: string,
): Promise<Result<mesos.Task, string>> {
  return pickTask(await allTasks(operator), word);
}

/** The oldest first. */
export async function allTasks(operator: Operator): Promise<readonly mesos.Task[]> {
  const { get_tasks: answer = {} } = await operator.ask({ type: "GET_TASKS" });
  const { completed_tasks = [], unreachable_tasks = [], tasks = [] } = answer;
  return [...completed_tasks, ...unreachable_tasks, ...tasks];
}

export function pickTask(tasks: readonly mesos.Task[], word: string): Result<mesos.Task, string> {
  const ways: readonly ((task: mesos.Task) => boolean)[] = [
    ({ task_id }) => task_id.value === word,
    ({ name }) => name === word,
    ({ task_id }) => task_id.value.startsWith(word),
  ];
  for (const isMeant of ways) {
    const found = tasks.filter(isMeant);
    if (found.length > 0) return oneOf(found, word);
  }
  const known = tasks.flatMap(({ task_id, name }) => [task_id.value, name]);
  const near = nearest(word, known);
  const hint = near === undefined ? "see: rimrock task list --all" : `did you mean "${near}"?`;
  return err(`there is no task "${word}": ${hint}`);
}

function oneOf(found: readonly mesos.Task[], word: string): Result<mesos.Task, string> {
  const byId = new Map<string, mesos.Task>();
  for (const task of found) {
    const key = `${task.framework_id.value} ${task.task_id.value}`;
    const before = byId.get(key);
    // Those that are over come first: a later one is the newer, or alive.
    if (before === undefined || isTerminal(before.state)) byId.set(key, task);
  }
  const several = [...byId.values()];
  const alive = several.filter(({ state }) => !isTerminal(state));
  const [only] = alive.length === 1 ? alive : several;
  if (only !== undefined && (several.length === 1 || alive.length === 1)) return ok(only);
  const list = several
    .slice(-LISTED)
    .map((task) => `${task.task_id.value} (${task.state}, framework ${task.framework_id.value})`);
  const more = several.length > LISTED ? `, and ${several.length - LISTED} more` : "";
  return err(`"${word}" may be one of ${several.length} tasks: ${list.join(", ")}${more}`);
}

/** Undefined: it has not got that far, or never did. */
export function containerOf({ statuses = [] }: mesos.Task): mesos.ContainerID | undefined {
  return statuses.flatMap(({ container_status }) => container_status?.container_id ?? []).at(-1);
}

/** Its sandbox, as its agent shows it. */
export function sandboxOf(task: mesos.Task): string {
  const executor = task.executor_id?.value || task.task_id.value;
  const runs = `/frameworks/${task.framework_id.value}/executors/${executor}/runs`;
  const container = containerOf(task);
  if (container === undefined) return `${runs}/latest`;
  const { value, parent } = container;
  return parent === undefined ? `${runs}/${value}` : `${runs}/${parent.value}/containers/${value}`;
}

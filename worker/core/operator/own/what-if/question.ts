/** What is to be tried: names become rows, texts amounts, and what is too much is refused. */
import type * as own from "../../../../protocol/own/operator.ts";
import type { Quantities } from "../../../../resources/resource.ts";
import { ANY_ROLE, checkRole } from "../../../../resources/roles.ts";
import { err, ok, type Result } from "../../../../std/result.ts";
import type { CallError } from "../../../call-error.ts";
import type { AgentRow, FrameworkRow } from "../../../rows.ts";
import type { MasterState } from "../../../state.ts";
import { agentNamed, frameworkNamed, shapeOf } from "../names.ts";

export interface TasksWish {
  readonly text: string;
  readonly shape: Quantities;
  readonly count: number;
  readonly role: string;
  /** Undefined: a new one, that wants nothing else. */
  readonly framework: FrameworkRow | undefined;
}

export interface Trial {
  readonly quotas: readonly own.WhatIfQuota[];
  readonly weights: NonNullable<own.WhatIf["weights"]>;
  readonly priorities: readonly own.RolePriority[];
  readonly agents: readonly { readonly like: AgentRow; readonly count: number }[];
  readonly tasks: readonly TasksWish[];
  readonly gone: readonly AgentRow[];
  readonly drained: readonly AgentRow[];
}

/** Everything happens in one turn of the master, and is undone in it: others wait meanwhile. */
const AGENTS_MOST = 200;
const TASKS_MOST = 500;
const CHANGES_MOST = 100;
const ROWS_MOST = 20_000;
/** What operators set for roles takes back all offers that there are. */
const OFFERS_MOST = 1_000;

/** Yields where the reader may pause. */
export function* trialOf(
  state: MasterState,
  asked: own.WhatIf,
): Generator<undefined, Result<Trial, CallError>> {
  const tooLarge = tooLargeFor(state, asked);
  if (tooLarge !== undefined) return err(tooLarge);
  const agents: Trial["agents"][number][] = [];
  for (const { like, count = 1 } of asked.agents ?? []) {
    const agent = agentNamed(state, like);
    if (!agent.ok) return agent;
    agents.push({ like: agent.value, count });
  }
  const gone = agentsNamed(state, asked.gone ?? []);
  if (!gone.ok) return gone;
  const drained = agentsNamed(state, asked.drained ?? []);
  if (!drained.ok) return drained;
  const tasks: TasksWish[] = [];
  for (const wish of asked.tasks ?? []) {
    const parsed = yield* tasksOf(state, wish);
    if (!parsed.ok) return parsed;
    tasks.push(parsed.value);
  }
  const { quotas = [], weights = [], priorities = [] } = asked;
  const trial = { quotas, weights, priorities, agents, tasks };
  return ok({ ...trial, gone: gone.value, drained: drained.value });
}

function agentsNamed(
  state: MasterState,
  names: readonly string[],
): Result<readonly AgentRow[], CallError> {
  const agents: AgentRow[] = [];
  for (const name of names) {
    const agent = agentNamed(state, name);
    if (!agent.ok) return agent;
    if (!agents.includes(agent.value)) agents.push(agent.value);
  }
  return ok(agents);
}

function* tasksOf(
  state: MasterState,
  { resources: text, count = 1, role, framework: name }: own.WhatIfTasks,
): Generator<undefined, Result<TasksWish, CallError>> {
  const shape = shapeOf(text);
  if (!shape.ok) return shape;
  const framework = name === undefined ? undefined : yield* frameworkNamed(state, name);
  if (framework !== undefined && !framework.ok) return framework;
  const wished = role ?? framework?.value.roles[0] ?? ANY_ROLE;
  const problem = checkRole(wished);
  if (problem !== undefined) return err({ code: "ROLE_INVALID", role: wished, problem });
  const row = framework?.value;
  if (row !== undefined && row.connection.state !== "CONNECTED") {
    return err({ code: "TRIAL_FRAMEWORK_AWAY", frameworkId: row.id });
  }
  if (row !== undefined && !row.roles.includes(wished)) {
    return err({ code: "TRIAL_ROLE_NOT_SUBSCRIBED", frameworkId: row.id, role: wished });
  }
  return ok({ text, shape: shape.value, count, role: wished, framework: row });
}

function tooLargeFor({ tables }: MasterState, asked: own.WhatIf): CallError | undefined {
  const { quotas = [], weights = [], priorities = [], gone = [], drained = [] } = asked;
  const { agents = [], tasks = [] } = asked;
  const setsRoles = quotas.length + weights.length + priorities.length > 0;
  const counts = [
    ["agents", sumOf(agents), AGENTS_MOST],
    ["tasks", sumOf(tasks), TASKS_MOST],
    [
      "changes",
      [quotas, weights, priorities, gone, drained, agents, tasks].reduce(
        (sum, { length }) => sum + length,
        0,
      ),
      CHANGES_MOST,
    ],
    [
      "rows",
      tables.agent.size + tables.task.size + tables.offer.size + tables.executor.size,
      ROWS_MOST,
    ],
    ["offers", setsRoles ? tables.offer.size : 0, OFFERS_MOST],
  ] as const;
  for (const [what, count, most] of counts) {
    if (count > most) return { code: "TRIAL_TOO_LARGE", what, count, most };
  }
  const [, , [, changes]] = counts;
  return changes === 0 ? { code: "TRIAL_EMPTY" } : undefined;
}

function sumOf(items: readonly { readonly count?: number }[]): number {
  return items.reduce((sum, { count = 1 }) => sum + count, 0);
}

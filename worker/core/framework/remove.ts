/** The end of a framework: TEARDOWN, or nobody came back in time. */

import type { FrameworkId } from "../../protocol/ids.ts";
import { isTerminal } from "../../protocol/task-state.ts";
import { enqueueCommand } from "../agent/commands.ts";
import { endExecutors } from "../agent/executors.ts";
import { COMPLETED_FRAMEWORKS_MAX } from "../constants.ts";
import { forgetFilters } from "../offer/filter.ts";
import { withdrawOffers } from "../offer/offer.ts";
import { endOperations } from "../operation/feedback.ts";
import type { AgentCommand, FrameworkRow } from "../rows.ts";
import { newSeq } from "../state.ts";
import { completeTask, withStatus } from "../task/complete.ts";
import { forgetCompleted, ringOf } from "../task/completed.ts";
import type { Turn } from "../turn.ts";

/**
 * Its agents end its executors, its tasks are booked as killed (nobody is told: there is no stream
 * left to tell), its id is refused while the completed list remembers it.
 */
export function removeFramework(turn: Turn, framework: FrameworkRow): void {
  const { tables } = turn.state;
  withdrawOffers(turn, framework.id);
  forgetFilters(turn, framework.id);
  endTasks(turn, framework);
  endOperations(turn, framework);
  endExecutors(turn, framework);
  if (framework.connection.state === "CONNECTED") {
    tables.stream.delete(framework.connection.streamId);
    turn.effects.push({ type: "CLOSE_STREAM", streamId: framework.connection.streamId });
  }
  tables.framework.delete(framework.id);
  tables.completedFramework.put({
    seq: newSeq(turn.state),
    id: framework.id,
    info: framework.info,
    frameworkSeq: framework.seq,
    registeredMs: framework.registeredMs,
    reregisteredMs: framework.reregisteredMs,
    unregisteredMs: turn.nowMs,
  });
  for (const oldest of [...tables.completedFramework.values()]) {
    if (tables.completedFramework.size <= COMPLETED_FRAMEWORKS_MAX) break;
    tables.completedFramework.delete(oldest.id);
    forgetCompleted(turn.state, ringOf(oldest.frameworkSeq));
  }
}

function endTasks(turn: Turn, framework: FrameworkRow): void {
  const { index } = turn.state;
  const tasks = index.tasksOfFramework(framework.id);
  const runs = [...tasks, ...index.executorsOfFramework(framework.id)];
  for (const agentId of new Set(runs.map((run) => run.agentId))) {
    const agent = turn.state.tables.agent.get(agentId);
    if (agent === undefined) continue;
    dropCommands(turn, agentId, framework.id);
    enqueueCommand(turn, agent, { type: "SHUTDOWN_FRAMEWORK", frameworkId: framework.id });
  }
  for (const task of tasks) {
    // One that has ended keeps its end, told or not: a terminal task never changes its state.
    if (isTerminal(task.state)) {
      completeTask(turn, task);
      continue;
    }
    const killed = withStatus(turn, task, {
      state: "TASK_KILLED",
      reason: "REASON_FRAMEWORK_REMOVED",
      message: `Framework ${framework.id} was removed`,
    });
    completeTask(turn, killed);
  }
}

const COVERED: readonly AgentCommand["type"][] = [
  "RUN_TASK",
  "RUN_TASK_GROUP",
  "KILL_TASK",
  "UPDATE_FRAMEWORK",
];

/** Commands about the framework and its single tasks: a shutdown covers what they ask for. */
function dropCommands(turn: Turn, agentId: string, frameworkId: FrameworkId): void {
  for (const row of turn.state.index.commandsOfAgent(agentId)) {
    if (!COVERED.includes(row.command.type)) continue;
    if (!("frameworkId" in row.command)) continue;
    if (row.command.frameworkId === frameworkId) {
      turn.state.tables.command.delete(String(row.seq));
    }
  }
}

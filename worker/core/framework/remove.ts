/** The end of a framework: TEARDOWN, or nobody came back in time. */

import type { FrameworkId } from "../../protocol/ids.ts";
import { isTerminal } from "../../protocol/task-state.ts";
import { enqueueCommand } from "../agent/commands.ts";
import { COMPLETED_FRAMEWORKS_MAX } from "../constants.ts";
import { forgetFilters } from "../offer/filter.ts";
import { withdrawOffers } from "../offer/offer.ts";
import type { FrameworkRow } from "../rows.ts";
import { newSeq } from "../state.ts";
import { completeTask, withStatus } from "../task/complete.ts";
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
  if (framework.connection.state === "CONNECTED") {
    tables.stream.delete(framework.connection.streamId);
    turn.effects.push({ type: "CLOSE_STREAM", streamId: framework.connection.streamId });
  }
  tables.framework.delete(framework.id);
  tables.completedFramework.put({
    seq: newSeq(turn.state),
    id: framework.id,
    info: framework.info,
    registeredMs: framework.registeredMs,
    reregisteredMs: framework.reregisteredMs,
    unregisteredMs: turn.nowMs,
  });
  for (const oldest of [...tables.completedFramework.values()]) {
    if (tables.completedFramework.size <= COMPLETED_FRAMEWORKS_MAX) break;
    tables.completedFramework.delete(oldest.id);
  }
}

function endTasks(turn: Turn, framework: FrameworkRow): void {
  const tasks = turn.state.index.tasksOfFramework(framework.id);
  for (const agentId of new Set(tasks.map((task) => task.agentId))) {
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

/**
 * The commands about single tasks of the framework have lost their object: the shutdown covers
 * them.
 */
function dropCommands(turn: Turn, agentId: string, frameworkId: FrameworkId): void {
  for (const row of turn.state.index.commandsOfAgent(agentId)) {
    if (row.command.type !== "RUN_TASK" && row.command.type !== "KILL_TASK") continue;
    if (row.command.frameworkId === frameworkId) {
      turn.state.tables.command.delete(String(row.seq));
    }
  }
}

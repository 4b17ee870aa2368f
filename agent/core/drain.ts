/**
 * Draining (http-semantics 13.3): the agent gets rid of its tasks and takes no new ones. It is over
 * when no run is left and every update is acknowledged; whether the agent is used again is the
 * master's affair. `whileDraining` (status.ts) is what the tasks' updates say meanwhile.
 */
import type * as link from "../../worker/protocol/link/messages.ts";
import { milliseconds, taskGraceMs } from "./grace.ts";
import { isAbandoned, killRun } from "./runs.ts";
import { type AgentState, newSeq, type StepContext } from "./state.ts";

export function startDrain(state: AgentState, context: StepContext, command: link.Command): void {
  const config = command.drain?.config;
  if (config === undefined) return;
  const seq = state.drain.get("drain")?.seq ?? newSeq(state);
  state.drain.put({ seq, marksGone: config.mark_gone === true });
  const longestMs = milliseconds(config.max_grace_period);
  for (const run of [...state.run.values()]) {
    if (isAbandoned(run)) continue;
    const graceMs = taskGraceMs(run);
    killRun(state, context, run, {
      cause: "KILLED",
      // Where no longest grace is named, a kill that is under way keeps its own.
      graceMs: longestMs === undefined ? undefined : Math.min(graceMs, longestMs),
      defaultGraceMs: graceMs,
    });
  }
}

export function endDrain(state: AgentState): void {
  if (state.run.size === 0 && state.update.size === 0) state.drain.delete("drain");
}

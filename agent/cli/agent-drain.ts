import { parseDurationMs } from "../../worker/std/duration.ts";
import { agentIdOf } from "./agent-name.ts";
import { changeEach, wrongUsage } from "./change.ts";
import { defineCommand } from "./command.ts";

export const agentDrain = defineCommand({
  name: "agent drain",
  summary: "Kill the tasks of agents and offer nothing more of them",
  description: `An agent is DRAINED when its last task has ended and its framework knows: see
"rimrock agent list". Then it can be maintained, and "rimrock agent reactivate" brings it back.`,
  flags: {
    "max-grace": {
      kind: "text",
      placeholder: "DURATION",
      help: "what a task gets to end by itself at most, such as 30secs; else what it asked for",
    },
    "mark-gone": { kind: "switch", help: "the agent is never to come back once it is drained" },
  },
  operands: { kind: "words", placeholder: "AGENT..." },
  examples: ["rimrock agent drain S1", "rimrock agent drain S1 S2 --max-grace 30secs"],
  run: (values, context) => {
    const text = values["max-grace"];
    const grace = text === undefined ? undefined : parseDurationMs(text);
    if (grace !== undefined && (!grace.ok || grace.value < 0)) {
      const problem = `--max-grace is a duration such as 30secs or 5mins, not "${text}"`;
      return Promise.resolve(wrongUsage(problem, context.terminal));
    }
    const nanoseconds = grace && BigInt(Math.round(grace.value * 1e6));
    return changeEach(
      {
        names: "agent id",
        idOf: agentIdOf,
        done: "is being drained",
        call: (value) => ({
          type: "DRAIN_AGENT",
          drain_agent: {
            agent_id: { value },
            max_grace_period: nanoseconds === undefined ? undefined : durationMessage(nanoseconds),
            mark_gone: values["mark-gone"],
          },
        }),
      },
      context,
    );
  },
});

function durationMessage(nanoseconds: bigint): { seconds: bigint; nanos: number } {
  const second = 1_000_000_000n;
  return { seconds: nanoseconds / second, nanos: Number(nanoseconds % second) };
}

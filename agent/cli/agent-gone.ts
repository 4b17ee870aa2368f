import { agentIdOf } from "./agent-name.ts";
import { changeEach } from "./change.ts";
import { defineCommand } from "./command.ts";

export const agentGone = defineCommand({
  name: "agent gone",
  summary: "Declare that agents will never come back; this cannot be undone",
  description: `Their tasks count as gone. An agent that is there is told to end; one that comes back later
is refused.`,
  flags: {},
  operands: { kind: "words", placeholder: "AGENT..." },
  examples: ["rimrock agent gone S1"],
  run: (_values, context) =>
    changeEach(
      {
        names: "agent id",
        idOf: agentIdOf,
        done: "is gone",
        call: (value) => ({ type: "MARK_AGENT_GONE", mark_agent_gone: { agent_id: { value } } }),
      },
      context,
    ),
});

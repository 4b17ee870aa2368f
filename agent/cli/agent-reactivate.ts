import { agentIdOf } from "./agent-name.ts";
import { changeEach } from "./change.ts";
import { defineCommand } from "./command.ts";

export const agentReactivate = defineCommand({
  name: "agent reactivate",
  summary: "Offer agents again that were deactivated or drained",
  flags: {},
  operands: { kind: "words", placeholder: "AGENT..." },
  examples: ["rimrock agent reactivate S1"],
  run: (_values, context) =>
    changeEach(
      {
        names: "agent id",
        idOf: agentIdOf,
        done: "is active again",
        call: (value) => ({ type: "REACTIVATE_AGENT", reactivate_agent: { agent_id: { value } } }),
      },
      context,
    ),
});

import { agentIdOf } from "./agent-name.ts";
import { changeEach } from "./change.ts";
import { defineCommand } from "./command.ts";

export const agentDeactivate = defineCommand({
  name: "agent deactivate",
  summary: "Offer nothing more of agents; their tasks stay",
  flags: {},
  operands: { kind: "words", placeholder: "AGENT..." },
  examples: ["rimrock agent deactivate S1"],
  run: (_values, context) =>
    changeEach(
      {
        names: "agent id",
        idOf: agentIdOf,
        done: "is deactivated",
        call: (value) => ({ type: "DEACTIVATE_AGENT", deactivate_agent: { agent_id: { value } } }),
      },
      context,
    ),
});

import { wrongUsage } from "./change.ts";
import { defineCommand } from "./command.ts";
import { printWhy } from "./why.ts";

export const whyRole = defineCommand({
  name: "why role",
  summary: "Say why the frameworks of a role, and of those below it, are offered what they are",
  flags: {
    agent: { kind: "text", placeholder: "AGENT", help: "only this agent: its id, S1, or its host" },
  },
  operands: { kind: "words", placeholder: "ROLE" },
  examples: ["rimrock why role batch", "rimrock why role batch --agent S1"],
  run: async ({ agent }, context) => {
    const [role, extra] = context.operands.words;
    if (role === undefined || extra !== undefined) {
      return wrongUsage("name one role", context.terminal);
    }
    return printWhy({ role, agent }, context);
  },
});

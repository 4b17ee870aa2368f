import { wrongUsage } from "./change.ts";
import { defineCommand } from "./command.ts";
import { printWhy } from "./why.ts";

export const whyAgent = defineCommand({
  name: "why agent",
  summary: "Say who is offered an agent, and why the others are not",
  flags: {
    role: { kind: "text", placeholder: "ROLE", help: "only for this role and those below it" },
    framework: { kind: "text", placeholder: "FRAMEWORK", help: "only for this framework" },
  },
  operands: { kind: "words", placeholder: "AGENT" },
  examples: ["rimrock why agent S1", "rimrock why agent node-7.example --role batch"],
  run: async ({ role, framework }, context) => {
    const [agent, extra] = context.operands.words;
    if (agent === undefined || extra !== undefined) {
      return wrongUsage("name one agent: its id, S1, or its host", context.terminal);
    }
    return printWhy({ agent, role, framework }, context);
  },
});

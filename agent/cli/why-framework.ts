import { wrongUsage } from "./change.ts";
import { defineCommand } from "./command.ts";
import { printWhy } from "./why.ts";

export const whyFramework = defineCommand({
  name: "why framework",
  summary: "Say why a framework is offered what it is offered, and nothing else",
  description: `For every agent the reason why it is offered, or why not, with what would have to change; and
how the framework stands: its share, its offers in hand, and when it was made the last one.
Agents with the same reason are one line.`,
  flags: {
    role: { kind: "text", placeholder: "ROLE", help: "only this role of its roles" },
    agent: { kind: "text", placeholder: "AGENT", help: "only this agent: its id, S1, or its host" },
    task: { kind: "text", placeholder: "RESOURCES", help: "only what serves a task of this size" },
  },
  operands: { kind: "words", placeholder: "FRAMEWORK" },
  examples: [
    "rimrock why framework marathon",
    'rimrock why framework marathon --task "cpus:4;mem:8192" --json',
  ],
  run: async ({ role, agent, task: resources }, context) => {
    const [framework, extra] = context.operands.words;
    if (framework === undefined || extra !== undefined) {
      return wrongUsage("name one framework: its id or its name", context.terminal);
    }
    return printWhy({ framework, role, agent, resources }, context);
  },
});

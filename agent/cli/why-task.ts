import { wrongUsage } from "./change.ts";
import { defineCommand } from "./command.ts";
import { printWhy } from "./why.ts";

export const whyTask = defineCommand({
  name: "why task",
  summary: "Say where a task of this size could run, and why not elsewhere",
  description: `Amounts are written as an agent's resources are. Without a framework it is asked for one that
understands everything and has nothing yet; without a role, for what is reserved for nobody.`,
  flags: {
    role: {
      kind: "text",
      placeholder: "ROLE",
      help: "for this role: its quota, and what is reserved for it",
    },
    framework: { kind: "text", placeholder: "FRAMEWORK", help: "for this framework, as it stands" },
    agent: { kind: "text", placeholder: "AGENT", help: "only this agent: its id, S1, or its host" },
  },
  operands: { kind: "words", placeholder: "RESOURCES" },
  examples: ['rimrock why task "cpus:2;mem:512"', 'rimrock why task "cpus:2;mem:512" --role batch'],
  run: async ({ role, framework, agent }, context) => {
    const [resources, extra] = context.operands.words;
    if (resources === undefined || extra !== undefined) {
      return wrongUsage('name what the task needs, such as "cpus:2;mem:512"', context.terminal);
    }
    return printWhy({ resources, role, framework, agent }, context);
  },
});

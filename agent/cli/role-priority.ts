import { nothingNamed, operatorOf, wrongUsage } from "./change.ts";
import { defineCommand } from "./command.ts";

export const rolePriority = defineCommand({
  name: "role priority",
  summary: "Set priorities of roles: under the policy priority, higher ones come first",
  description: `A role is offered only what every role beside it with a higher priority was passed over with. Every
role has the priority 0 until it is set. Under another policy priorities are kept, and mean
nothing: see "rimrock policy show".`,
  flags: {},
  operands: { kind: "words", placeholder: "ROLE=PRIORITY..." },
  examples: ["rimrock role priority prod=10", "rimrock role priority prod=10 batch=-5"],
  run: async (_values, context) => {
    const { terminal, operands, json } = context;
    const priorities: { role: string; priority: number }[] = [];
    for (const word of operands.words) {
      const [, role = "", text = ""] = /^(.+)=(.+)$/.exec(word) ?? [];
      const priority = Number(text);
      if (role === "" || !Number.isInteger(priority)) {
        const form = "ROLE=PRIORITY with a whole number";
        return wrongUsage(`a priority is given as ${form}, not "${word}"`, terminal);
      }
      priorities.push({ role, priority });
    }
    if (priorities.length === 0) return nothingNamed("ROLE=PRIORITY", context);
    const operator = operatorOf(context);
    const name = "rimrock.operator.Priorities";
    await operator.put({ path: "/priorities", name, message: { priorities } });
    if (json) {
      terminal.out(`${JSON.stringify(priorities)}\n`);
      return 0;
    }
    for (const { role, priority } of priorities) {
      terminal.out(`${role} has priority ${priority}\n`);
    }
    const { policy } = await operator.get({ path: "/policy", answer: "rimrock.operator.Policy" });
    if (policy === "priority") return 0;
    terminal.err(
      `the policy is ${policy}, which does not look at priorities; rimrock policy set priority\n`,
    );
    return 0;
  },
});

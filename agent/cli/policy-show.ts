import { operatorOf } from "./change.ts";
import { defineCommand } from "./command.ts";
import { paint } from "./terminal.ts";

export const policyShow = defineCommand({
  name: "policy show",
  summary: "Show by which policy the cluster is shared out, and which others there are",
  flags: {},
  operands: { kind: "none" },
  examples: ["rimrock policy show", "rimrock policy show --json"],
  run: async (_values, context) => {
    const { terminal, json } = context;
    const { policy, policies = [] } = await operatorOf(context).get({
      path: "/policy",
      answer: "rimrock.operator.Policy",
    });
    if (json) {
      terminal.out(`${JSON.stringify({ policy, policies }, null, 2)}\n`);
      return 0;
    }
    const others = policies.filter((name) => name !== policy).join(", ");
    terminal.out(`${policy}\n${paint(terminal, "dim", `others: ${others}`)}\n`);
    return 0;
  },
});

import { operatorOf, wrongUsage } from "./change.ts";
import { defineCommand } from "./command.ts";

export const policySet = defineCommand({
  name: "policy set",
  summary: "Change the policy by which the cluster is shared out",
  description: `It holds at once and over restarts: all outstanding offers are taken back and made again by the
new policy. Running tasks stay. "rimrock policy show" names those that there are.`,
  flags: {},
  operands: { kind: "words", placeholder: "NAME" },
  examples: ["rimrock policy set priority"],
  run: async (_values, context) => {
    const { terminal, operands, json } = context;
    const [policy, extra] = operands.words;
    if (policy === undefined || extra !== undefined) {
      return wrongUsage("name one policy; rimrock policy show lists them", terminal);
    }
    const put = {
      path: "/policy",
      name: "rimrock.operator.SetPolicy",
      message: { policy },
    } as const;
    await operatorOf(context).put(put);
    terminal.out(json ? `${JSON.stringify({ policy })}\n` : `the policy is ${policy}\n`);
    return 0;
  },
});

import type * as own from "../../worker/protocol/own/operator.ts";
import { operatorOf, wrongUsage } from "./change.ts";
import { defineCommand } from "./command.ts";
import { outcomeText } from "./what-if-outcome.ts";
import { type TrialFlags, trialOf } from "./what-if-trial.ts";

export const whatIf = defineCommand({
  name: "what-if",
  summary: "Try what a change would come to: who would be offered what, and what would run",
  description: `Several changes are tried together, in a copy of the cluster as it is now: nothing of it happens.
A new framework is made up for tasks, unless --framework names one that is connected. Agents are
looked at in random order, so that with several of them it is one outcome of those there may be.
A role's quota takes the place of the one it has.`,
  flags: {
    quota: {
      kind: "texts",
      placeholder: "ROLE=RESOURCES",
      help: "a role's guarantee and limit: batch=cpus:10;mem:4096",
    },
    guarantee: { kind: "texts", placeholder: "ROLE=RESOURCES", help: "its guarantee alone" },
    limit: { kind: "texts", placeholder: "ROLE=RESOURCES", help: "its limit alone" },
    weight: { kind: "texts", placeholder: "ROLE=WEIGHT", help: "a role's weight" },
    priority: { kind: "texts", placeholder: "ROLE=PRIORITY", help: "a role's priority" },
    agents: { kind: "texts", placeholder: "N@AGENT", help: "so many more agents like this one" },
    gone: { kind: "texts", placeholder: "AGENT", help: "this agent is gone for good" },
    drained: { kind: "texts", placeholder: "AGENT", help: "this agent is being drained" },
    tasks: {
      kind: "texts",
      placeholder: "NxRESOURCES@ROLE",
      help: "so many tasks of this size: 20xcpus:1;mem:128@batch",
    },
    framework: {
      kind: "text",
      placeholder: "FRAMEWORK",
      help: "whose tasks they are: its id or its name",
    },
  },
  operands: { kind: "none" },
  examples: [
    'rimrock what-if --quota "batch=cpus:10;mem:4096" --weight web=2',
    'rimrock what-if --agents 5@S1 --tasks "20xcpus:1;mem:128@batch" --json',
  ],
  run: async (values, context) => {
    const flags: TrialFlags = values;
    const trial = trialOf(flags);
    const { terminal, json } = context;
    if (!trial.ok) return wrongUsage(trial.error, terminal);
    const message: own.WhatIf = trial.value;
    const answer = await operatorOf(context).post({
      path: "/what-if",
      name: "rimrock.operator.WhatIf",
      message,
      answer: "rimrock.operator.WhatIfAnswer",
    });
    const lists = { roles: [], frameworks: [], tasks: [], ...answer };
    terminal.out(json ? `${JSON.stringify(lists, null, 2)}\n` : outcomeText(answer, terminal));
    return 0;
  },
});

import { changeOnce, nothingNamed, wrongUsage } from "./change.ts";
import { defineCommand } from "./command.ts";

export const weightSet = defineCommand({
  name: "weight set",
  summary: "Set weights: a role with weight 2 is due twice as much as one with 1",
  flags: {},
  operands: { kind: "words", placeholder: "ROLE=WEIGHT..." },
  examples: ["rimrock weight set eng=2", "rimrock weight set eng=2 batch=0.5"],
  run: async (_values, context) => {
    const infos: { role: string; weight: number }[] = [];
    for (const word of context.operands.words) {
      const [, role = "", text = ""] = /^(.+)=(.+)$/.exec(word) ?? [];
      const weight = Number(text);
      if (role === "" || !Number.isFinite(weight)) {
        return wrongUsage(`a weight is given as ROLE=WEIGHT, not "${word}"`, context.terminal);
      }
      infos.push({ role, weight });
    }
    if (infos.length === 0) return nothingNamed("ROLE=WEIGHT", context);
    const sentence = infos.map(({ role, weight }) => `${role} has weight ${weight}`).join("\n");
    const call = { type: "UPDATE_WEIGHTS", update_weights: { weight_infos: infos } } as const;
    return changeOnce(call, { sentence, json: infos }, context);
  },
});

import { Operator } from "../../worker/sdk/operator.ts";
import { defineCommand } from "./command.ts";
import { explained, findFile } from "./files-place.ts";
import { readPieces } from "./read-pieces.ts";

export const filesCat = defineCommand({
  name: "files cat",
  summary: "Write a file of a task's sandbox to stdout, as it is",
  description: `TASK is a task's id, its name, or how its id begins; also of one that is over. A
path on an agent begins with a slash: /frameworks/F/executors/E/runs/latest/stdout.`,
  flags: {},
  operands: { kind: "words", placeholder: "TASK PATH | AGENT /PATH" },
  examples: ["rimrock files cat web result.json | jq ."],
  run: async (_values, { terminal, operands, master, transport }) => {
    const operator = new Operator({ master: master.url, transport });
    const place = await findFile(operator, operands.words, "rimrock files cat");
    if (!place.ok) {
      terminal.err(`rimrock: ${place.error}\n`);
      return 1;
    }
    try {
      for await (const { data } of readPieces(operator, place.value, { from: 0 })) {
        terminal.out(data);
      }
      return 0;
    } catch (error) {
      throw await explained(operator, place.value, error);
    }
  },
});

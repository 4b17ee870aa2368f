import { nearest } from "../../worker/std/nearest.ts";
import { defineCommand } from "./command.ts";
import { helpOf, helpOfAll } from "./help-text.ts";

export const help = defineCommand({
  name: "help",
  summary: "Show help, of all commands, of several or of one",
  flags: {},
  operands: { kind: "words", placeholder: "[command]" },
  examples: ["rimrock help", "rimrock help agent", "rimrock help agent list"],
  run: async (_values, { terminal, commands, operands: { words } }) => {
    const asked = words.join(" ");
    const command = commands.find(({ name }) => name === asked);
    const several = commands.filter(({ name }) => asked === "" || name.startsWith(`${asked} `));
    if (command !== undefined || several.length > 0) {
      terminal.out(command === undefined ? helpOfAll(several) : helpOf(command));
      return 0;
    }
    const names = commands.map(({ name }) => name);
    const near = nearest(asked, names);
    const hint = near === undefined ? "see: rimrock help" : `did you mean "${near}"?`;
    terminal.err(`rimrock: there is no command "${asked}": ${hint}\n`);
    return 2;
  },
});

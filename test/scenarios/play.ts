import { commands } from "./commands.ts";
import type { World } from "./world.ts";

/** Plays one line of a transcript; returns the dialogue that it causes. */
export function play(world: World, line: string): string[] {
  const [word = "", ...rest] = line.split(" ");
  const command = commands[word];
  if (command === undefined) throw new Error(`a transcript has no word '${word}'`);
  const options = new Map<string, string>();
  const args: string[] = [];
  for (const part of rest) {
    const option = /^--([a-z-]+)(?:=(.*))?$/.exec(part);
    if (option === null) args.push(part);
    else options.set(option[1] ?? "", option[2] ?? "");
  }
  return command(world, { args, options });
}

/** Switches of one letter, and commands that are run on something. */
import { describe, expect, test } from "vitest";
import { type Command, defineCommand } from "../../../agent/cli/command.ts";
import { helpOf } from "../../../agent/cli/help-text.ts";
import { parseCommandLine } from "../../../agent/cli/parse.ts";

const on = defineCommand({
  name: "on",
  summary: "Run something on something",
  flags: {
    interactive: { kind: "switch", short: "i", help: "let it read" },
    tty: { kind: "switch", short: "t", help: "give it a terminal" },
    env: { kind: "texts", placeholder: "NAME=VALUE", help: "a variable" },
  },
  operands: { kind: "targetArgv", placeholder: "TASK -- COMMAND" },
  examples: ["rimrock on web -- ls"],
  run: async () => 0,
});
const commands: readonly Command[] = [on];

const parsed = (...argv: string[]) => {
  const line = parseCommandLine(["on", ...argv], commands, {});
  if (!line.ok) return line.error.message;
  if (line.value.kind === "HELP") return "help";
  const { values, operands } = line.value;
  return { i: values.interactive, t: values.tty, words: operands.words, argv: operands.argv };
};

describe("switches of one letter", () => {
  const target = { words: ["web"], argv: ["sh"] };

  test("stand alone, together and beside others", () => {
    expect(parsed("-i", "web", "--", "sh")).toEqual({ i: true, t: false, ...target });
    expect(parsed("-it", "web", "--", "sh")).toEqual({ i: true, t: true, ...target });
    expect(parsed("-t", "--env", "A=1", "-i", "web", "--", "sh")).toMatchObject({
      i: true,
      t: true,
    });
    expect(parsed("--interactive", "web", "--", "sh")).toMatchObject({ i: true, t: false });
  });

  test("are refused when one of them is unknown; -h stays help", () => {
    expect(parsed("-x", "web", "--", "sh")).toContain("-x");
    expect(parsed("-ix", "web", "--", "sh")).toContain("-ix");
    expect(parsed("-h")).toBe("help");
  });

  test("are in the help", () => {
    expect(helpOf(on)).toMatch(/-i, --interactive +let it read/);
    expect(helpOf(on)).toContain("Usage: rimrock on [flags] TASK -- COMMAND");
  });
});

describe("what is run on something", () => {
  test("is everything after the dashes, as it is", () => {
    expect(parsed("web", "--", "ls", "-it", "--", "--help")).toMatchObject({
      i: false,
      argv: ["ls", "-it", "--", "--help"],
    });
  });

  test.each([
    [[], "on what?"],
    [["--", "ls"], "on what?"],
    [["web"], "what is to be run?"],
    [["web", "--"], "what is to be run?"],
    [["web", "ls", "a"], "put -- before the command: rimrock on [flags] web -- ls a"],
    [["web", "db", "--", "ls"], '"db" is one too many'],
  ])("%j is refused", (argv, problem) => {
    expect(parsed(...argv)).toContain(problem);
  });
});

import { describe, expect, test } from "vitest";
import { type Command, defineCommand } from "../../../agent/cli/command.ts";
import { helpOf, helpOfAll } from "../../../agent/cli/help-text.ts";
import { commands } from "../../../agent/cli/index.ts";
import { DEFAULT_MASTER, parseCommandLine } from "../../../agent/cli/parse.ts";
import { assert } from "../../../worker/std/assert.ts";
import { nearest } from "../../../worker/std/nearest.ts";

const sample = defineCommand({
  name: "sample",
  summary: "Sample",
  flags: {
    cpus: { kind: "number", placeholder: "N", help: "cpus", minimum: 0.01, fallback: 1 },
    count: { kind: "integer", placeholder: "N", help: "count", minimum: 1, maximum: 9 },
    label: { kind: "texts", placeholder: "K=V", help: "label" },
    colour: { kind: "text", placeholder: "C", help: "colour", choices: ["red", "green"] },
    quiet: { kind: "switch", help: "quiet" },
  },
  operands: { kind: "argv", placeholder: "COMMAND" },
  examples: [],
  run: async () => 0,
});
const plain = (name: string): Command =>
  defineCommand({
    name,
    summary: name,
    flags: {},
    operands: { kind: "none" },
    examples: [],
    run: async () => 0,
  });
const table = [sample, plain("agent list"), plain("agent"), plain("task list"), plain("version")];

const parse = (line: string, environment = {}) =>
  parseCommandLine(line === "" ? [] : line.split(" "), table, environment);

function parsed(line: string, environment = {}) {
  const result = parse(line, environment);
  if (!result.ok) throw new Error(result.error.message);
  if (result.value.kind !== "RUN") throw new Error("help");
  return result.value;
}

test.each([
  ["sample -- x", { cpus: 1, count: undefined, label: [], colour: undefined, quiet: false }],
  ["sample --cpus 0.5 --count 3 -- x", { cpus: 0.5, count: 3 }],
  ["sample --cpus=0.5 --quiet -- x", { cpus: 0.5, quiet: true }],
  ["sample --label a=1 --label b=2 -- x", { label: ["a=1", "b=2"] }],
  ["sample --label=a=1 -- x", { label: ["a=1"] }],
  ["sample x --colour red", { colour: "red" }],
])("'%s' has the values of its flags", (line, values) => {
  expect(parsed(line).values).toMatchObject(values);
});

test.each([
  ["sample -- ls -l --json", ["ls", "-l", "--json"], true],
  ["sample -- a -- b", ["a", "--", "b"], true],
  ["sample one", ["one"], false],
])("'%s' runs what stands after --, untouched", (line, words, afterDashes) => {
  const { operands, json } = parsed(line);
  expect(operands).toEqual({ words, afterDashes });
  expect(json).toBe(false);
});

test.each([
  ["version", {}, { url: DEFAULT_MASTER, source: "default" }],
  ["version", { RIMROCK_MASTER: "http://e:1" }, { url: "http://e:1", source: "environment" }],
  ["version", { RIMROCK_MASTER: "" }, { url: DEFAULT_MASTER, source: "default" }],
  [
    "version --master http://f:1",
    { RIMROCK_MASTER: "http://e:1" },
    { url: "http://f:1", source: "flag" },
  ],
  ["--master https://f/c/blue version", {}, { url: "https://f/c/blue", source: "flag" }],
  ["version --master f:1", {}, { url: "http://f:1", source: "flag" }],
])("'%s' with %o talks to the right master", (line, environment, master) => {
  expect(parsed(line, environment).master).toEqual(master);
});

test("global flags stand before or after the command, and the longest name of a command wins", () => {
  expect(parsed("--json agent list")).toMatchObject({
    json: true,
    command: { name: "agent list" },
  });
  expect(parsed("agent list --json")).toMatchObject({
    json: true,
    command: { name: "agent list" },
  });
  expect(parsed("agent").command.name).toBe("agent");
});

test.each([
  ["", undefined],
  ["--help", undefined],
  ["-h", undefined],
  ["sample --help", "sample"],
  ["agent list -h", "agent list"],
])("'%s' asks for help", (line, name) => {
  const result = parse(line);
  assert(result.ok && result.value.kind === "HELP", "help is asked for");
  const { shown } = result.value;
  expect("name" in shown ? shown.name : undefined).toBe(name);
});

test("--help behind the beginning of several commands asks for those", () => {
  const result = parse("task --help");
  assert(result.ok && result.value.kind === "HELP" && !("name" in result.value.shown), "several");
  expect(result.value.shown.map(({ name }) => name)).toEqual(["task list"]);
});

describe("a wrong line is told with what would be right", () => {
  test.each([
    ["sampel", 'there is no command "sampel": did you mean "sample"?'],
    ["tasks", 'there is no command "tasks": did you mean "task list"?'],
    ["agnet list", 'there is no command "agnet": did you mean "agent list"?'],
    ["task", '"task" goes on with one of: task list'],
    ["task lost", '"task" goes on with one of: task list, not "lost"'],
    ["frobnicate", 'there is no command "frobnicate": see: rimrock help'],
    ["sample --cpu 1 -- x", "there is no flag --cpu: did you mean --cpus?"],
    ["sample --zzzzzz -- x", "there is no flag --zzzzzz: see --help"],
    ["sample -x -- x", "there is no flag -x: see --help"],
    ["sample --cpus", "--cpus needs a value: --cpus N"],
    ["sample --cpus --quiet -- x", "--cpus needs a value: --cpus N"],
    ["sample --cpus many -- x", '--cpus is a number of at least 0.01, not "many"'],
    ["sample --cpus= -- x", '--cpus is a number of at least 0.01, not ""'],
    ["sample --cpus 0 -- x", '--cpus is a number of at least 0.01, not "0"'],
    ["sample --cpus Infinity -- x", '--cpus is a number of at least 0.01, not "Infinity"'],
    ["sample --count 1.5 -- x", '--count is a whole number of at least 1 and at most 9, not "1.5"'],
    ["sample --count 10 -- x", '--count is a whole number of at least 1 and at most 9, not "10"'],
    ["sample --cpus 1 --cpus 2 -- x", "--cpus is given twice"],
    ["sample --quiet=yes -- x", "--quiet takes no value"],
    ["sample --colour rde -- x", '--colour is one of red, green, not "rde" (did you mean "red"?)'],
    ["sample echo hi", "put -- before the command: rimrock sample [flags] -- echo hi"],
    ["sample x -- y", '"x" stands before --: flags come first, then -- and the command'],
    ["sample", "what is to be run? rimrock sample [flags] -- COMMAND"],
    ["sample --", "what is to be run? rimrock sample [flags] -- COMMAND"],
    ["version now", '"rimrock version" takes no "now"'],
    ["version -- now", '"rimrock version" takes nothing after --'],
    [
      "version --master http://",
      `--master is no URL: "http://" (one looks like ${DEFAULT_MASTER})`,
    ],
  ])("'%s'", (line, message) => {
    expect(parse(line)).toMatchObject({ ok: false, error: { message } });
  });
});

test.each([
  ["strat", ["start", "task"], "start"],
  ["HELP", ["help"], "help"],
  ["x", ["y", "help"], undefined],
  ["completely-different", ["help", "start"], undefined],
])("nearest to '%s' in %o is %s", (word, known, expected) => {
  expect(nearest(word, known)).toBe(expected);
});

describe("the real table", () => {
  test("names every command once", () => {
    const names = commands.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(names).toEqual(expect.arrayContaining(["start", "run", "demo", "version", "help"]));
  });

  test.each(commands.map((command) => [command.name, command] as const))(
    "%s has examples that parse, a help that shows every flag, and no flag of the globals' names",
    (name, command) => {
      expect(command.examples.length).toBeGreaterThan(0);
      for (const example of command.examples) {
        expect(example.startsWith(`rimrock ${name}`), example).toBe(true);
        // Quoted arguments stand for one word here.
        const words = (example.match(/'[^']*'|\S+/g) ?? []).slice(1);
        expect(parseCommandLine(words, commands, {}), example).toMatchObject({ ok: true });
      }
      const help = helpOf(command);
      for (const flag of Object.keys(command.flags)) expect(help).toContain(`--${flag}`);
      expect(Object.keys(command.flags)).not.toEqual(
        expect.arrayContaining([expect.stringMatching(/^(master|json|help)$/)]),
      );
      expect(helpOfAll(commands)).toContain(command.summary);
    },
  );
});

import { describe, expect, test } from "vitest";
import { alignColumns } from "../../../agent/cli/table.ts";
import { eventSink, textSink } from "../../../agent/cli/task-output.ts";
import type * as master from "../../../worker/protocol/v1/master.ts";
import type * as mesos from "../../../worker/protocol/v1/mesos.ts";
import { decodeJson, encodeJson } from "../../../worker/protocol/wire/json.ts";
import { FakeCli } from "./fake-cli.ts";

/** A command line whose master answers operator calls with these. */
function asked(answers: { readonly [T in master.CallType]?: master.Response }): FakeCli {
  const cli = new FakeCli();
  cli.master.other = async (request) => {
    const call = decodeJson("mesos.v1.master.Call", await request.text());
    const answer = call.ok && call.value.type ? answers[call.value.type] : undefined;
    if (answer === undefined) return new Response("no such call", { status: 400 });
    return new Response(encodeJson("mesos.v1.master.Response", answer));
  };
  return cli;
}

const scalar = (name: string, value: number): mesos.Resource => ({
  name,
  type: "SCALAR",
  scalar: { value },
});

const AGENTS: master.Response = {
  type: "GET_AGENTS",
  get_agents: {
    agents: [
      {
        agent_info: {
          hostname: "a1.test",
          id: { value: "S1" },
          attributes: [{ name: "rack", type: "TEXT", text: { value: "r1" } }],
        },
        active: true,
        version: "1.12.0",
        registered_time: { nanoseconds: 1_795_234_006_209_890_460n },
        total_resources: [
          scalar("cpus", 4),
          {
            name: "ports",
            type: "RANGES",
            ranges: { range: [{ begin: 31_000n, end: 32_000n }] },
          },
        ],
        allocated_resources: [scalar("cpus", 0.1), scalar("cpus", 0.2)],
      },
    ],
  },
};

const task = (id: string, state: mesos.TaskState, framework = "F1"): mesos.Task => ({
  name: id,
  task_id: { value: id },
  framework_id: { value: framework },
  agent_id: { value: "S1" },
  state,
});

const TASKS: master.Response = {
  type: "GET_TASKS",
  get_tasks: {
    tasks: [task("t1", "TASK_RUNNING"), task("t2", "TASK_RUNNING", "F2")],
    unreachable_tasks: [task("t3", "TASK_UNREACHABLE")],
    completed_tasks: [task("t4", "TASK_FINISHED")],
  },
};

test("agent list is a table whose columns stand under their heads", async () => {
  const cli = asked({ GET_AGENTS: AGENTS });
  expect(await cli.run("agent", "list")).toBe(0);
  expect(cli.out.split("\n")).toEqual([
    "ID  HOSTNAME  STATE   CPUS (USED)  MEM MB (USED)  ATTRIBUTES",
    "S1  a1.test   ACTIVE  4 (0.3)      0 (0)          rack=r1",
    "",
  ]);
});

test("agent list --json is an array of plain objects with exact numbers", async () => {
  const cli = asked({ GET_AGENTS: AGENTS });
  expect(await cli.run("agent", "list", "--json")).toBe(0);
  expect(JSON.parse(cli.out)).toEqual([
    {
      id: "S1",
      hostname: "a1.test",
      state: "ACTIVE",
      version: "1.12.0",
      resources: { cpus: 4, ports: "31000-32000" },
      allocated: { cpus: 0.3 },
      offered: {},
      attributes: { rack: "r1" },
      registered_at: "2026-11-21T04:06:46.209Z",
    },
  ]);
});

test.each([
  [[], ["t1", "t2", "t3"]],
  [["--all"], ["t1", "t2", "t3", "t4"]],
  [["--framework", "F2"], ["t2"]],
])("task list %o shows %o", async (flags, ids) => {
  const cli = asked({ GET_TASKS: TASKS });
  expect(await cli.run("task", "list", "--json", ...flags)).toBe(0);
  expect(JSON.parse(cli.out).map(({ id }: { id: string }) => id)).toEqual(ids);
});

test("framework list tells connected, waiting and completed frameworks apart", async () => {
  const framework = (name: string, connected: boolean, recovered = false) => ({
    framework_info: { user: "", name, id: { value: name }, roles: ["web", "batch"] },
    active: connected,
    connected,
    recovered,
  });
  const answer: master.Response = {
    type: "GET_FRAMEWORKS",
    get_frameworks: {
      frameworks: [framework("a", true), framework("b", false), framework("c", false, true)],
      completed_frameworks: [framework("d", false)],
    },
  };
  const cli = asked({ GET_FRAMEWORKS: answer });
  expect(await cli.run("framework", "list", "--all")).toBe(0);
  const cells = cli.out
    .trim()
    .split("\n")
    .slice(1)
    .map((line) => line.split(/\s{2,}/));
  expect(cells.map(([id, , state, roles]) => [id, state, roles])).toEqual([
    ["a", "ACTIVE", "web,batch"],
    ["b", "DISCONNECTED", "web,batch"],
    ["c", "RECOVERED", "web,batch"],
    ["d", "COMPLETED", "web,batch"],
  ]);
});

describe("an empty list says so, and is an empty array in JSON", () => {
  test.each([
    ["agent list", "no agent has joined http://master.test:5050"],
    ["task list", "no tasks are alive"],
    ["framework list", "no framework is subscribed"],
  ])("%s", async (command, sentence) => {
    const answers = {
      GET_AGENTS: { type: "GET_AGENTS", get_agents: {} },
      GET_TASKS: { type: "GET_TASKS", get_tasks: {} },
      GET_FRAMEWORKS: { type: "GET_FRAMEWORKS", get_frameworks: {} },
    } as const;
    const text = asked(answers);
    expect(await text.run(...command.split(" "))).toBe(0);
    expect(text.out).toContain(sentence);
    const json = asked(answers);
    await json.run(...command.split(" "), "--json");
    expect(JSON.parse(json.out)).toEqual([]);
  });
});

test.each([
  [401, "this cluster wants credentials"],
  [404, "is it a Mesos v1 master? check --master"],
  [503, "is it running? start one with: rimrock start"],
])(
  "an answer of %i is one line on stderr with what to do, and exit code 1",
  async (status, hint) => {
    const cli = new FakeCli();
    cli.master.other = () => new Response("first\nsecond\n", { status });
    expect(await cli.run("agent", "list")).toBe(1);
    expect(cli.out).toBe("");
    expect(cli.err).toBe(
      `rimrock: http://master.test:5050/api/v1 answered ${status}: first second: ${hint}\n`,
    );
  },
);

test("version answers also without a master", async () => {
  const cli = new FakeCli();
  cli.master.away = true;
  expect(await cli.run("version", "--json")).toBe(0);
  expect(JSON.parse(cli.out)).toMatchObject({ master: null, rimrock: expect.any(String) });
});

test("help of an unknown command is exit code 2 with the nearest one", async () => {
  const cli = new FakeCli();
  expect(await cli.run("help", "agent", "lits")).toBe(2);
  expect(cli.err).toContain('did you mean "agent list"?');
});

test("columns count characters, not colours", () => {
  const rows = [
    ["\u001b[32mok\u001b[0m", "x"],
    ["🚀é!", "y"],
  ];
  expect(alignColumns(rows)).toEqual(["\u001b[32mok\u001b[0m   x", "🚀é!  y"]);
});

describe("output of several tasks", () => {
  function sink(prefix: string | undefined) {
    const written: string[] = [];
    const write = (text: string | Uint8Array): void => {
      written.push(typeof text === "string" ? text : new TextDecoder().decode(text));
    };
    const terminal = { colour: false, out: write, err: write };
    return { written, sink: textSink(terminal, "stdout", prefix) };
  }
  const bytes = (text: string) => new TextEncoder().encode(text);

  test("is written line by line, however it was cut, and the last line is ended", () => {
    const { written, sink: it } = sink("t");
    for (const byte of bytes("one é\n\ntwo")) it.write(Uint8Array.of(byte));
    it.end();
    expect(written).toEqual(["t | one é\n", "t | \n", "t | two\n"]);
  });

  test("of one task is passed on as it is", () => {
    const { written, sink: it } = sink(undefined);
    it.write(bytes("a\nb"));
    it.end();
    expect(written).toEqual(["a\nb"]);
  });

  test("as JSON events keeps characters whole", () => {
    const texts: string[] = [];
    const it = eventSink((text) => texts.push(text));
    for (const byte of bytes("é🚀")) it.write(Uint8Array.of(byte));
    it.end();
    expect(texts).toEqual(["é", "🚀"]);
  });
});

const ROLES: master.Response = {
  type: "GET_ROLES",
  get_roles: {
    roles: [
      {
        name: "eng",
        weight: 2,
        frameworks: [{ value: "F1" }],
        resources: [scalar("cpus", 3)],
        rimrock: {
          priority: 5,
          share: 0.375,
          dominant: "cpus",
          limits: { cpus: 4, mem: 64 },
          allocated: { cpus: 1 },
          offered: { cpus: 2 },
          frameworks: [{ framework_id: "F1", share: 0.75, dominant: "cpus", offers: 1 }],
        },
      },
      { name: "old", weight: 1, resources: [] },
    ],
  },
};

test("role list shows shares, priorities and quotas, and dashes of a master that says none", async () => {
  const cli = asked({ GET_ROLES: ROLES });
  expect(await cli.run("role", "list")).toBe(0);
  const rows = cli.out.split("\n").map((line) => line.trim().split(/ {2,}/));
  expect(rows.slice(1, 3)).toEqual([
    ["eng", "2", "5", "1", "37.5% of cpus", "3", "0", "-", "cpus=4 mem=64"],
    ["old", "1", "0", "0", "-", "0", "0", "-", "-"],
  ]);
});

test("role list --json has what each framework has of a role", async () => {
  const cli = asked({ GET_ROLES: ROLES });
  await cli.run("role", "list", "--json");
  const [eng, old] = JSON.parse(cli.out) as [Record<string, unknown>, Record<string, unknown>];
  expect(eng).toMatchObject({ share: 0.375, priority: 5, offered: { cpus: 2 }, guarantees: {} });
  expect(eng.framework_shares).toEqual([
    { framework_id: "F1", share: 0.75, dominant: "cpus", allocated: {}, offered: {}, offers: 1 },
  ]);
  expect(old).toEqual({ name: "old", weight: 1, frameworks: [], resources: {} });
});

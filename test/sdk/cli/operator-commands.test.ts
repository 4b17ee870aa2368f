/** The commands that change the cluster: which calls they make of a line, and what they say. */
import { describe, expect, test } from "vitest";
import type * as master from "../../../worker/protocol/v1/master.ts";
import { decodeJson, encodeJson } from "../../../worker/protocol/wire/json.ts";
import { FakeCli } from "./fake-cli.ts";

/** A command line whose master answers reads with these and takes every change. */
function operated(answers: { readonly [T in master.CallType]?: master.Response } = {}): {
  readonly cli: FakeCli;
  readonly changes: readonly master.Call[];
} {
  const cli = new FakeCli();
  const changes: master.Call[] = [];
  cli.master.other = async (request) => {
    const call = decodeJson("mesos.v1.master.Call", await request.text());
    if (!call.ok) return new Response("no call", { status: 400 });
    const answer = answers[call.value.type ?? "UNKNOWN"];
    if (answer !== undefined) return new Response(encodeJson("mesos.v1.master.Response", answer));
    changes.push(call.value);
    return new Response(null, { status: 200 });
  };
  return { cli, changes };
}

/** One agent is listed, of the cluster c1. */
const oneAgent = {
  GET_AGENTS: {
    type: "GET_AGENTS",
    get_agents: {
      agents: [
        { agent_info: { hostname: "m1", id: { value: "c1-S1" } }, active: true, version: "1" },
      ],
    },
  },
  GET_MASTER: { type: "GET_MASTER", get_master: { master_info: { id: "c1", ip: 0, port: 5050 } } },
} as const;
const agent_id = { value: "c1-S1" };

test.each<readonly [string, master.Call, string]>([
  [
    "agent drain S1",
    { type: "DRAIN_AGENT", drain_agent: { agent_id, mark_gone: false } },
    "c1-S1 is being drained\n",
  ],
  [
    "agent drain S1 --max-grace 1500ms --mark-gone",
    {
      type: "DRAIN_AGENT",
      drain_agent: {
        agent_id,
        max_grace_period: { seconds: 1n, nanos: 500_000_000 },
        mark_gone: true,
      },
    },
    "c1-S1 is being drained\n",
  ],
  [
    "agent deactivate S1",
    { type: "DEACTIVATE_AGENT", deactivate_agent: { agent_id } },
    "c1-S1 is deactivated\n",
  ],
  [
    "agent reactivate S1",
    { type: "REACTIVATE_AGENT", reactivate_agent: { agent_id } },
    "c1-S1 is active again\n",
  ],
  ["agent gone S1", { type: "MARK_AGENT_GONE", mark_agent_gone: { agent_id } }, "c1-S1 is gone\n"],
  [
    "quota set eng --guarantee cpus=2 --limit cpus=8 --limit mem=64.5 --force",
    {
      type: "UPDATE_QUOTA",
      update_quota: {
        force: true,
        quota_configs: [
          {
            role: "eng",
            guarantees: { cpus: { value: 2 } },
            limits: { cpus: { value: 8 }, mem: { value: 64.5 } },
          },
        ],
      },
    },
    "the quota of eng is set\n",
  ],
  [
    "quota remove eng",
    { type: "REMOVE_QUOTA", remove_quota: { role: "eng" } },
    "eng has no quota any more\n",
  ],
  [
    "weight set eng=2 batch=0.5",
    {
      type: "UPDATE_WEIGHTS",
      update_weights: {
        weight_infos: [
          { weight: 2, role: "eng" },
          { weight: 0.5, role: "batch" },
        ],
      },
    },
    "eng has weight 2\nbatch has weight 0.5\n",
  ],
  [
    "maintenance start m1/10.0.0.1",
    {
      type: "START_MAINTENANCE",
      start_maintenance: { machines: [{ hostname: "m1", ip: "10.0.0.1" }] },
    },
    "down: m1/10.0.0.1\n",
  ],
  [
    "maintenance stop m1/10.0.0.1",
    {
      type: "STOP_MAINTENANCE",
      stop_maintenance: { machines: [{ hostname: "m1", ip: "10.0.0.1" }] },
    },
    "up: m1/10.0.0.1\n",
  ],
])("%s", async (line, call, said) => {
  const { cli, changes } = operated(oneAgent);
  expect([await cli.run(...line.split(" ")), cli.err]).toEqual([0, ""]);
  expect(changes).toEqual([call]);
  expect(cli.out).toBe(said);
});

test.each([
  ["S1", "c1-S1"],
  ["S7", "c1-S7"],
  ["c0-S1", "c0-S1"],
  ["rack-7", "rack-7"],
])("an agent called '%s' is meant as %s", async (name, id) => {
  const { cli, changes } = operated(oneAgent);
  expect(await cli.run("agent", "gone", name)).toBe(0);
  expect(changes).toEqual([
    { type: "MARK_AGENT_GONE", mark_agent_gone: { agent_id: { value: id } } },
  ]);
});

test.each([
  "agent drain",
  "agent drain S1 --max-grace soon",
  "agent gone",
  "quota set",
  "quota set a b --limit cpus=1",
  "quota set eng",
  "quota set eng --limit cpus",
  "quota set eng --limit cpus=many",
  "quota remove",
  "weight set",
  "weight set eng",
  "weight set eng=heavy",
  "maintenance schedule",
  "maintenance schedule m1",
  "maintenance schedule m1/10.0.0.1 --in soon",
  "maintenance schedule m1/10.0.0.1 --for -1secs",
  "maintenance start 10.0.0.1",
])("'%s' says too little: the command says what is missing, and calls nobody", async (line) => {
  const { cli, changes } = operated();
  expect(await cli.run(...line.split(" "))).toBe(2);
  expect(cli.err).not.toBe("");
  expect(changes).toEqual([]);
});

test("what the master refuses is told in its words, and what was done before stays said", async () => {
  const { cli } = operated();
  const take = cli.master.other;
  cli.master.other = async (request) =>
    (await request.clone().text()).includes("S2")
      ? new Response("There is no agent 'c1-S2'", { status: 400 })
      : take(request);
  expect(await cli.run("agent", "deactivate", "c1-S1", "c1-S2")).toBe(1);
  expect(cli.out).toBe("c1-S1 is deactivated\n");
  expect(cli.err).toContain("There is no agent 'c1-S2'");
});

const machine = (name: string) => ({ hostname: name, ip: "10.0.0.1" });

const SCHEDULE: master.Response = {
  type: "GET_MAINTENANCE_SCHEDULE",
  get_maintenance_schedule: {
    schedule: {
      windows: [
        {
          machine_ids: [machine("m1"), machine("m2")],
          unavailability: { start: { nanoseconds: 1_000_000_000_000n } },
        },
      ],
    },
  },
};

describe("maintenance", () => {
  test("schedule keeps the others' windows and gives the named machine a new one", async () => {
    const { cli, changes } = operated({ GET_MAINTENANCE_SCHEDULE: SCHEDULE });
    const line = "maintenance schedule M2/10.0.0.1 --in 1hrs --for 30mins";
    const beforeMs = Date.now();
    expect([await cli.run(...line.split(" ")), cli.err]).toEqual([0, ""]);
    const windows = changes[0]?.update_maintenance_schedule?.schedule.windows ?? [];
    expect(windows.map(({ machine_ids }) => machine_ids)).toEqual([
      [machine("m1")],
      [machine("M2")],
    ]);
    const { start, duration } = windows[1]?.unavailability ?? {};
    const startMs = Number((start?.nanoseconds ?? 0n) / 1_000_000n);
    expect(startMs).toBeGreaterThanOrEqual(beforeMs + 3_600_000);
    expect(startMs).toBeLessThanOrEqual(Date.now() + 3_600_000);
    expect(duration?.nanoseconds).toBe(1_800_000_000_000n);
  });

  test("cancel takes the machine out, and a window without machines with it", async () => {
    const { cli, changes } = operated({ GET_MAINTENANCE_SCHEDULE: SCHEDULE });
    expect(await cli.run("maintenance", "cancel", "m1/10.0.0.1", "m2/10.0.0.1")).toBe(0);
    expect(changes).toEqual([
      { type: "UPDATE_MAINTENANCE_SCHEDULE", update_maintenance_schedule: { schedule: {} } },
    ]);
  });

  test("status shows every machine with its window and the answers", async () => {
    const { cli } = operated({
      GET_MAINTENANCE_SCHEDULE: SCHEDULE,
      GET_MAINTENANCE_STATUS: {
        type: "GET_MAINTENANCE_STATUS",
        get_maintenance_status: {
          status: {
            draining_machines: [
              {
                id: machine("m1"),
                statuses: [
                  {
                    status: "ACCEPT",
                    framework_id: { value: "F1" },
                    timestamp: { nanoseconds: 1n },
                  },
                ],
              },
            ],
            down_machines: [machine("m2")],
          },
        },
      },
    });
    expect(await cli.run("maintenance", "status")).toBe(0);
    expect(cli.out.split("\n")).toEqual([
      "MACHINE      STATE     FROM                      FOR   ACCEPTED  DECLINED",
      "m1/10.0.0.1  DRAINING  1970-01-01T00:16:40.000Z  ever  F1",
      "m2/10.0.0.1  DOWN      1970-01-01T00:16:40.000Z  ever",
      "",
    ]);
  });
});

test("quota list, weight list and role list are tables, and JSON with --json", async () => {
  const { cli } = operated({
    GET_QUOTA: {
      type: "GET_QUOTA",
      get_quota: {
        status: { configs: [{ role: "eng", limits: { cpus: { value: 8 }, mem: { value: 64 } } }] },
      },
    },
    GET_WEIGHTS: {
      type: "GET_WEIGHTS",
      get_weights: { weight_infos: [{ weight: 2, role: "eng" }] },
    },
    GET_ROLES: {
      type: "GET_ROLES",
      get_roles: { roles: [{ name: "eng", weight: 2, frameworks: [{ value: "F1" }] }] },
    },
  });
  for (const what of ["quota", "weight", "role"]) expect(await cli.run(what, "list")).toBe(0);
  expect(cli.out.split("\n")).toEqual([
    "ROLE  GUARANTEES  LIMITS",
    "eng   -           cpus=8 mem=64",
    "ROLE  WEIGHT",
    "eng   2",
    "ROLE  WEIGHT  PRIORITY  FRAMEWORKS  SHARE  CPUS  MEM MB  GUARANTEED  LIMIT",
    "eng   2       0         1           -      0     0       -           -",
    "",
  ]);
  cli.out = "";
  expect(await cli.run("quota", "list", "--json")).toBe(0);
  expect(JSON.parse(cli.out)).toEqual([
    { role: "eng", guarantees: {}, limits: { cpus: 8, mem: 64 } },
  ]);
});

/** `rimrock what-if`: what a line asks for, and how the outcome is told. */
import { expect, test } from "vitest";
import { trialOf } from "../../../agent/cli/what-if-trial.ts";
import { cliOf, told } from "./cli-of-world.ts";
import { FakeCli } from "./fake-cli.ts";

const twoOnTwo = [
  "framework f1 --roles=web",
  "agent a1 cpus=4 mem=1024",
  "accept f1 o1 launch t1 cpus=1 mem=128",
  "framework f2 --roles=batch",
  "agent a2 cpus=4 mem=1024",
] as const;

test("tasks that would run, and where; the rest with the reasons", async () => {
  const asked = cliOf(...twoOnTwo);
  const line = ["--agents", "1@a1", "--tasks", "6xcpus:1;mem:128@ops"];
  expect(await asked.cli.run("what-if", ...line)).toBe(0);
  expect(told(asked)).toMatchInlineSnapshot(`
    "4 of 6 tasks of cpus:1;mem:128 in ops would run
      4 on 07a1e3a3-4ef7-4899-af3e-ea72e0e60feb-S2 (what-if-1)
      2 more if what others have been offered came back
    1 agent  LOWER_SHARE  Offered to 'f2' (f2) in 'batch' just now, whose share was lower by 33.33 %: 0 % against 33.33 %.
             a1 (a1)
             → Wait until that offer is declined or times out. A higher weight lowers a role's share: rimrock weight set ROLE=2
    1 agent  LOWER_SHARE  Offered to 'f1' (f1) in 'web' just now, whose share was lower by 25 %: 8.33 % against 33.33 %.
             a2 (a2)
             → Wait until that offer is declined or times out. A higher weight lowers a role's share: rimrock weight set ROLE=2
    1 agent  IN_USE       Too little is free for cpus:1; mem:128: tasks have the rest, mostly those of 'what-if-1' (07a1e3a3-4ef7-4899-af3e-ea72e0e60feb-0002) in 'ops'.
             07a1e3a3-4ef7-4899-af3e-ea72e0e60feb-S2 (what-if-1)
             → Wait until tasks end, end some, or add agents.

    2 offers would be made, 0 taken back

    ROLE   USED                OFFERED                           SHARE            LACKS
    batch  -                   cpus:3;mem:896 → cpus:3;mem:1408  43.8 % → 45.8 %  -
    ops    - → cpus:4;mem:512  -                                 0 % → 33.3 %     -
    web    cpus:1;mem:128      cpus:4;mem:1024                   62.5 % → 41.7 %  -

    FRAMEWORK        ROLE   USED                OFFERED                           SHARE
    f1               web    cpus:1;mem:128      cpus:4;mem:1024                   62.5 % → 41.7 %
    f2               batch  -                   cpus:3;mem:896 → cpus:3;mem:1408  43.8 % → 45.8 %
    what-if-1 (new)  ops    - → cpus:4;mem:512  -                                 0 % → 33.3 %

    one outcome of those there may be: agents are looked at in random order
    "
  `);
});

test("a quota: what each role has now, and would have", async () => {
  const asked = cliOf(...twoOnTwo);
  expect(await asked.cli.run("what-if", "--quota", "web=cpus:2;mem:256")).toBe(0);
  expect(told(asked)).toMatchInlineSnapshot(`
    "2 offers would be made, 1 taken back

    ROLE   USED            OFFERED                           SHARE            LACKS
    batch  -               cpus:3;mem:896 → cpus:6;mem:1792  43.8 % → 87.5 %  -
    web    cpus:1;mem:128  cpus:4;mem:1024 → cpus:1;mem:128  62.5 % → 25 %    -

    FRAMEWORK  ROLE   USED            OFFERED                           SHARE
    f1         web    cpus:1;mem:128  cpus:4;mem:1024 → cpus:1;mem:128  62.5 % → 25 %
    f2         batch  -               cpus:3;mem:896 → cpus:6;mem:1792  43.8 % → 87.5 %

    one outcome of those there may be: agents are looked at in random order
    "
  `);
});

test("what changes nothing says so", async () => {
  const { cli } = cliOf("agent a1 cpus=4 mem=1024");
  expect(await cli.run("what-if", "--drained", "a1")).toBe(0);
  expect(cli.out).toBe("0 offers would be made, 0 taken back\nnothing else would be otherwise\n");
});

test("--json is the endpoint's answer", async () => {
  const { cli } = cliOf("agent a1 cpus=4 mem=1024");
  expect(await cli.run("what-if", "--tasks", "2xcpus:1@ops", "--json")).toBe(0);
  expect(JSON.parse(cli.out)).toMatchObject({
    is_complete: true,
    is_one_of_many: false,
    tasks: [{ count: 2, placed: 2, agents: [{ agent: { hostname: "a1" }, count: 2 }] }],
    roles: [{ role: "ops", after: { used: { cpus: 2 } } }],
  });
});

test("what the master refuses is its sentence", async () => {
  const { cli } = cliOf("agent a1 cpus=4 mem=1024");
  expect(await cli.run("what-if", "--quota", "web/x=cpus:1")).toBe(1);
  expect(cli.err).toContain("web/x");
  expect(await cli.run("what-if", "--agents", "5@a9")).toBe(1);
  expect(cli.err).toContain("There is no agent 'a9'. Did you mean 'a1'?");
});

const none = {
  quota: [],
  guarantee: [],
  limit: [],
  weight: [],
  priority: [],
  agents: [],
  gone: [],
  drained: [],
  tasks: [],
  framework: undefined,
} as const;

test.each([
  [{ quota: ["eng=cpus:2;mem:64.5"] }, "quotas", [both({ cpus: 2, mem: 64.5 })]],
  [
    { guarantee: ["eng=cpus:1"], limit: ["eng=cpus:2"] },
    "quotas",
    [{ role: "eng", guarantees: { cpus: 1 }, limits: { cpus: 2 } }],
  ],
  [{ weight: ["eng=0.5"] }, "weights", [{ role: "eng", weight: 0.5 }]],
  [{ priority: ["eng=-3"] }, "priorities", [{ role: "eng", priority: -3 }]],
  [{ agents: ["5@S1", "S2"] }, "agents", [like("S1", 5), like("S2", 1)]],
  [{ tasks: ["20xcpus:1;mem:128@a/b"] }, "tasks", [tasks(20, "a/b")]],
  [{ tasks: ["cpus:1;mem:128"], framework: "f1" }, "tasks", [tasks(1, undefined, "f1")]],
] as const)("%o is %s", (flags, field, expected) => {
  const trial = trialOf({ ...none, ...flags });
  expect(trial.ok && trial.value[field]).toEqual(expected);
});

function both(amounts: Record<string, number>): unknown {
  return { role: "eng", guarantees: amounts, limits: amounts };
}

function like(name: string, count: number): unknown {
  return { like: name, count };
}

function tasks(count: number, role?: string, framework?: string): unknown {
  return { resources: "cpus:1;mem:128", count, role, framework };
}

test.each([
  ["what-if", "say what is to be tried, such as --quota, --agents or --tasks"],
  ["what-if --quota eng", "--quota is given as ROLE=RESOURCES"],
  ["what-if --limit eng=cpus", "--limit is given as ROLE=RESOURCES"],
  ["what-if --weight eng", "--weight is given as ROLE=NUMBER"],
  ["what-if --agents 0@S1", "--agents is given as N@AGENT"],
  ["what-if --tasks 20@batch", "--tasks is given as NxRESOURCES@ROLE"],
  ["what-if --tasks 0xcpus:1@batch", "--tasks is given as NxRESOURCES@ROLE"],
  ["what-if --gone S1 --framework f1", "--framework says whose --tasks are tried"],
])("%s is wrong usage", async (line, problem) => {
  const cli = new FakeCli();
  expect(await cli.run(...line.split(" "))).toBe(2);
  expect(cli.err).toContain(problem);
});

/** The commands for Rimrock's own calls: priorities, the policy, the audit log. */
import { expect, test } from "vitest";
import { FakeCli } from "./fake-cli.ts";

/** A master that answers GETs with these, and takes every PUT. */
function served(answers: Readonly<Record<string, unknown>> = {}): {
  readonly cli: FakeCli;
  readonly puts: readonly (readonly [path: string, body: unknown])[];
} {
  const cli = new FakeCli();
  const puts: [string, unknown][] = [];
  cli.master.other = async (request) => {
    const { pathname, search } = new URL(request.url);
    if (request.method === "PUT") {
      puts.push([pathname, await request.json()]);
      return new Response(null, { status: 200 });
    }
    const answer = answers[`${pathname}${search}`];
    if (answer === undefined) return new Response(`nothing at ${pathname}`, { status: 404 });
    return new Response(JSON.stringify(answer));
  };
  return { cli, puts };
}

const underPriority = { "/policy": { policy: "priority", policies: ["drf", "priority"] } };
const underDrf = { "/policy": { policy: "drf", policies: ["drf", "priority"] } };

test("policy show names the policy and the others", async () => {
  const { cli } = served(underDrf);
  expect(await cli.run("policy", "show")).toBe(0);
  expect(cli.out).toBe("drf\nothers: priority\n");
});

test("policy show --json", async () => {
  const { cli } = served(underDrf);
  await cli.run("policy", "show", "--json");
  expect(JSON.parse(cli.out)).toEqual({ policy: "drf", policies: ["drf", "priority"] });
});

test("policy set sends one call and says so", async () => {
  const { cli, puts } = served();
  expect(await cli.run("policy", "set", "priority")).toBe(0);
  expect(puts).toEqual([["/policy", { policy: "priority" }]]);
  expect(cli.out).toBe("the policy is priority\n");
});

test.each([[[]], [["drf", "priority"]]])("policy set %j is wrong usage", async (words) => {
  const { cli, puts } = served();
  expect(await cli.run("policy", "set", ...words)).toBe(2);
  expect([cli.err, puts]).toEqual([expect.stringContaining("name one policy"), []]);
});

test("what the master says against a policy is told in one line", async () => {
  const { cli } = served();
  cli.master.other = async () => new Response("There is no policy 'fifo'.", { status: 400 });
  expect(await cli.run("policy", "set", "fifo")).toBe(1);
  expect(cli.err).toContain("There is no policy 'fifo'.");
});

test("role priority sets several at once", async () => {
  const { cli, puts } = served(underPriority);
  expect(await cli.run("role", "priority", "prod=10", "batch=-5")).toBe(0);
  const priorities = [
    { role: "prod", priority: 10 },
    { role: "batch", priority: -5 },
  ];
  expect(puts).toEqual([["/priorities", { priorities }]]);
  expect(cli.out).toBe("prod has priority 10\nbatch has priority -5\n");
  expect(cli.err).toBe("");
});

test("priorities under a policy that does not look at them are set, with a word about it", async () => {
  const { cli } = served(underDrf);
  expect(await cli.run("role", "priority", "prod=10")).toBe(0);
  expect(cli.err).toContain("rimrock policy set priority");
});

test.each(["prod", "prod=", "=3", "prod=high", "prod=1.5"])(
  "role priority %s is wrong usage, and nothing is sent",
  async (word) => {
    const { cli, puts } = served(underPriority);
    expect(await cli.run("role", "priority", "batch=1", word)).toBe(2);
    expect([cli.err, puts]).toEqual([expect.stringContaining(`"${word}"`), []]);
  },
);

const entries = [
  {
    number: 1207,
    time: 1_795_226_107.25,
    principal: "ada",
    call: "SET_PRIORITIES",
    changes: [
      { subject: "role prod", field: "priority", after: "10" },
      { subject: "role batch", field: "priority", before: "3", after: "-5" },
    ],
    changes_left_out: 4,
  },
  { number: 1100, time: 1_795_226_000, call: "SET_POLICY" },
];

test("audit lists a line for each change, the newest first", async () => {
  const { cli } = served({ "/audit?limit=20": { entries, kept_most: 1_000 } });
  expect(await cli.run("audit")).toBe(0);
  const lines = cli.out.split("\n").map((line) => line.replaceAll(/ {2,}/g, " | ").trimEnd());
  expect(lines).toEqual([
    "TIME | WHO | CALL | WHAT | BEFORE | AFTER",
    "2026-11-21T01:55:07.250Z | ada | SET_PRIORITIES | role prod: priority | - | 10",
    " | role batch: priority | 3 | -5",
    " | and 4 more",
    "2026-11-21T01:53:20.000Z | - | SET_POLICY | nothing",
    "",
  ]);
});

test("audit --json", async () => {
  const { cli } = served({ "/audit?limit=2": { entries, kept_most: 1_000 } });
  await cli.run("audit", "--limit", "2", "--json");
  expect(JSON.parse(cli.out)).toMatchObject([
    { number: 1_207, principal: "ada", changes_left_out: 4 },
    { number: 1_100, principal: null, changes: [], changes_left_out: 0 },
  ]);
});

test("an empty log is a sentence", async () => {
  const { cli } = served({ "/audit?limit=20": { kept_most: 1_000 } });
  await cli.run("audit");
  expect(cli.out).toBe("no operator has changed anything yet\n");
});

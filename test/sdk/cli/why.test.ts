/** `rimrock why` on a real master in this process: what it asks, and how the answer is told. */
import { expect, test } from "vitest";
import { cliOf, told } from "./cli-of-world.ts";
import { FakeCli } from "./fake-cli.ts";

const twoOnThree = [
  "framework f1 --roles=web",
  "agent a1 cpus=4 mem=1024",
  "agent a2 cpus=4 mem=1024",
  "decline f1 o1 --refuse=3600",
  "framework f2 --roles=batch",
  "agent a3 cpus=4 mem=64",
] as const;

test("a framework is told how it stands, and of every agent the reason", async () => {
  const asked = cliOf(...twoOnThree);
  expect(await asked.cli.run("why", "framework", "f1")).toBe(0);
  expect(told(asked)).toMatchInlineSnapshot(`
    "f1 (f1) in web: share 48.5 % (web: 48.5 %); 1 offer in hand, the last one 0 s ago

    1 agent  REFUSED      It declined what is free there, and is offered no less for 60 min more.
             a1 (a1)
             → REVIVE ends refusals at once; Filters.refuse_seconds says how long they last.
    1 agent  OFFERED      It has been offered, just now.
             a2 (a2)
             → The framework may ACCEPT or DECLINE the offer.
    1 agent  EQUAL_SHARE  Offered to 'f2' (f2) in 'batch' just now, with the same share (48.48 %): it was its turn.
             a3 (a3)
             → Wait until that offer is declined or times out; then it is another's turn.
    "
  `);
});

test("a task: what is too small is told with the most that there is", async () => {
  const asked = cliOf(...twoOnThree);
  expect(await asked.cli.run("why", "task", "cpus:4;mem:512")).toBe(0);
  expect(told(asked)).toMatchInlineSnapshot(`
    "1 agent  OFFERED_TO_OTHER  Offered to 'f2' (f2) in 'batch' just now.
             a1 (a1)
             → Wait until that offer is declined or times out.
    1 agent  OFFERED_TO_OTHER  Offered to 'f1' (f1) in 'web' just now.
             a2 (a2)
             → Wait until that offer is declined or times out.
    1 agent  TOO_SMALL         Too small, even when nobody uses it: mem:512 is wanted, and at most 64 there.
             a3 (a3)
             → Ask for less, or add larger agents.
    "
  `);
});

test("a role: everybody in it, and those below", async () => {
  const asked = cliOf("framework f1 --roles=web", "framework f2 --roles=web/blue", "suppress f2");
  expect(await asked.cli.run("why", "role", "web")).toBe(0);
  expect(told(asked)).toMatchInlineSnapshot(`
    "f1 (f1) in web: share 0 % (web: 0 %); 0 offers in hand, none since the master started 0 s ago (before that is not known)
    f2 (f2) in web/blue: share 0 % (web: 0 %); 0 offers in hand, none since the master started 0 s ago (before that is not known)
      SUPPRESSED  The framework has suppressed offers for the role 'web/blue'.
      → It has to send REVIVE for 'web/blue'.

    there are no agents: start one, or join one to the cluster
    "
  `);
});

test("an agent by its host name: who is offered it, and who not", async () => {
  const asked = cliOf(...twoOnThree, "suppress f2");
  expect(await asked.cli.run("why", "agent", "a3")).toBe(0);
  expect(told(asked)).toMatchInlineSnapshot(`
    "agent a3 (a3): cpus:4; mem:64
      free: nothing

    f1 (f1) in web: share 48.5 % (web: 48.5 %); 1 offer in hand, the last one 0 s ago
    f2 (f2) in batch: share 66.7 % (batch: 66.7 %); 2 offers in hand, the last one 0 s ago
      SUPPRESSED  The framework has suppressed offers for the role 'batch'.
      → It has to send REVIVE for 'batch'.

    1 agent   EQUAL_SHARE  Offered to 'f2' (f2) in 'batch' just now, with the same share (48.48 %): it was its turn.
              a3 (a3)
              for f1 (f1) in web
              → Wait until that offer is declined or times out; then it is another's turn.
    1 client  SUPPRESSED   The framework has suppressed offers for the role 'batch'.
              for f2 (f2) in batch
              → It has to send REVIVE for 'batch'.
    "
  `);
});

test("--json is the endpoint's answer, with its lists also when they are empty", async () => {
  const { cli } = cliOf("framework f1 --roles=web");
  expect(await cli.run("why", "framework", "f1", "--json")).toBe(0);
  expect(JSON.parse(cli.out)).toMatchObject({
    policy: "drf",
    agents: 0,
    clients: 1,
    clients_examined: 1,
    groups: [],
    standings: [{ client: { framework_name: "f1", role: "web" }, share: 0 }],
  });
});

test("a name that nobody has is answered with the nearest one, and fails", async () => {
  const { cli } = cliOf("framework marathon --roles=web");
  expect(await cli.run("why", "framework", "marathn")).toBe(1);
  expect(cli.err).toContain("There is no framework 'marathn'. Did you mean 'marathon'?");
  expect(cli.out).toBe("");
});

test.each([
  ["why framework", "rimrock: name one framework: its id or its name\n"],
  ["why framework a b", "rimrock: name one framework: its id or its name\n"],
  ["why role", "rimrock: name one role\n"],
  ["why agent", "rimrock: name one agent: its id, S1, or its host\n"],
  ["why task", 'rimrock: name what the task needs, such as "cpus:2;mem:512"\n'],
])("%s is wrong usage", async (line, problem) => {
  const cli = new FakeCli();
  expect(await cli.run(...line.split(" "))).toBe(2);
  expect(cli.err).toBe(problem);
});

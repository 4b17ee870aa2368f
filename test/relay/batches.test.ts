/** Batches between relay and master, and the two channels whose order is not one. */
import { expect, test } from "vitest";
import { entry, registerAgain, TestRelay } from "./relay.ts";

test("one batch is on its way, and everything that arrives meanwhile is in the next", () => {
  const relay = TestRelay.started(entry("a1"), entry("a2"));
  relay.report("a1");
  relay.report("a2");
  relay.report("a1");
  expect(relay.takeLog()).toEqual(["master: REPORT a1/s1"]);
  relay.answer();
  expect(relay.takeLog()).toEqual(["report 1: durable", "master: REPORT a2/s1, REPORT a1/s1"]);
});

test("a report is answered only when the master has said that it is durable", () => {
  const relay = TestRelay.started(entry("a1"));
  relay.report("a1");
  relay.pass(5_000);
  expect(relay.takeLog()).toEqual(["master: REPORT a1/s1"]);
  relay.answer();
  expect(relay.takeLog()).toEqual(["report 1: durable"]);
});

test("a report of a session that is over is refused, and so is the agent's poll", () => {
  const relay = TestRelay.started(entry("a1"));
  relay.poll("a1");
  relay.report("a1");
  relay.answer(registerAgain("a1"));
  expect(relay.takeLog()).toEqual([
    "master: REPORT a1/s1",
    "1: REGISTER_AGAIN",
    "2: REGISTER_AGAIN",
  ]);
});

test("a batch that fails is sent again, the same, after 100 ms, then 200 ms", () => {
  const relay = TestRelay.started(entry("a1"), entry("a2"));
  relay.report("a1");
  const [first] = relay.sent;
  relay.fail();
  relay.report("a2");
  relay.takeLog();
  relay.pass(99);
  expect(relay.takeLog()).toEqual([]);
  relay.pass(1);
  expect(relay.takeLog()).toEqual(["master: REPORT a1/s1"]);
  expect(relay.sent[0]).toEqual(first);
  relay.fail();
  relay.pass(199);
  expect(relay.takeLog()).toEqual([]);
  relay.pass(1);
  relay.answer();
  expect(relay.takeLog()).toEqual([
    "master: REPORT a1/s1",
    "report 1: durable",
    "master: REPORT a2/s1",
  ]);
});

test("an overloaded master is left alone for a second", () => {
  const relay = TestRelay.started(entry("a1"));
  relay.report("a1");
  relay.fail("OVERLOADED");
  relay.takeLog();
  relay.pass(999);
  expect(relay.takeLog()).toEqual([]);
  relay.pass(1);
  expect(relay.takeLog()).toEqual(["master: REPORT a1/s1"]);
});

test("a message that makes the master fail is found, and the others get through", () => {
  const agents = ["a1", "a2", "a3", "a4", "bad"];
  const relay = TestRelay.started(...agents.map((id) => entry(id)));
  relay.report("a1");
  for (const id of agents.slice(1)) relay.report(id);
  relay.answer();
  for (let tries = 0; tries < 20 && relay.sent.length > 0; tries++) {
    const poisoned = relay.sent[0]?.messages.some(
      (message) => message.type === "REPORT" && message.report.agent_id.value === "bad",
    );
    if (poisoned) relay.fail("TURN_FAILED");
    else relay.answer();
    relay.pass(5_000);
  }
  const log = relay.takeLog();
  for (const requestId of [1, 2, 3, 4]) expect(log).toContain(`report ${requestId}: durable`);
  expect(log).toContain("5: TRY_AGAIN");
  expect(relay.sent).toEqual([]);
});

test("an answer that comes twice is taken once", () => {
  const relay = TestRelay.started(entry("a1"));
  relay.report("a1");
  const batch = relay.sent[0]?.batch ?? 0;
  relay.answer();
  const answer = { life: relay.life, turn: 1, replies: [] };
  relay.step({ type: "MASTER_ANSWERED", batch, answer });
  expect(relay.takeLog()).toEqual(["master: REPORT a1/s1", "report 1: durable"]);
});

test("a report that waits too long is refused as transient, and not sent when it has not left yet", () => {
  const relay = TestRelay.started(entry("a1"), entry("a2"));
  relay.report("a1");
  relay.report("a2");
  relay.pass(25_000);
  expect(relay.takeLog()).toEqual(["master: REPORT a1/s1", "1: TRY_AGAIN", "2: TRY_AGAIN"]);
  relay.answer();
  expect(relay.takeLog()).toEqual([]);
});

test("a command that overtakes the answer to WHO_IS is not lost", () => {
  const relay = TestRelay.started();
  relay.poll("a1");
  relay.turn = 5;
  relay.commands("a1", [8]);
  relay.takeLog();
  relay.answerAs({ turn: 4 }, { type: "KNOWN", agent: entry("a1", [7]) });
  expect(relay.takeLog()).toEqual(["poll 1: 7"]);
  relay.poll("a1", { acknowledged: 7 });
  expect(relay.takeLog()).toContain("poll 2: 8");
});

test("a removal that overtakes the roster is not undone by it", () => {
  const relay = new TestRelay();
  relay.step({ type: "STARTED" });
  relay.turn = 5;
  relay.remove("a1");
  relay.answerAs({ turn: 4 }, { type: "ROSTER", agents: [entry("a1")] });
  relay.takeLog();
  relay.poll("a1");
  expect(relay.takeLog()).toEqual(["master: WHO_IS a1/s1"]);
});

test("an agent that is added while the roster is on its way stays", () => {
  const relay = new TestRelay();
  relay.step({ type: "STARTED" });
  relay.turn = 5;
  relay.add(entry("a1", [3]));
  relay.answerAs({ turn: 4 }, { type: "ROSTER", agents: [] });
  relay.takeLog();
  relay.poll("a1");
  expect(relay.takeLog()).toEqual(["poll 1: 3"]);
});

test("a new session that is told before an older roster is not replaced by it", () => {
  const relay = new TestRelay();
  relay.step({ type: "STARTED" });
  relay.turn = 5;
  relay.add(entry("a1", [], "s2"));
  relay.answerAs({ turn: 4 }, { type: "ROSTER", agents: [entry("a1", [], "s1")] });
  relay.takeLog();
  relay.poll("a1", { session: "s2" });
  expect(relay.takeLog()).toEqual([]);
});

test("when the master has a new life its relays ask for everything again", () => {
  const relay = TestRelay.started(entry("a1"));
  relay.life = "life-2";
  relay.fromMaster();
  expect(relay.takeLog()).toEqual(["master: STARTED"]);
  relay.answer({ type: "ROSTER", agents: [entry("a1", [12])] });
  relay.takeLog();
  relay.poll("a1");
  expect(relay.takeLog()).toEqual(["poll 1: 12"]);
});

test("a new life that shows in an answer is noticed too", () => {
  const relay = TestRelay.started(entry("a1"));
  relay.report("a1");
  relay.life = "life-2";
  relay.answer();
  expect(relay.takeLog()).toEqual(["master: REPORT a1/s1", "report 1: durable", "master: STARTED"]);
});

test("polls that come before the roster are answered by it, without asking one by one", () => {
  const relay = new TestRelay();
  relay.step({ type: "STARTED" });
  relay.poll("a1");
  relay.poll("a2");
  expect(relay.takeLog()).toEqual(["master: STARTED"]);
  relay.answer({ type: "ROSTER", agents: [entry("a1", [1]), entry("a2", [2])] });
  expect(relay.takeLog()).toEqual(["poll 1: 1", "poll 2: 2"]);
});

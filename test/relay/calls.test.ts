/** Operators' calls to an agent's own API. */
import { expect, test } from "vitest";
import { entry, TestRelay } from "./relay.ts";

test("a call goes to the agent once, and its answer comes back piece by piece", () => {
  const relay = TestRelay.started(entry("a1"));
  relay.poll("a1");
  relay.call("c1", "a1");
  relay.poll("a1");
  relay.callReply("c1", { sequence: 0, status: 200, text: "he" });
  relay.callReply("c1", { sequence: 1, text: "llo", last: true });
  expect(relay.takeLog()).toEqual([
    "poll 1: CALL",
    "c1: 200 'he'",
    "reply 3: taken",
    "c1: 'llo' end",
    "reply 4: taken",
  ]);
});

test("a piece that comes twice is taken once", () => {
  const relay = TestRelay.started(entry("a1"));
  relay.call("c1", "a1");
  relay.callReply("c1", { sequence: 0, status: 200, text: "a" });
  relay.callReply("c1", { sequence: 0, status: 200, text: "a" });
  expect(relay.takeLog()).toEqual(["c1: 200 'a'", "reply 1: taken", "reply 2: taken"]);
});

test("a piece that overtakes another is sent back", () => {
  const relay = TestRelay.started(entry("a1"));
  relay.call("c1", "a1");
  relay.callReply("c1", { sequence: 1, text: "b" });
  relay.callReply("c1", { sequence: 0, status: 200, text: "a" });
  relay.callReply("c1", { sequence: 2, text: "c" });
  expect(relay.takeLog()).toEqual([
    "1: TRY_AGAIN",
    "c1: 200 'a'",
    "reply 2: taken",
    "3: TRY_AGAIN",
  ]);
});

test("a caller waits 30 s for each piece", () => {
  const relay = TestRelay.started(entry("a1"));
  relay.call("c1", "a1");
  relay.pass(29_000);
  relay.callReply("c1", { sequence: 0, status: 200, text: "a" });
  relay.pass(29_999);
  relay.takeLog();
  relay.pass(1);
  expect(relay.takeLog()).toContain("c1: TIMED_OUT");
  relay.callReply("c1", { sequence: 1, text: "b" });
  expect(relay.takeLog()).toEqual(["2: CALL_UNKNOWN"]);
});

test("a call to an agent that is not connected fails at once", () => {
  const relay = TestRelay.started(entry("a1"));
  relay.call("c1", "a2");
  expect(relay.takeLog()).toEqual(["c1: AGENT_NOT_CONNECTED"]);
});

test("a call before the roster waits for it", () => {
  const relay = new TestRelay();
  relay.step({ type: "STARTED" });
  relay.call("c1", "a1");
  relay.call("c2", "a2");
  relay.takeLog();
  relay.answer({ type: "ROSTER", agents: [entry("a1")] });
  relay.poll("a1");
  expect(relay.takeLog()).toEqual(["c2: AGENT_NOT_CONNECTED", "poll 1: CALL"]);
});

test("a call fails when its agent is lost", () => {
  const relay = TestRelay.started(entry("a1"));
  relay.call("c1", "a1");
  relay.remove("a1");
  expect(relay.takeLog()).toEqual(["c1: AGENT_LOST"]);
});

test("an agent cannot answer another agent's call", () => {
  const relay = TestRelay.started(entry("a1"), entry("a2"));
  relay.call("c1", "a1");
  relay.callReply("c1", { sequence: 0, status: 200, text: "x", agent: "a2" });
  expect(relay.takeLog()).toEqual(["1: CALL_UNKNOWN"]);
});

test("when the operator has gone away the agent is told to stop", () => {
  const relay = TestRelay.started(entry("a1"));
  relay.call("c1", "a1");
  relay.callReply("c1", { sequence: 0, status: 200, text: "a" });
  relay.step({ type: "CALL_ABANDONED", callId: "c1" });
  relay.takeLog();
  relay.callReply("c1", { sequence: 1, text: "b" });
  expect(relay.takeLog()).toEqual(["2: CALL_UNKNOWN"]);
});

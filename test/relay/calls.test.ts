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

test("the piece of a body that the agent asks for is fetched, the same as often as it asks", () => {
  const relay = TestRelay.started(entry("a1"));
  relay.call("c1", "a1");
  relay.callInput("c1", 0);
  relay.callInput("c1", 0);
  relay.callInput("c1", 1);
  expect(relay.takeLog()).toEqual([
    "input 1: piece 0 of c1",
    "input 1: nothing",
    "input 2: piece 0 of c1",
    "input 2: nothing",
    "input 3: piece 1 of c1",
  ]);
});

test("a request for a piece is held no longer than a poll, and keeps its call alive", () => {
  const relay = TestRelay.started(entry("a1"));
  relay.call("c1", "a1");
  for (let request = 1; request <= 3; request++) {
    relay.callInput("c1", 0);
    relay.takeLog();
    relay.pass(24_999);
    expect(relay.takeLog()).not.toContain(`input ${request}: nothing`);
    relay.pass(1);
    expect(relay.takeLog()).toContain(`input ${request}: nothing`);
  }
  relay.pass(30_000);
  expect(relay.takeLog()).toContain("c1: TIMED_OUT");
});

test("an agent that asks for a piece hears at once that the caller has gone, or the call is over", () => {
  const relay = TestRelay.started(entry("a1"));
  relay.call("c1", "a1");
  relay.callInput("c1", 0);
  relay.takeLog();
  relay.step({ type: "CALL_ABANDONED", callId: "c1" });
  expect(relay.takeLog()).toEqual(["1: CALL_UNKNOWN"]);
  relay.call("c2", "a1");
  relay.callInput("c2", 0);
  relay.callReply("c2", { sequence: 0, status: 200, text: "a", last: true });
  expect(relay.takeLog()).toEqual([
    "input 2: piece 0 of c2",
    "c2: 200 'a' end",
    "reply 3: taken",
    "2: CALL_UNKNOWN",
  ]);
});

test("an agent cannot ask for what the caller of another agent sends", () => {
  const relay = TestRelay.started(entry("a1"), entry("a2"));
  relay.call("c1", "a1");
  relay.callInput("c1", 0, "a2");
  expect(relay.takeLog()).toEqual(["1: CALL_UNKNOWN"]);
});

test("a caller that reads slowly does not lose its answer: the repeated piece is a sign of life", () => {
  const relay = TestRelay.started(entry("a1"));
  relay.call("c1", "a1");
  relay.callReply("c1", { sequence: 0, status: 200, text: "a" });
  for (let times = 0; times < 4; times++) {
    relay.pass(20_000);
    relay.callReply("c1", { sequence: 0, status: 200, text: "a" });
  }
  expect(relay.takeLog().filter((line) => line.startsWith("c1"))).toEqual(["c1: 200 'a'"]);
});

test("an agent has a bounded number of callers, others are refused until one is gone", () => {
  const relay = TestRelay.started(entry("a1"), entry("a2"));
  for (let call = 1; call <= 64; call++) relay.call(`c${call}`, "a1");
  relay.call("c65", "a1");
  relay.call("other", "a2");
  expect(relay.takeLog()).toEqual(["c65: TOO_MANY_CALLS"]);
  relay.step({ type: "CALL_ABANDONED", callId: "c1" });
  relay.call("c66", "a1");
  expect(relay.takeLog()).toEqual([]);
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

/** Signs of life: what an agent sends counts, what is held for it does not. */
import { expect, test } from "vitest";
import { defaultSettings } from "../../worker/core/settings.ts";
import { relaySettings } from "../../worker/relay/state.ts";
import { entry, registerAgain, TestRelay } from "./relay.ts";

/** Answers batches without replies while time passes. */
function passAnswering(relay: TestRelay, ms: number): string[] {
  for (let left = ms; left > 0; left -= 1_000) {
    relay.pass(Math.min(left, 1_000));
    while (relay.sent.length > 0) relay.answer();
  }
  return relay.takeLog();
}

test("an agent that sends nothing for 75 s is reported silent, once", () => {
  const relay = TestRelay.started(entry("a1"));
  relay.poll("a1");
  expect(passAnswering(relay, 74_000)).not.toContain("master: SILENT a1/s1");
  expect(passAnswering(relay, 1_000)).toContain("master: SILENT a1/s1");
  expect(passAnswering(relay, 200_000)).toEqual([]);
});

test.each([
  ["poll", (relay: TestRelay) => relay.poll("a1")],
  ["report", (relay: TestRelay) => relay.report("a1")],
  ["reply", (relay: TestRelay) => relay.callReply("none", { sequence: 0, status: 200 })],
])("a %s is a sign of life", (_, send) => {
  const relay = TestRelay.started(entry("a1"));
  passAnswering(relay, 60_000);
  send(relay);
  expect(passAnswering(relay, 74_000)).not.toContain("master: SILENT a1/s1");
  expect(passAnswering(relay, 1_000)).toContain("master: SILENT a1/s1");
});

test("messages of another session are no sign of life", () => {
  const relay = TestRelay.started(entry("a1"));
  relay.pass(60_000);
  while (relay.sent.length > 0) relay.answer();
  relay.poll("a1", { session: "s0" });
  relay.answer(registerAgain("a1", "s0"));
  expect(passAnswering(relay, 15_000)).toContain("master: SILENT a1/s1");
});

test("a silent agent that comes back is asked about, not trusted", () => {
  const relay = TestRelay.started(entry("a1"));
  passAnswering(relay, 76_000);
  relay.poll("a1");
  expect(relay.takeLog()).toEqual(["master: WHO_IS a1/s1"]);
  relay.answer(registerAgain("a1"));
  expect(relay.takeLog()).toEqual(["1: REGISTER_AGAIN"]);
});

test("a relay that starts gives every agent its full time", () => {
  const relay = new TestRelay();
  relay.step({ type: "STARTED" });
  relay.pass(10_000);
  relay.answer({ type: "ROSTER", agents: [entry("a1"), entry("a2")] });
  relay.takeLog();
  expect(passAnswering(relay, 74_000)).not.toContain("master: SILENT a1/s1, SILENT a2/s1");
  expect(passAnswering(relay, 1_000)).toContain("master: SILENT a1/s1, SILENT a2/s1");
});

test("with agents the master hears from the relay at least every 60 s", () => {
  const relay = TestRelay.started(entry("a1"));
  let quietMs = 0;
  for (let second = 0; second < 600; second++) {
    relay.pass(1_000);
    if (second % 20 === 0) relay.poll("a1");
    const spoke = relay.sent.length > 0;
    while (relay.sent.length > 0) relay.answer();
    quietMs = spoke ? 0 : quietMs + 1_000;
    expect(quietMs).toBeLessThanOrEqual(60_000);
  }
});

test("without agents a relay says nothing and sets no timer", () => {
  const relay = TestRelay.started();
  expect(passAnswering(relay, 300_000)).toEqual([]);
});

test("a relay without agents that is woken asks who should be there", () => {
  const relay = TestRelay.started();
  relay.fromMaster({ type: "WAKE_RELAY", relayId: "relay-1" as never });
  expect(relay.takeLog()).toEqual(["master: STARTED"]);
});

test("a deployment that allows less silence holds polls for less: an agent that is well polls on", () => {
  const agentPing = { timeoutMs: 1_000, maxTimeouts: 2 };
  expect(relaySettings({ agentPing })).toEqual({ silenceMs: 2_000, pollHoldMs: 666 });
  expect(relaySettings(defaultSettings)).toEqual({ silenceMs: 75_000, pollHoldMs: 25_000 });
});

/** Polls and commands. Request ids count from 1 in the order of the test's requests. */
import { expect, test } from "vitest";
import { entry, registerAgain, TestRelay } from "./relay.ts";

test("a poll is held until commands come", () => {
  const relay = TestRelay.started(entry("a1"));
  relay.poll("a1");
  expect(relay.takeLog()).toEqual([]);
  relay.commands("a1", [7]);
  expect(relay.takeLog()).toEqual(["poll 1: 7"]);
});

test("a poll is answered with nothing after 25 s", () => {
  const relay = TestRelay.started(entry("a1"));
  relay.poll("a1");
  relay.pass(24_999);
  expect(relay.takeLog()).toEqual([]);
  relay.pass(1);
  expect(relay.takeLog()).toEqual(["poll 1: nothing"]);
});

test("commands that wait answer a poll at once", () => {
  const relay = TestRelay.started(entry("a1", [3, 5]));
  relay.poll("a1");
  expect(relay.takeLog()).toEqual(["poll 1: 3 5"]);
});

test("a numbered command is repeated until it is acknowledged, one without a number goes once", () => {
  const relay = TestRelay.started(entry("a1", [3]));
  relay.commands("a1", [undefined, 5]);
  relay.poll("a1");
  relay.poll("a1");
  relay.poll("a1", { acknowledged: 3 });
  expect(relay.takeLog()).toEqual(["poll 1: 3 5 RESUME_UPDATES", "poll 2: 3 5", "poll 3: 5"]);
});

test("an acknowledgement reaches the master, at the latest after 100 ms", () => {
  const relay = TestRelay.started(entry("a1", [3, 5]));
  relay.poll("a1");
  relay.poll("a1", { acknowledged: 5 });
  relay.takeLog();
  relay.pass(99);
  expect(relay.takeLog()).toEqual([]);
  relay.pass(1);
  expect(relay.takeLog()).toEqual(["master: ACKNOWLEDGED a1 5"]);
});

test("the acknowledgement of an offer operation reaches the master at once", () => {
  const { commands, ...agent } = entry("a1", [3]);
  const operation = { type: "APPLY_OPERATION", number: 5n } as const;
  const relay = TestRelay.started({ ...agent, commands: [...commands, operation] });
  relay.poll("a1", { acknowledged: 3 });
  relay.poll("a1", { acknowledged: 5 });
  expect(relay.takeLog()).toEqual(["poll 1: 5", "master: ACKNOWLEDGED a1 5"]);
});

test("an acknowledgement travels with the report that follows it", () => {
  const relay = TestRelay.started(entry("a1", [3]));
  relay.poll("a1", { acknowledged: 3 });
  relay.report("a1");
  expect(relay.takeLog()).toEqual(["master: ACKNOWLEDGED a1 3, REPORT a1/s1"]);
});

test("the same acknowledgement is not told twice", () => {
  const relay = TestRelay.started(entry("a1", [3]));
  relay.poll("a1", { acknowledged: 3 });
  relay.pass(100);
  relay.answer();
  relay.takeLog();
  relay.poll("a1", { acknowledged: 3 });
  relay.pass(1_000);
  expect(relay.takeLog()).toEqual(["poll 1: nothing"]);
});

test("a newer poll of the same agent frees the older one", () => {
  const relay = TestRelay.started(entry("a1"));
  relay.poll("a1", { number: 1 });
  relay.poll("a1", { number: 2 });
  expect(relay.takeLog()).toEqual(["poll 1: nothing"]);
  relay.commands("a1", [7]);
  expect(relay.takeLog()).toEqual(["poll 2: 7"]);
});

test("a poll that was overtaken on its way does not free the newer one", () => {
  const relay = TestRelay.started(entry("a1"));
  relay.poll("a1", { number: 2 });
  relay.poll("a1", { number: 1 });
  expect(relay.takeLog()).toEqual(["poll 2: nothing"]);
  relay.commands("a1", [7]);
  expect(relay.takeLog()).toEqual(["poll 1: 7"]);
});

test("commands arrive in the order of their numbers, each once, however often they are told", () => {
  const relay = TestRelay.started(entry("a1", [4]));
  relay.commands("a1", [6]);
  relay.commands("a1", [4, 5, 6]);
  relay.poll("a1");
  expect(relay.takeLog()).toEqual(["poll 1: 4 5 6"]);
});

test("at most 200 commands are in one answer, and the next poll gets the rest", () => {
  const numbers = Array.from({ length: 250 }, (_, at) => at + 1);
  const relay = TestRelay.started(entry("a1", numbers));
  relay.poll("a1");
  relay.poll("a1", { acknowledged: 200 });
  const [first, second] = relay.takeLog();
  expect(first?.split(" ")).toHaveLength(202);
  expect(second?.split(" ")).toHaveLength(52);
});

test("a poll of an unknown session is held while the master is asked", () => {
  const relay = TestRelay.started();
  relay.poll("a1");
  expect(relay.takeLog()).toEqual(["master: WHO_IS a1/s1"]);
  relay.answer({ type: "KNOWN", agent: entry("a1", [9]) });
  expect(relay.takeLog()).toEqual(["poll 1: 9"]);
});

test("a session that is not the live one has to register again", () => {
  const relay = TestRelay.started();
  relay.poll("a1");
  relay.answer(registerAgain("a1"));
  expect(relay.takeLog()).toEqual(["master: WHO_IS a1/s1", "1: REGISTER_AGAIN"]);
});

test("the old session's poll is refused when the agent registers anew", () => {
  const relay = TestRelay.started(entry("a1", [], "s1"));
  relay.poll("a1");
  relay.add(entry("a1", [], "s2"));
  expect(relay.takeLog()).toEqual(["1: REGISTER_AGAIN"]);
  relay.poll("a1", { session: "s2" });
  relay.commands("a1", [2], "s2");
  expect(relay.takeLog()).toEqual(["poll 2: 2"]);
});

test("a stranger's poll is refused as transient when the master does not answer for 25 s", () => {
  const relay = TestRelay.started();
  relay.poll("a1");
  relay.takeLog();
  relay.pass(25_000);
  expect(relay.takeLog()).toContain("1: TRY_AGAIN");
});

test("an agent that the master removes is refused at once", () => {
  const relay = TestRelay.started(entry("a1"));
  relay.poll("a1");
  relay.remove("a1");
  expect(relay.takeLog()).toEqual(["1: REGISTER_AGAIN"]);
});

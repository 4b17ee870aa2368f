import { expect, test } from "vitest";
import { flagsDocument } from "../../../worker/core/operator/documents/flags.ts";
import { wholeText } from "../../../worker/core/operator/documents/long-text.ts";
import { stateDocument } from "../../../worker/core/operator/documents/state.ts";
import { flagsOf } from "../../../worker/core/operator/flags.ts";
import { getFlags } from "../../../worker/core/operator/get-flags.ts";
import { recorded } from "./golden-text.ts";
import { RecordedCluster } from "./recorded-cluster.ts";

type Flags = Readonly<Record<string, string>>;

function flagsIn(json: string): Flags {
  return (JSON.parse(json) as { flags: Flags }).flags;
}

test("every flag that Mesos shows is shown, sorted by name, and none is empty", () => {
  const { host } = new RecordedCluster();
  const flags = flagsIn(flagsDocument(host.state));
  const theirs = JSON.parse(recorded("GET_FLAGS")) as { get_flags: { flags: { name: string }[] } };
  expect(Object.keys(flags)).toEqual(theirs.get_flags.flags.map(({ name }) => name));
  expect(Object.values(flags).filter((value) => value === "")).toEqual([]);
});

test("the flags of /flags, /state and GET_FLAGS are the same", () => {
  const { state } = new RecordedCluster({ offerTimeoutMs: 30_000 }).host;
  const flags = flagsIn(flagsDocument(state));
  expect(flagsIn(wholeText(stateDocument(state)))).toEqual(flags);
  const named = getFlags(state).get_flags?.flags ?? [];
  expect(Object.fromEntries(named.map(({ name, value }) => [name, value]))).toEqual(flags);
  expect(named).toHaveLength(Object.keys(flags).length);
});

test("what a deployment sets is what its flags say", () => {
  const { state } = new RecordedCluster({
    address: { hostname: "m.example", ip: "10.1.2.3", port: 8080 },
    policy: "random",
    offerTimeoutMs: 90_000,
  }).host;
  expect(Object.fromEntries(flagsOf(state).map(({ name, value }) => [name, value]))).toMatchObject({
    hostname: "m.example",
    ip: "10.1.2.3",
    port: "8080",
    framework_sorter: "random",
    role_sorter: "random",
    offer_timeout: "90secs",
  });
});

test("a flag that is not set is not shown", () => {
  const { state } = new RecordedCluster().host;
  expect(flagsOf(state).map(({ name }) => name)).not.toContain("offer_timeout");
});

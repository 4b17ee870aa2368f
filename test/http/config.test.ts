import { expect, test } from "vitest";
import { describeConfigErrors, readConfig, type Variables } from "../../worker/config.ts";

test("without variables the master is where Mesos' masters are", () => {
  const config = readConfig({});
  expect(config.ok && config.value.master.address).toEqual({
    hostname: "localhost",
    ip: "127.0.0.1",
    port: 5050,
  });
});

test("variables are taken as text or number", () => {
  const config = readConfig({
    RIMROCK_HOSTNAME: "m.example",
    RIMROCK_IP: "10.1.2.3",
    RIMROCK_PORT: "8080",
    RIMROCK_OFFER_TIMEOUT: "30secs",
    RIMROCK_MAX_OFFERS_PER_FRAMEWORK: "50",
    RIMROCK_POLICY: "priority",
    RIMROCK_AGENT_PING_TIMEOUT: "1secs",
    RIMROCK_MAX_AGENT_PING_TIMEOUTS: 2,
    RIMROCK_DOMAIN: "eu/eu-1",
  });
  expect(config.ok && config.value.master).toMatchObject({
    address: { hostname: "m.example", ip: "10.1.2.3", port: 8080 },
    offerTimeoutMs: 30_000,
    maxOffersPerFramework: 50,
    policy: "priority",
    agentPing: { timeoutMs: 1_000, maxTimeouts: 2 },
    domain: { fault_domain: { region: { name: "eu" }, zone: { name: "eu-1" } } },
  });
});

test("what bounds hoarding is there unless it is said to be none", () => {
  const offers = (env: Variables): unknown => {
    const config = readConfig(env);
    if (!config.ok) return config.error;
    const { offerTimeoutMs, maxOffersPerFramework } = config.value.master;
    return [offerTimeoutMs, maxOffersPerFramework];
  };
  expect(offers({})).toEqual([600_000, 1_000]);
  const none = { RIMROCK_OFFER_TIMEOUT: "none", RIMROCK_MAX_OFFERS_PER_FRAMEWORK: "none" };
  expect(offers(none)).toEqual([undefined, undefined]);
});

test("every mistake is told at once, by the variable's name", () => {
  const config = readConfig({
    RIMROCK_HOSTNAME: "a b",
    RIMROCK_IP: "300.1.1.1",
    RIMROCK_PORT: "http",
    RIMROCK_OFFER_TIMEOUT: "soon",
    RIMROCK_MAX_OFFERS_PER_FRAMEWORK: "0",
    RIMROCK_POLICY: "toString",
    RIMROCK_AGENT_PING_TIMEOUT: "999ms",
    RIMROCK_MAX_AGENT_PING_TIMEOUTS: "0",
    RIMROCK_DOMAIN: "eu",
  });
  if (config.ok) throw new Error("nine mistakes are expected");
  const lines = describeConfigErrors(config.error).split("\n");
  expect(lines.map((line) => line.split(" ")[0])).toEqual([
    "RIMROCK_HOSTNAME",
    "RIMROCK_IP",
    "RIMROCK_PORT",
    "RIMROCK_OFFER_TIMEOUT",
    "RIMROCK_MAX_OFFERS_PER_FRAMEWORK",
    "RIMROCK_POLICY",
    "RIMROCK_AGENT_PING_TIMEOUT",
    "RIMROCK_MAX_AGENT_PING_TIMEOUTS",
    "RIMROCK_DOMAIN",
  ]);
});

test("the platform's word on the deployed version is what is known of an unbundled build", () => {
  const timestamp = "2026-11-21T08:00:00.500Z";
  const build = (tag: string): unknown => {
    const config = readConfig({ RIMROCK_VERSION: { tag, timestamp } });
    return config.ok && config.value.master.build;
  };
  const timeMs = Date.parse(timestamp);
  expect(build("")).toEqual({ date: "2026-11-21", timeMs, user: "unknown" });
  expect(build("c1b42f79d")).toMatchObject({ gitSha: "c1b42f79d" });
  expect(build("spring release")).not.toHaveProperty("gitSha");
});

test.each([undefined, {}, { timestamp: "" }, { timestamp: "soon" }])(
  "without a time nothing is known of the build: %j",
  (RIMROCK_VERSION) => {
    const config = readConfig({ RIMROCK_VERSION });
    expect(config.ok && config.value.master.build).toBeUndefined();
  },
);

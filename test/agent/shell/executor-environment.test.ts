import { randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import { containerId } from "../../../agent/containerizer/containerizer.ts";
import type { Launch } from "../../../agent/core/effect.ts";
import { executorEnvironment } from "../../../agent/shell/executor-environment.ts";
import { ExecutorTokens } from "../../../agent/shell/executor-tokens.ts";
import type * as mesos from "../../../worker/protocol/v1/mesos.ts";
import { assert } from "../../../worker/std/assert.ts";

const tokens = new ExecutorTokens(randomBytes(32));
const id = containerId("c1");
assert(id.ok, "c1 is a container id");
const claims = { frameworkId: "f1", executorId: "e", containerId: "c1" };

function launchOf(checkpoint: boolean, container?: mesos.ContainerInfo): Launch {
  assert(id.ok, "c1 is a container id");
  return {
    containerId: id.value,
    framework: { id: { value: "f1" }, user: "root", name: "f1", checkpoint },
    task: {
      ...{ name: "e", task_id: { value: "e" }, agent_id: { value: "a" } },
      ...(container !== undefined && { container }),
    },
    custom: { shutdownGraceMs: 90_000, reregistrationMs: 2_000 },
  };
}

const docker = (network?: mesos.ContainerInfoDockerInfoNetwork): mesos.ContainerInfo => ({
  type: "DOCKER",
  docker: { image: "x", ...(network !== undefined && { network }) },
});

describe("the environment of a custom executor", () => {
  test("says where the agent listens, how long it has, and who it is", () => {
    const made = executorEnvironment({ endpoint: "127.0.0.1:5051", tokens }, launchOf(true));
    assert(made.ok, "it can be launched");
    const { MESOS_EXECUTOR_AUTHENTICATION_TOKEN: token, ...rest } = made.value;
    expect(rest).toEqual({
      MESOS_AGENT_ENDPOINT: "127.0.0.1:5051",
      MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD: "90secs",
      MESOS_SUBSCRIPTION_BACKOFF_MAX: "1secs",
      LIBPROCESS_PORT: "0",
    });
    expect(tokens.read(token ?? "")).toEqual(claims);
  });

  test("has no word about coming back for whom that is not meant", () => {
    const made = executorEnvironment({ endpoint: "127.0.0.1:5051", tokens }, launchOf(false));
    expect(made.ok && Object.keys(made.value)).not.toContain("MESOS_SUBSCRIPTION_BACKOFF_MAX");
  });

  test("is refused to an executor that could never reach the agent", () => {
    const at = (endpoint: string, network?: mesos.ContainerInfoDockerInfoNetwork) =>
      executorEnvironment({ endpoint, tokens }, launchOf(true, docker(network)));
    const refused = at("127.0.0.1:5051", "BRIDGE");
    expect(!refused.ok && refused.error).toMatch(/127\.0\.0\.1:5051 cannot be reached; .*--listen/);
    expect(at("127.0.0.1:5051").ok).toBe(true);
    expect(at("127.0.0.1:5051", "HOST").ok).toBe(true);
    expect(at("10.0.0.7:5051", "BRIDGE").ok).toBe(true);
  });
});

describe("a token", () => {
  const token = tokens.tokenOf(claims);

  test("is that of one executor in one container", () => {
    expect(tokens.read(token)).toEqual(claims);
    const [header, , signature] = token.split(".");
    for (const other of [{ cid: "c2" }, { eid: "x" }, { fid: "f2" }]) {
      const text = JSON.stringify({ fid: "f1", eid: "e", cid: "c1", ...other });
      const forged = Buffer.from(text).toString("base64url");
      expect(tokens.read(`${header}.${forged}.${signature}`)).toBeUndefined();
    }
  });

  test("of another agent, without a signature, or with more is none", () => {
    const [header, payload] = token.split(".");
    const others = new ExecutorTokens(randomBytes(32)).tokenOf(claims);
    const none = Buffer.from('{"alg":"none"}').toString("base64url");
    const forged = [`${header}.${payload}.`, `${none}.${payload}.`, `${token}.x`, `${token}A`];
    for (const text of [others, "", ".", "..", header ?? "", ...forged]) {
      expect(tokens.read(text), text).toBeUndefined();
    }
  });
});

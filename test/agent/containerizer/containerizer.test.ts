import { afterAll, beforeAll, describe, test } from "vitest";
import { type ContainerizerKind, containerizers } from "../../../agent/containerizer/index.ts";
import { type DockerDaemon, startDockerDaemon } from "../../support/docker-daemon.ts";
import { type Requirement, requirement } from "../../support/require.ts";
import { suites } from "./suite.ts";

const nothing: Requirement = { missing: false, title: (text) => text };
const needs: { readonly [K in ContainerizerKind]: Requirement } = {
  process: nothing,
  cgroups: requirement("cgroups"),
  docker: requirement("docker"),
};

let daemon: DockerDaemon | undefined;
afterAll(() => daemon?.remove(), 60_000);
/** What has to run before the first check of an entry. */
const set: { readonly [K in ContainerizerKind]: () => Promise<void> } = {
  process: async () => {},
  cgroups: async () => {},
  docker: async () => {
    daemon = await startDockerDaemon();
    process.env.RIMROCK_TEST_DOCKER = daemon.socketPath;
  },
};

// `Object.keys` forgets that the keys are the table's own.
for (const kind of Object.keys(containerizers) as ContainerizerKind[]) {
  const need = needs[kind];
  describe.skipIf(need.missing)(need.title(`the ${kind} containerizer`), () => {
    beforeAll(set[kind], 60_000);
    for (const [rule, check] of Object.entries(suites[kind])) {
      test(rule, () => check(kind));
    }
  });
}

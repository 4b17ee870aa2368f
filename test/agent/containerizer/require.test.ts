import assert from "node:assert/strict";
import { afterEach, test, vi } from "vitest";
import { isDemanded, requirement } from "../../support/require.ts";

afterEach(() => vi.unstubAllEnvs());

test("a need is demanded by its name, or by all", () => {
  assert.equal(isDemanded("docker", "all"), true);
  assert.equal(isDemanded("docker", "qemu, docker"), true);
  assert.equal(isDemanded("docker", "qemu"), false);
  assert.equal(isDemanded("docker", ""), false);
});

test("what the machine lacks skips with the reason, and fails when it is demanded", () => {
  vi.stubEnv("PATH", "/nowhere");
  vi.stubEnv("RIMROCK_REQUIRE", "");
  const mesosGo = requirement("mesos-go");
  assert.equal(mesosGo.missing, true);
  assert.match(
    mesosGo.title("a rule"),
    /^a rule \(skipped: mesos-go or Go missing; apt-get install /,
  );
  vi.stubEnv("RIMROCK_REQUIRE", "all");
  assert.throws(() => requirement("mesos-go"), /RIMROCK_REQUIRE demands 'mesos-go'.* Go missing/);
});

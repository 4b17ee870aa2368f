import assert from "node:assert/strict";
import { beforeAll, describe, test } from "vitest";
import { requirement } from "../../support/require.ts";
import { seccompChecks } from "./checks/seccomp.ts";
import { suites } from "./suite.ts";
import { runGuest } from "./virtual-machine.ts";

const qemu = requirement("qemu");
const packages = requirement("debian-packages");

const need = [qemu, packages].find(({ missing }) => missing) ?? qemu;
describe.skipIf(need.missing)(need.title("the cgroups containerizer on cgroup v2"), () => {
  const failures = new Map<string, string>();
  let printed = "";

  beforeAll(async () => {
    printed = await runGuest();
    for (const [, json] of printed.matchAll(/^CHECK (\{.*\})\r?$/gm)) {
      // Printed by guest.ts.
      const { rule, failure } = JSON.parse(json ?? "") as { rule: string; failure: string };
      failures.set(rule, failure);
    }
  }, 660_000);

  test("the virtual machine has a cgroup v2 hierarchy", () => {
    assert.match(printed, /^HIERARCHY v2\r?$/m);
  });

  for (const rule of Object.keys({ ...suites.cgroups, ...seccompChecks })) {
    test(rule, () => {
      const failure = failures.get(rule);
      assert.ok(
        failure !== undefined,
        `the virtual machine did not get to it:\n${printed.slice(-2_000)}`,
      );
      assert.equal(failure, "");
    });
  }
});

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, test } from "vitest";
import { whyNoFilters } from "../../../../agent/containerizer/cgroups/seccomp/machine.ts";
import { describeLaunchError } from "../../../../agent/containerizer/containerizer.ts";
import { containerizers } from "../../../../agent/containerizer/index.ts";
import { requirement } from "../../../support/require.ts";
import { seccompChecks } from "../checks/seccomp.ts";
import { inLab, specOf } from "../harness.ts";
import { bundleTo } from "../launcher-command.ts";
import { placeNewerSetpriv } from "../newer-setpriv.ts";

const cgroups = requirement("cgroups");
const packages = requirement("debian-packages");
const lacking = whyNoFilters();

describe.skipIf(cgroups.missing || packages.missing)(
  packages.title(cgroups.title("a container's filter of system calls")),
  () => {
    const failures = new Map<string, string>();
    let printed = "";

    beforeAll(async () => {
      // Not in /tmp, which containers have their own of.
      const folder = mkdtempSync("/var/tmp/rimrock-seccomp-");
      spawnSync("chmod", ["755", folder]);
      placeNewerSetpriv(folder);
      const bundle = join(folder, "checks.mjs");
      await bundleTo("seccomp/checks-main.ts", bundle);
      // In a mount namespace of its own, the newer program is the machine's.
      const script =
        'mount --bind "$1/setpriv" "$(readlink -f /usr/bin/setpriv)" && exec "$2" "$3"';
      const argv = ["--mount", "--propagation", "private", "sh", "-c", script, "sh", folder];
      const ran = spawnSync("unshare", [...argv, process.execPath, bundle], { encoding: "utf8" });
      rmSync(folder, { recursive: true, force: true });
      printed = ran.stdout + ran.stderr;
      for (const [, json] of printed.matchAll(/^CHECK (\{.*\})$/gm)) {
        // Printed by checks-main.ts.
        const { rule, failure } = JSON.parse(json ?? "") as { rule: string; failure: string };
        failures.set(rule, failure);
      }
    }, 120_000);

    for (const rule of Object.keys(seccompChecks)) {
      test(rule, () => {
        assert.equal(failures.get(rule), "", failures.has(rule) ? "" : printed.slice(-2_000));
      });
    }
  },
);

describe.skipIf(cgroups.missing || lacking === undefined)(
  cgroups.title("a machine whose setpriv loads no filters"),
  () => {
    test("refuses profiles by name, also the operator's own, and says what to install", () =>
      inLab("cgroups", async (lab) => {
        const seccomp = { configDirectory: lab.directory };
        const containerizer = containerizers.cgroups.create({ ...lab.options, seccomp });
        const asked = { seccomp: { kind: "PROFILE", name: "default.json" } } as const;
        const launched = await containerizer.launch(specOf(lab, "true", asked));
        const why = launched.ok ? "" : describeLaunchError(launched.error);
        assert.match(why, /the seccomp profile 'default.json'.*util-linux 2.40/);
        const unconfined = { seccomp: { kind: "UNCONFINED" } } as const;
        assert.ok((await containerizer.launch(specOf(lab, "true", unconfined))).ok);
        const meant = { ...lab.options, seccomp: { ...seccomp, defaultProfile: "default.json" } };
        const checked = await containerizers.cgroups.check(meant);
        assert.match(
          checked.ok ? "" : checked.error.why,
          /--seccomp-profile-name.*util-linux 2.40/,
        );
      }));
  },
);

test.skipIf(cgroups.missing)("an agent without profiles refuses them and says why", () =>
  inLab("cgroups", async (lab) => {
    const asked = { seccomp: { kind: "PROFILE", name: "default.json" } } as const;
    const launched = await lab.containerizer.launch(specOf(lab, "true", asked));
    const why = launched.ok ? "" : describeLaunchError(launched.error);
    assert.match(why, /the operator has set up no profiles \(--seccomp-config-dir\)/);
  }),
);

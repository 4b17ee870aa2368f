/** Filters of system calls, on a machine whose setpriv(1) can load them. */
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { systemCalls } from "../../../../agent/containerizer/cgroups/seccomp/system-calls.ts";
import {
  type ContainerSpec,
  describeLaunchError,
  type SeccompOptions,
} from "../../../../agent/containerizer/containerizer.ts";
import { type ContainerizerKind, containerizers } from "../../../../agent/containerizer/index.ts";
import { inLab, type Lab, run, specOf, start } from "../harness.ts";
import type { Checks } from "../suite.ts";

const MAKING = ["mkdir", "mkdirat"];
const PROFILES: { readonly [name: string]: unknown } = {
  "no-mkdir.json": {
    defaultAction: "SCMP_ACT_ALLOW",
    syscalls: [{ names: MAKING, action: "SCMP_ACT_ERRNO" }],
  },
  "kills-mkdir.json": {
    defaultAction: "SCMP_ACT_ALLOW",
    syscalls: [{ names: MAKING, action: "SCMP_ACT_KILL_PROCESS" }],
  },
  "only-admins-mkdir.json": {
    defaultAction: "SCMP_ACT_ALLOW",
    syscalls: [
      {
        names: MAKING,
        action: "SCMP_ACT_ERRNO",
        errnoRet: 13,
        excludes: { caps: ["CAP_SYS_ADMIN"] },
      },
    ],
  },
  "all-but-mkdir.json": {
    defaultAction: "SCMP_ACT_ERRNO",
    syscalls: [
      {
        names: Object.values(systemCalls)
          .flatMap((table) => [...table.keys()])
          .filter((name) => !MAKING.includes(name)),
        action: "SCMP_ACT_ALLOW",
      },
    ],
  },
};

async function inSeccompLab(
  kind: ContainerizerKind,
  check: (lab: Lab) => Promise<void>,
  over: Partial<SeccompOptions> = {},
): Promise<void> {
  await inLab(kind, async (lab) => {
    const configDirectory = join(lab.directory, "profiles");
    mkdirSync(configDirectory);
    for (const [name, profile] of Object.entries(PROFILES)) {
      writeFileSync(join(configDirectory, name), JSON.stringify(profile));
    }
    writeFileSync(join(configDirectory, "torn.json"), '{"defaultAction"');
    const options = { ...lab.options, seccomp: { configDirectory, ...over } };
    await check({ ...lab, options, containerizer: containerizers[kind].create(options) });
  });
}

const profile = (name: string): Partial<ContainerSpec> => ({ seccomp: { kind: "PROFILE", name } });
const FILTER_LINE = "grep Seccomp: /proc/self/status";

async function refusal(lab: Lab, over: Partial<ContainerSpec>): Promise<string> {
  const launched = await lab.containerizer.launch(specOf(lab, "echo started", over));
  assert.ok(!launched.ok, "the launch must be refused");
  return describeLaunchError(launched.error);
}

export const seccompChecks: Checks = {
  "a forbidden system call fails, and others work": (kind) =>
    inSeccompLab(kind, async (lab) => {
      for (const user of [undefined, "nobody"]) {
        const over = { ...profile("no-mkdir.json"), ...(user !== undefined && { user }) };
        const ran = await run(lab, "touch /tmp/x && echo touched; mkdir /tmp/d || id -u", over);
        assert.equal(ran.stdout, `touched\n${user === undefined ? 0 : 65_534}\n`, ran.stderr);
        assert.match(ran.stderr, /Operation not permitted/);
      }
    }),

  "what a profile allows by name works, and nothing else": (kind) =>
    inSeccompLab(kind, async (lab) => {
      const ran = await run(
        lab,
        "ls -d /tmp; mkdir /tmp/d || echo no",
        profile("all-but-mkdir.json"),
      );
      assert.equal(ran.stdout, "/tmp\nno\n", ran.stderr);
      assert.match(ran.stderr, /Operation not permitted/);
    }),

  "a command that a filter kills tells SIGSYS": (kind) =>
    inSeccompLab(kind, async (lab) => {
      const ran = await run(lab, "exec mkdir /tmp/d", profile("kills-mkdir.json"));
      assert.ok(ran.termination.kind === "SIGNALED", JSON.stringify(ran.termination));
      assert.equal(ran.termination.signal, "SIGSYS");
    }),

  "a filter follows the capabilities that its container can have": (kind) =>
    inSeccompLab(kind, async (lab) => {
      const none = await run(lab, "mkdir /tmp/d", profile("only-admins-mkdir.json"));
      assert.match(none.stderr, /Permission denied/);
      const options = { ...lab.options, allowedCapabilities: ["SYS_ADMIN"] as const };
      const admins = { ...lab, containerizer: containerizers[kind].create(options) };
      const ran = await run(admins, "mkdir /tmp/d && echo made", profile("only-admins-mkdir.json"));
      assert.equal(ran.stdout, "made\n", ran.stderr);
    }),

  "a command inside a container has that one's filter, whichever agent starts it": (kind) =>
    inSeccompLab(kind, async (lab) => {
      const outer = await start(lab, "echo ready; sleep 60", profile("no-mkdir.json"));
      const { containerId } = outer;
      const next = { ...lab, containerizer: containerizers[kind].create(lab.options) };
      await next.containerizer.recover([{ containerId }]);
      const sandboxDirectory = join(outer.sandboxDirectory, "within");
      mkdirSync(sandboxDirectory);
      const inside = { inside: containerId, sandboxDirectory };
      const ran = await run(next, `${FILTER_LINE}; mkdir /tmp/d || echo no`, inside);
      assert.match(ran.stdout, /Seccomp:\s+2\nno\n/, ran.stderr);
      const own = await refusal(next, { ...inside, ...profile("no-mkdir.json") });
      assert.match(own, /has the one of the container that it is in/);
      await next.containerizer.destroy(containerId);
    }),

  "the operator's profile is every container's that says nothing, and its own goes before": (
    kind,
  ) =>
    inSeccompLab(
      kind,
      async (lab) => {
        const silent = await run(lab, `${FILTER_LINE}; mkdir /tmp/d || echo no`);
        assert.match(silent.stdout, /Seccomp:\s+2\nno\n/);
        const other = await run(lab, "mkdir /tmp/d", profile("only-admins-mkdir.json"));
        assert.match(other.stderr, /Permission denied/);
        const free = await run(lab, FILTER_LINE, { seccomp: { kind: "UNCONFINED" } });
        assert.match(free.stdout, /Seccomp:\s+0\n/);
        // Beside other checks: of its own.
        const cgroupRoot = `${lab.options.cgroupRoot}/profiles`;
        const checked = await containerizers[kind].check({ ...lab.options, cgroupRoot });
        assert.ok(checked.ok, checked.ok ? "" : checked.error.why);
      },
      { defaultProfile: "no-mkdir.json" },
    ),

  "no container sees or changes a filter's file but its own, which is read-only": (kind) =>
    inSeccompLab(kind, async (lab) => {
      const command = `wc -c </dev/.seccomp; echo x >>/dev/.seccomp && echo written`;
      const ran = await run(lab, command, profile("no-mkdir.json"));
      assert.match(ran.stdout, /^\d+\n$/);
      const none = await run(lab, "ls -A /dev | grep -c seccomp");
      assert.equal(none.stdout, "0\n");
    }),

  "a profile that is missing, torn or elsewhere is refused by name": (kind) =>
    inSeccompLab(kind, async (lab) => {
      const missing = await refusal(lab, profile("gone.json"));
      assert.match(missing, /seccomp profile 'gone.json'.*there is no .*profiles\/gone.json/);
      assert.match(await refusal(lab, profile("torn.json")), /torn.json cannot be used.*JSON/);
      assert.match(await refusal(lab, profile("../token")), /named by their path in/);
      const seccomp = {
        configDirectory: join(lab.directory, "profiles"),
        defaultProfile: "torn.json",
      };
      const checked = await containerizers[kind].check({ ...lab.options, seccomp });
      assert.match(checked.ok ? "" : checked.error.why, /--seccomp-profile-name torn.json/);
    }),
};

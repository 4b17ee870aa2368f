/** What a ContainerInfo of type MESOS becomes, and what of it is refused by name. */
import { expect, test } from "vitest";
import {
  mesosContainerObstacle,
  mesosContainerParts,
} from "../../../agent/core/mesos-container.ts";
import type * as mesos from "../../../worker/protocol/v1/mesos.ts";

const container = (fields: Omit<mesos.ContainerInfo, "type">): mesos.ContainerInfo => ({
  type: "MESOS",
  ...fields,
});
const volume = (fields: Partial<mesos.Volume>): mesos.ContainerInfo =>
  container({ volumes: [{ mode: "RW", container_path: "data", ...fields }] });
const refusal = (info: mesos.ContainerInfo, isNested = false): string | undefined =>
  mesosContainerObstacle(info, { isNested });

test("no container asks for nothing", () => {
  expect(mesosContainerParts(undefined)).toEqual({});
  expect(mesosContainerParts(container({}))).toEqual({});
  expect(refusal(container({ linux_info: {}, rlimit_info: {} }))).toBeUndefined();
});

test("volumes of the machine and of sandboxes keep their paths and modes", () => {
  const volumes: mesos.Volume[] = [
    { mode: "RO", container_path: "/etc/conf", host_path: "/srv/conf" },
    { mode: "RW", container_path: "x", host_path: "made" },
    { mode: "RW", container_path: "y", source: { type: "HOST_PATH", host_path: { path: "/y" } } },
    {
      mode: "RW",
      container_path: "own",
      source: { type: "SANDBOX_PATH", sandbox_path: { type: "SELF", path: "a" } },
    },
    {
      mode: "RO",
      container_path: "parent",
      source: { type: "SANDBOX_PATH", sandbox_path: { type: "PARENT", path: "b" } },
    },
  ];
  const info = container({ volumes });
  expect(refusal(info, true)).toBeUndefined();
  expect(mesosContainerParts(info).volumes).toEqual([
    { containerPath: "/etc/conf", readOnly: true, source: { kind: "HOST", path: "/srv/conf" } },
    { containerPath: "x", readOnly: false, source: { kind: "SANDBOX", path: "made" } },
    { containerPath: "y", readOnly: false, source: { kind: "HOST", path: "/y" } },
    { containerPath: "own", readOnly: false, source: { kind: "SANDBOX", path: "a" } },
    { containerPath: "parent", readOnly: true, source: { kind: "GROUP", path: "b" } },
  ]);
});

test.each<[string, mesos.ContainerInfo, RegExp]>([
  ["from nowhere", volume({}), /neither a `source` nor a `host_path`/],
  ["from two places", volume({ host_path: "/a", source: {} }), /leave one out/],
  ["at no path", volume({ container_path: "", host_path: "/a" }), /no `container_path`/],
  ["of an image", volume({ image: { type: "DOCKER" } }), /image/],
  ["of a Docker driver", volume({ source: { type: "DOCKER_VOLUME" } }), /DOCKER_VOLUME/],
  ["of a secret", volume({ source: { type: "SECRET" } }), /SECRET/],
  ["without its source", volume({ source: { type: "HOST_PATH" } }), /no `source.host_path`/],
  [
    "that propagates outwards",
    volume({
      source: {
        type: "HOST_PATH",
        host_path: { path: "/a", mount_propagation: { mode: "BIDIRECTIONAL" } },
      },
    }),
    /BIDIRECTIONAL/,
  ],
  [
    "of a parent that a command task does not have",
    volume({ source: { type: "SANDBOX_PATH", sandbox_path: { type: "PARENT", path: "a" } } }),
    /only a group's tasks/,
  ],
])("a volume %s is refused", (_, info, why) => {
  expect(refusal(info)).toMatch(why);
});

test("linux_info becomes capabilities, shared memory and the sharing of processes", () => {
  const linux_info: mesos.LinuxInfo = {
    effective_capabilities: { capabilities: ["NET_RAW"] },
    bounding_capabilities: { capabilities: ["NET_RAW", "CHOWN"] },
    share_pid_namespace: true,
    ipc_mode: "PRIVATE",
    shm_size: 8,
  };
  expect(refusal(container({ linux_info, hostname: "a.b-1" }))).toBeUndefined();
  expect(mesosContainerParts(container({ linux_info, hostname: "a.b-1" }))).toEqual({
    hostname: "a.b-1",
    capabilities: { effective: ["NET_RAW"], bounding: ["NET_RAW", "CHOWN"] },
    sharesProcesses: true,
    sharedMemory: { mode: "PRIVATE", bytes: 8 * 1024 * 1024 },
  });
  const old = { capability_info: { capabilities: [] }, ipc_mode: "SHARE_PARENT" } as const;
  expect(mesosContainerParts(container({ linux_info: old }))).toEqual({
    capabilities: { effective: [] },
    sharedMemory: { mode: "SHARED" },
  });
});

test("a task of a group may share the process ids of the others", () => {
  const linux_info = { share_pid_namespace: true };
  expect(refusal(container({ linux_info }), true)).toBeUndefined();
});

test.each<[mesos.LinuxInfo, RegExp]>([
  [{ seccomp: { profile_name: "p", unconfined: true } }, /leave one out/],
  [{ seccomp: { profile_name: "" } }, /`seccomp.profile_name` is empty/],
  [{ effective_capabilities: { capabilities: ["UNKNOWN"] } }, /UNKNOWN/],
  [{ effective_capabilities: {}, capability_info: {} }, /old name/],
  [{ ipc_mode: "UNKNOWN" }, /PRIVATE or SHARE_PARENT/],
  [{ shm_size: 1 }, /`ipc_mode` PRIVATE/],
  [{ shm_size: 1, ipc_mode: "SHARE_PARENT" }, /`ipc_mode` PRIVATE/],
])("linux_info %j is refused", (linux_info, why) => {
  expect(refusal(container({ linux_info }))).toMatch(why);
});

test("a container names a seccomp profile, wants none, or leaves it to the operator", () => {
  const seccomp = (info: mesos.SeccompInfo) =>
    mesosContainerParts(container({ linux_info: { seccomp: info } })).seccomp;
  expect(seccomp({ profile_name: "p.json" })).toEqual({ kind: "PROFILE", name: "p.json" });
  expect(seccomp({ profile_name: "p.json", unconfined: false })).toMatchObject({ name: "p.json" });
  expect(seccomp({ unconfined: true })).toEqual({ kind: "UNCONFINED" });
  expect(seccomp({ unconfined: false })).toBeUndefined();
  expect(refusal(container({ linux_info: { seccomp: { profile_name: "p" } } }))).toBeUndefined();
});

test("limits of processes have prlimit's names; none at all means no limit", () => {
  const rlimits: mesos.RLimitInfoRLimit[] = [
    { type: "RLMT_NOFILE", soft: 10n, hard: 20n },
    { type: "RLMT_CORE" },
    { type: "RLMT_SIGPENDING", soft: 1n, hard: 1n },
  ];
  expect(refusal(container({ rlimit_info: { rlimits } }))).toBeUndefined();
  expect(mesosContainerParts(container({ rlimit_info: { rlimits } }))).toEqual({
    processLimits: [
      { name: "nofile", amounts: { soft: 10n, hard: 20n } },
      { name: "core" },
      { name: "sigpending", amounts: { soft: 1n, hard: 1n } },
    ],
  });
});

test.each<[string, mesos.RLimitInfoRLimit[], RegExp]>([
  ["no type", [{ soft: 1n, hard: 1n }], /no `type`/],
  ["an unknown type", [{ type: "UNKNOWN" }], /no `type`/],
  ["half a limit", [{ type: "RLMT_CPU", soft: 1n }], /set both/],
  ["a soft limit above the hard one", [{ type: "RLMT_CPU", soft: 2n, hard: 1n }], /above/],
  ["one limit twice", [{ type: "RLMT_CPU" }, { type: "RLMT_CPU" }], /twice/],
])("limits with %s are refused", (_, rlimits, why) => {
  expect(refusal(container({ rlimit_info: { rlimits } }))).toMatch(why);
});

test.each(["", "-a", "a_b", "a b", "$(id)", "a\nb", "x".repeat(65)])(
  "'%s' is no host name",
  (hostname) => {
    expect(refusal(container({ hostname }))).toMatch(/`hostname`/);
  },
);

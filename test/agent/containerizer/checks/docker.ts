/** What the docker containerizer promises besides, and where it follows Docker's ways instead. */
import assert from "node:assert/strict";
import { buffer, text } from "node:stream/consumers";
import { describeTermination } from "../../../../agent/containerizer/containerizer.ts";
import { containerizers } from "../../../../agent/containerizer/index.ts";
import { openPipes } from "../../../../agent/shell/containers/pipes.ts";
import {
  inLab,
  MEGABYTE,
  newContainerId,
  output,
  processesWith,
  recordsOf,
  run,
  specOf,
  start,
  uniqueSleep,
  until,
  within,
} from "../harness.ts";
import type { Checks } from "../suite.ts";
import { launchedByAnAgentThatDied } from "./recovery.ts";

const SIGNALS = "Docker tells a signal as 128 and its number";
const FIRST_PROCESS = "Docker signals the first process, to which what is not caught does nothing";
const IMAGE = "the image says it";
const SUPERVISOR = "there is no supervisor: its records are others";
const STREAMS = "only commands inside a container have streams of their own";

/** Rules of all that do not hold here, and why; each has its counterpart below. */
const unlike: Readonly<Record<string, string>> = {
  "a signal is told from the exit status that a shell would make of it": SIGNALS,
  "the environment is the spec's, whatever characters are in it": IMAGE,
  "without shell the arguments arrive untouched, argv[0] included": IMAGE,
  "the command runs in its sandbox, in a session of its own, with nothing to read": IMAGE,
  "no signal is ignored or blocked when the command starts": "busybox' own shell ignores SIGQUIT",
  "a command that does not exist ends with 127, one that cannot be executed with 126":
    "Docker refuses to start it",
  "usage counts the container's processes, time and memory": "Docker counts threads only",
  "kill sends the signal to every process of the container": FIRST_PROCESS,
  "a kill right after the launch is not lost": FIRST_PROCESS,
  "a command that kills its own process group does not take its supervisor along": FIRST_PROCESS,
  "a supervisor that is killed makes its container lost, with nothing left running": SUPERVISOR,
  "an argument longer than the kernel takes is refused with the kernel's word":
    "Docker has words of its own",
  "a known user runs the command and owns its sandbox, when the agent is root": IMAGE,
  "after the agent was killed, running containers are re-attached and ended ones told": SIGNALS,
  "a re-attached container can be signalled, measured and destroyed": FIRST_PROCESS,
  "a pid that now belongs to somebody else makes the container lost": SUPERVISOR,
  "a record of an earlier boot, an empty one and none at all each say why it is lost": SUPERVISOR,
  "a half-written end is no end": SUPERVISOR,
  "a command inside another container is told its end like any other": SIGNALS,
  "after the agent was started again, what is inside is still so":
    "nobody could follow what a command inside writes",
  "a command with streams reads and writes them, and its sandbox stays empty": STREAMS,
  "a command that nobody reads waits, and ends when its reader goes": STREAMS,
  "a terminal has its size from the first instruction, and programs hear of a new one": STREAMS,
  "what is typed at a terminal is echoed, and Ctrl-C is a signal": STREAMS,
  "arguments and environment reach a command at a terminal untouched": STREAMS,
  "a container without a terminal cannot be given a size": STREAMS,
};

/** The common rules that hold, and Docker's own. */
export function dockerSuite(common: Checks): Checks {
  const stray = Object.keys(unlike).filter((rule) => !Object.hasOwn(common, rule));
  assert.deepEqual(stray, [], "no such rule");
  const kept = Object.entries(common).filter(([rule]) => !Object.hasOwn(unlike, rule));
  return { ...Object.fromEntries(kept), ...dockerChecks };
}

const exits = (code: number) => ({ kind: "EXITED", code, waitStatus: code << 8 });

const dockerChecks: Checks = {
  "a signal is told as the status that Docker makes of it": (kind) =>
    inLab(kind, async (lab) => {
      const ran = await run(lab, "sh -c 'kill -TERM $$'; exit $?");
      assert.deepEqual(ran.termination, exits(143));
    }),

  "the sandbox is where Mesos has it, and the environment the spec's and the image's": (kind) =>
    inLab(kind, async (lab) => {
      const environment = { QUOTED: `it's "$HOME" \`x\``, LINES: "a\nb\n", EMPTY: "" };
      const command = 'cd "$MESOS_SANDBOX"; pwd; echo own >mine; exec cat /proc/self/environ';
      const spec = await start(lab, command, { environment });
      await within(20_000, lab.containerizer.wait(spec.containerId));
      const printed = output(spec, "stdout").replaceAll("\0", "|");
      assert.ok(printed.startsWith("/mnt/mesos/sandbox\n"), printed);
      for (const [name, value] of Object.entries(environment)) {
        assert.ok(printed.includes(`${name}=${value}|`), name);
      }
      assert.ok(printed.includes(`RIMROCK_CONTAINER_ID=${spec.containerId}|`));
      assert.ok(printed.includes(`MESOS_CONTAINER_NAME=mesos-${spec.containerId}|`));
      assert.match(printed, /\bPATH=[^|]*\/bin/);
    }),

  "without shell value and arguments go to the image's entrypoint, one after the other": (kind) =>
    inLab(kind, async (lab) => {
      const argv = ["%s|", "a b", "$HOME", "*", "", "-n", "x=y"];
      const command = { shell: false as const, value: "printf", arguments: argv };
      assert.equal((await run(lab, "", { command })).stdout, "a b|$HOME|*||-n|x=y|");
    }),

  "no signal is ignored or blocked when a program starts": (kind) =>
    inLab(kind, async (lab) => {
      const argv = ["-E", "SigIgn|SigBlk", "/proc/self/status"];
      const command = { shell: false as const, value: "grep", arguments: argv };
      assert.match((await run(lab, "", { command })).stdout, /SigBlk:\s+0+\nSigIgn:\s+0+\n/);
    }),

  "a program that the image lacks refuses the launch, and says what to do": (kind) =>
    inLab(kind, async (lab) => {
      const command = { shell: false as const, value: "/no/such/file", arguments: [] };
      const spec = specOf(lab, "", { command });
      const launched = await lab.containerizer.launch(spec);
      assert.ok(!launched.ok && launched.error.code === "DOCKER_REFUSED");
      assert.match(launched.error.message, /no such file/);
      assert.deepEqual(recordsOf(lab), []);
      assert.equal((await lab.containerizer.wait(spec.containerId)).kind, "LOST");
      const shell = await run(lab, "no-such-program");
      assert.deepEqual(shell.termination, exits(127));
    }),

  "bytes arrive as they were written, also without a last line end": (kind) =>
    inLab(kind, async (lab) => {
      const spec = await start(
        lab,
        "printf '\\377\\376\\0x'; printf 'no end' >&2; head -c 100000 /dev/zero",
      );
      await within(20_000, lab.containerizer.wait(spec.containerId));
      const { readFileSync } = await import("node:fs");
      const bytes = readFileSync(`${spec.sandboxDirectory}/stdout`);
      assert.deepEqual([...bytes.subarray(0, 4)], [255, 254, 0, 120]);
      assert.equal(bytes.length, 100_004);
      assert.ok(bytes.subarray(4).every((byte) => byte === 0));
      assert.equal(output(spec, "stderr"), "no end");
    }),

  "usage tells threads, time and memory": (kind) =>
    inLab(kind, async (lab) => {
      const busy = "while :; do :; done";
      const limits = { cpusRequest: 100, memoryLimitBytes: 64 * MEGABYTE };
      const spec = await start(lab, `(${busy}) & echo started; ${busy}`, { limits });
      await until("the command prints", () => output(spec, "stdout") !== "");
      await new Promise((resolve) => setTimeout(resolve, 300));
      const usage = await lab.containerizer.usage(spec.containerId);
      assert.ok(usage.ok);
      assert.equal(usage.value.threads, 2);
      const seconds =
        (usage.value.cpus_user_time_secs ?? 0) + (usage.value.cpus_system_time_secs ?? 0);
      assert.ok(seconds > 0.02 && seconds < 60, `${seconds} s`);
      assert.equal(usage.value.mem_limit_bytes, BigInt(64 * MEGABYTE));
      assert.ok((usage.value.mem_rss_bytes ?? 0n) > 10_000n, `${usage.value.mem_rss_bytes} B`);
    }),

  "a signal reaches the first process, and what the image says takes SIGTERM's place": (kind) =>
    inLab(kind, async (lab) => {
      const command =
        "trap 'echo term; exit 7' TERM; trap 'echo usr1; exit 8' USR1; echo up; while :; do sleep 0.02; done";
      const first = await start(lab, command);
      await until("it is up", () => output(first, "stdout") === "up\n");
      assert.ok((await lab.containerizer.kill(first.containerId, "SIGTERM")).ok);
      assert.deepEqual(await within(5_000, lab.containerizer.wait(first.containerId)), exits(7));
      const { docker } = first;
      assert.ok(docker);
      const overrides = { ...docker.overrides, config: { StopSignal: "SIGUSR1" } };
      const second = await start(lab, command, { docker: { ...docker, overrides } });
      await until("it is up", () => output(second, "stdout") === "up\n");
      assert.ok((await lab.containerizer.kill(second.containerId, "SIGTERM")).ok);
      assert.deepEqual(await within(5_000, lab.containerizer.wait(second.containerId)), exits(8));
    }),

  "limits are Docker's, and change while it runs; those that are not given are none": (kind) =>
    inLab(kind, async (lab) => {
      const limits = {
        ...{ cpusRequest: 500, cpusLimit: 250, pidsLimit: 30 },
        ...{ memoryLimitBytes: 64 * MEGABYTE, memoryRequestBytes: 32 * MEGABYTE },
      };
      const { containerId } = await start(lab, "sleep 60", { limits });
      const said = async (): Promise<Record<string, unknown>> => {
        const data = (await containerizers[kind].create(lab.options).recover([{ containerId }]))
          .containers[0];
        assert.ok(data?.state === "RUNNING");
        const names = ["CpuShares", "CpuQuota", "PidsLimit", "Memory", "MemoryReservation"];
        const { HostConfig } = JSON.parse(String(data.data))[0];
        return Object.fromEntries(names.map((name) => [name, HostConfig[name]]));
      };
      assert.deepEqual(await said(), {
        ...{ CpuShares: 512, CpuQuota: 25_000, PidsLimit: 30 },
        ...{ Memory: 64 * MEGABYTE, MemoryReservation: 32 * MEGABYTE },
      });
      assert.ok((await lab.containerizer.update(containerId, { cpusRequest: 1_000 })).ok);
      const { Memory, ...rest } = await said();
      assert.ok(Number(Memory) > 2 ** 50, String(Memory));
      const { CpuShares, CpuQuota, PidsLimit } = rest;
      assert.deepEqual({ CpuShares, CpuQuota }, { CpuShares: 1_024, CpuQuota: -1 });
      // Docker has two words for no limit.
      assert.ok(Number(PidsLimit) <= 0, String(PidsLimit));
    }),

  "memory beyond the limit is told as such": (kind) =>
    inLab(kind, async (lab) => {
      const limits = { cpusRequest: 1_000, memoryLimitBytes: 16 * MEGABYTE };
      const { termination } = await run(lab, "x=aaaaaaaaaaaaaaaa; while :; do x=$x$x; done", {
        limits,
      });
      assert.equal(termination.kind, "LIMITED");
      assert.equal(describeTermination(termination), "Memory limit exceeded: limit 16 MB");
    }),

  "no more processes than the pids limit come to be": (kind) =>
    inLab(kind, async (lab) => {
      const limits = { cpusRequest: 1_000, pidsLimit: 10 };
      const spec = await start(lab, "while :; do sleep 100 & done", { limits });
      await until("the limit is met", () => output(spec, "stderr") !== "");
      assert.match(output(spec, "stderr"), /fork/i);
    }),

  "after the agent was killed, each container is found as it is, and its output is whole": (kind) =>
    inLab(kind, async (lab) => {
      const count = "i=0; while [ $i -lt 300 ]; do echo line $i; i=$((i+1)); sleep 0.005; done";
      const specs = await launchedByAnAgentThatDied(lab, [
        `${count}; exit 143`,
        "echo up; exit 3",
        "trap 'echo got it; exit 0' TERM; echo up; while :; do sleep 0.02; done",
      ]);
      const [counting, ended, waiting] = specs;
      assert.ok(counting && ended && waiting);
      await new Promise((resolve) => setTimeout(resolve, 300));
      const next = containerizers[kind].create(lab.options);
      const known = specs.map(({ containerId }) => ({ containerId }));
      const recovery = await next.recover(known);
      assert.deepEqual(
        recovery.containers.map(({ state }) => state),
        ["RUNNING", "ENDED", "RUNNING"],
      );
      assert.ok((await next.usage(waiting.containerId)).ok);
      assert.ok((await next.kill(waiting.containerId, "SIGTERM")).ok);
      const ends = await within(
        20_000,
        Promise.all(specs.map((spec) => next.wait(spec.containerId))),
      );
      assert.deepEqual(ends, [exits(143), exits(3), exits(0)]);
      const lines = Array.from({ length: 300 }, (_, index) => `line ${index}\n`).join("");
      assert.equal(output(counting, "stdout"), lines);
      assert.equal(output(ended, "stdout"), "up\n");
      assert.equal(output(waiting, "stdout"), "up\ngot it\n");
    }),

  "a container that the agent never started, and one that it does not know, say so": (kind) =>
    inLab(kind, async (lab) => {
      const { writeFileSync } = await import("node:fs");
      const [reserved, absent] = [newContainerId(), newContainerId()];
      writeFileSync(
        `${lab.options.runtimeDirectory}/${reserved}.docker`,
        JSON.stringify({ stage: { state: "CREATING" }, sandboxDirectory: lab.directory }),
      );
      const next = containerizers[kind].create(lab.options);
      const known = [reserved, absent].map((containerId) => ({ containerId }));
      const ends = (await next.recover(known)).containers.map((container) =>
        container.state === "ENDED" ? container.termination : undefined,
      );
      assert.deepEqual(ends, [
        { kind: "NOT_STARTED", message: "The agent ended before it started the container" },
        { kind: "LOST", message: `There is no record of it in ${lab.options.runtimeDirectory}` },
      ]);
    }),

  "a command inside has the container's environment, and its end is told": (kind) =>
    inLab(kind, async (lab) => {
      const outer = await start(lab, "sleep 60", { environment: { OUTER: "1" } });
      const { containerId: inside } = outer;
      const environment = { INNER: "2" };
      const ran = await run(lab, 'echo "$OUTER$INNER"; echo told >&2; exit 143', {
        ...{ inside, environment },
      });
      assert.deepEqual(ran.termination, exits(143));
      assert.equal(ran.stdout, "12\n");
      assert.equal(ran.stderr, "told\n");
      const missing = { shell: false as const, value: "/no/such", arguments: ["/no/such"] };
      assert.deepEqual(
        (await run(lab, "", { inside, command: missing })).termination.kind,
        "EXITED",
      );
    }),

  "what an agent that died ran inside a container is ended by the next one": (kind) =>
    inLab(kind, async (lab) => {
      const [own, seconds] = [uniqueSleep(), uniqueSleep()];
      const outer = await start(lab, `sleep ${own}`);
      const { containerId: inside } = outer;
      const inner = await start(lab, `sleep ${seconds}`, { inside });
      const stray = await start(lab, `sleep ${seconds}`, { inside });
      await until("both are up", () => processesWith(seconds).length >= 2);
      const next = containerizers[kind].create(lab.options);
      const known = [outer, inner].map(({ containerId }) => ({ containerId }));
      const { containers, orphans } = await next.recover(known);
      assert.deepEqual(orphans, [stray.containerId]);
      assert.deepEqual(
        containers.map((each) => (each.state === "ENDED" ? each.termination.kind : each.state)),
        ["RUNNING", "LOST"],
      );
      await until("both are gone", () => processesWith(seconds).length === 0);
      assert.equal(processesWith(own).length, 1);
    }),

  "a command inside has the streams it is given, byte for byte": (kind) =>
    inLab(kind, async (lab) => {
      const { containerId: inside } = await start(lab, "sleep 60");
      const pipes = await openPipes(lab.directory);
      assert.ok(pipes.ok, pipes.ok ? "" : pipes.error);
      const { streams, stdin, stdout, stderr, letGo } = pipes.value;
      const spec = await start(lab, "cat; echo told >&2; exit 3", { inside, streams });
      letGo();
      const sent = Buffer.alloc(300_000, "\0\xff\n line", "latin1");
      stdin.end(sent);
      const [out, errors] = await within(10_000, Promise.all([buffer(stdout), text(stderr)]));
      assert.ok(out.equals(sent), `${out.length} bytes`);
      assert.equal(errors, "told\n");
      assert.deepEqual(await within(10_000, lab.containerizer.wait(spec.containerId)), exits(3));
    }),

  "a command inside that nobody reads waits, and ends with its reader": (kind) =>
    inLab(kind, async (lab) => {
      const seconds = uniqueSleep();
      const { containerId: inside } = await start(lab, `sleep ${seconds}`);
      const pipes = await openPipes(lab.directory);
      assert.ok(pipes.ok, pipes.ok ? "" : pipes.error);
      const { streams, stdin, stdout, stderr, letGo } = pipes.value;
      const spec = await start(lab, "exec cat /dev/zero", { inside, streams });
      letGo();
      await new Promise((resolve) => setTimeout(resolve, 300));
      for (const end of [stdin, stdout, stderr]) end.destroy();
      const termination = await within(10_000, lab.containerizer.wait(spec.containerId));
      assert.notDeepEqual(termination, exits(0));
      assert.equal(processesWith(seconds).length, 1, "the container itself goes on");
    }),

  "a command inside at a terminal has its size, and hears of a new one": (kind) =>
    inLab(kind, async (lab) => {
      const { containerId: inside } = await start(lab, "sleep 60");
      const command =
        "test -t 0 && test -t 1 && stty size; trap 'stty size; exit 5' WINCH; " +
        "echo ready; while :; do sleep 0.05; done";
      const terminal = { rows: 33, columns: 101 };
      const spec = await start(lab, command, { inside, terminal });
      await until("it is ready", () => output(spec, "stdout").includes("ready"));
      const resized = await lab.containerizer.resize(spec.containerId, { rows: 7, columns: 9 });
      assert.deepEqual(resized, { ok: true, value: undefined });
      assert.deepEqual(await within(10_000, lab.containerizer.wait(spec.containerId)), exits(5));
      assert.match(output(spec, "stdout"), /7 9\r\n$/);
    }),

  "a command inside that is destroyed takes its daemons along": (kind) =>
    inLab(kind, async (lab) => {
      const [own, seconds] = [uniqueSleep(), uniqueSleep()];
      const outer = await start(lab, `sleep ${own}`);
      const inner = await start(lab, `(setsid sleep ${seconds} &); sleep ${seconds}`, {
        inside: outer.containerId,
      });
      await until("both are up", () => processesWith(seconds).length === 2);
      await within(5_000, lab.containerizer.destroy(inner.containerId));
      assert.deepEqual(processesWith(seconds), []);
      assert.equal(processesWith(own).length, 1);
      const told = { kind: "SIGNALED", signal: "SIGKILL", waitStatus: 9 };
      assert.deepEqual(await lab.containerizer.wait(inner.containerId), told);
    }),
};

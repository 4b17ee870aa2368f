/** What the Engine says of one container, as far as an agent needs to know. */
import type { ContainerTermination } from "../containerizer.ts";
import type { Limitation } from "../supervisor/isolation.ts";
import { type Json, listOf, number, objectOf, text } from "./engine.ts";

export interface Inspected {
  readonly dockerId: string;
  readonly status: "CREATED" | "RUNNING" | "ENDED";
  /** Of its first process, on this machine; undefined: it has none. */
  readonly pid: number | undefined;
  readonly exitCode: number;
  readonly isOutOfMemory: boolean;
  /** Why it could not be started; empty: it could. */
  readonly error: string;
  /** What asks it to end. */
  readonly stopSignal: string;
  readonly memoryLimitBytes: number;
  /** Of the networks it is on; none: it has the machine's own. */
  readonly ipAddresses: readonly string[];
  readonly labels: Json;
  /** As `docker inspect` prints it. */
  readonly document: string;
}

export function inspected(container: Json): Inspected {
  const state = objectOf(container.State);
  const config = objectOf(container.Config);
  const pid = number(state.Pid);
  return {
    dockerId: text(container.Id) ?? "",
    status: statusOf(state),
    pid: pid === 0 ? undefined : pid,
    exitCode: number(state.ExitCode) ?? 0,
    isOutOfMemory: state.OOMKilled === true,
    error: text(state.Error) ?? "",
    stopSignal: text(config.StopSignal) || "SIGTERM",
    memoryLimitBytes: number(objectOf(container.HostConfig).Memory) ?? 0,
    ipAddresses: addressesOf(objectOf(container.NetworkSettings)),
    labels: objectOf(config.Labels),
    document: JSON.stringify([container]),
  };
}

function statusOf(state: Json): Inspected["status"] {
  if (state.Running === true) return "RUNNING";
  return state.Status === "created" ? "CREATED" : "ENDED";
}

/** IPv4 before IPv6. */
function addressesOf(settings: Json): readonly string[] {
  const networks = listOf(settings.Networks).map(objectOf);
  const all = [
    ...networks.map(({ IPAddress }) => text(IPAddress)),
    ...networks.map(({ GlobalIPv6Address }) => text(GlobalIPv6Address)),
  ];
  return all.flatMap((address) => (address === undefined || address === "" ? [] : [address]));
}

const SIGKILL = 9;
const MEGABYTE = 1_048_576;

/**
 * `destroyed`: by the agent; `limitation`: for that. The Engine tells a signal as 128 and its
 * number, so that only one that the agent sent itself can be told from an exit with that status.
 */
export function terminationOf(
  { exitCode, isOutOfMemory, memoryLimitBytes, error, status }: Inspected,
  why: { readonly destroyed: boolean; readonly limitation?: Limitation | undefined },
): ContainerTermination {
  const { destroyed, limitation } = why;
  if (status === "CREATED") {
    const message = error === "" ? "Docker had not started it" : error;
    return { kind: "NOT_STARTED", message };
  }
  if (limitation !== undefined) {
    return { kind: "LIMITED", ...limitation, waitStatus: (exitCode & 0xff) << 8 };
  }
  if (destroyed && exitCode === 128 + SIGKILL) {
    return { kind: "SIGNALED", signal: "SIGKILL", waitStatus: SIGKILL };
  }
  const waitStatus = (exitCode & 0xff) << 8;
  if (isOutOfMemory && exitCode !== 0 && !destroyed) {
    const limit = Number((memoryLimitBytes / MEGABYTE).toFixed(1));
    const message = `Memory limit exceeded: limit ${limit} MB`;
    return { kind: "LIMITED", reason: "MEMORY", message, waitStatus };
  }
  return { kind: "EXITED", code: exitCode, waitStatus };
}

/** The calls by which clients launch, watch and end containers (http-semantics 9.2). */
import type * as agent from "../../worker/protocol/v1/agent.ts";
import type * as mesos from "../../worker/protocol/v1/mesos.ts";
import { unreachable } from "../../worker/std/assert.ts";
import { err, ok, type Result } from "../../worker/std/result.ts";
import type { ContainerTermination } from "../containerizer/containerizer.ts";
import type { RunRow } from "../core/rows.ts";
import { decodeStored } from "../core/stored.ts";
import { type ContainerChain, chainOf } from "../shell/containers/chain.ts";
import type { LaunchOutcome } from "../shell/containers/client-containers.ts";
import { FollowedOutput } from "../shell/containers/followed-output.ts";
import type { OutputReader } from "../shell/containers/output.ts";
import { untilEnded } from "../shell/containers/output.ts";
import { type ContainerRequest, readRequest } from "../shell/containers/request.ts";
import type { CallHandler, Exchange, Handled } from "./call-handler.ts";
import { containerRefused } from "./container-sentences.ts";
import { HEARTBEAT_MS, outputRecords } from "./process-io.ts";
import {
  type Answer,
  acceptedAnswer,
  emptyAnswer,
  fieldMissing,
  invalidCall,
  type StreamAnswer,
  streamHeaders,
} from "./respond.ts";
import type { AgentView } from "./view.ts";

type Handlers = { readonly [T in agent.CallType]?: CallHandler };

export const containerCalls: Handlers = {
  LAUNCH_CONTAINER: ({ launch_container: launch }, view) =>
    launch === undefined
      ? fieldMissing("launch_container")
      : launchContainer(view, launch, "container_id"),
  LAUNCH_NESTED_CONTAINER: ({ launch_nested_container: launch }, view) =>
    launch === undefined
      ? fieldMissing("launch_nested_container")
      : launchContainer(view, launch, "container_id.parent"),
  WAIT_CONTAINER: async ({ wait_container: wait }, view, { signal }) => {
    if (wait === undefined) return fieldMissing("wait_container");
    const waited = await waitFor(view, wait.container_id, signal);
    return waited.ok ? { type: "WAIT_CONTAINER", wait_container: waited.value } : waited.error;
  },
  WAIT_NESTED_CONTAINER: async ({ wait_nested_container: wait }, view, { signal }) => {
    if (wait === undefined) return fieldMissing("wait_nested_container");
    const waited = await waitFor(view, wait.container_id, signal);
    if (!waited.ok) return waited.error;
    return { type: "WAIT_NESTED_CONTAINER", wait_nested_container: waited.value };
  },
  KILL_CONTAINER: ({ kill_container: kill }, view) =>
    kill === undefined ? fieldMissing("kill_container") : killContainer(view, kill),
  KILL_NESTED_CONTAINER: ({ kill_nested_container: kill }, view) =>
    kill === undefined ? fieldMissing("kill_nested_container") : killContainer(view, kill),
  REMOVE_CONTAINER: ({ remove_container: remove }, view) =>
    remove === undefined ? fieldMissing("remove_container") : removeContainer(view, remove),
  REMOVE_NESTED_CONTAINER: ({ remove_nested_container: remove }, view) =>
    remove === undefined ? fieldMissing("remove_nested_container") : removeContainer(view, remove),
  LAUNCH_NESTED_CONTAINER_SESSION: (call, view, exchange) =>
    call.launch_nested_container_session === undefined
      ? fieldMissing("launch_nested_container_session")
      : openSession(view, call.launch_nested_container_session, exchange),
  ATTACH_CONTAINER_OUTPUT: ({ attach_container_output: attach }, view, exchange) =>
    attach === undefined
      ? fieldMissing("attach_container_output")
      : attachOutput(view, attach, exchange),
  PRUNE_IMAGES: async ({ prune_images: prune }, view) => {
    const excluded = prune?.excluded_images ?? [];
    await view.containerizer.pruneImages(excluded.flatMap(({ docker }) => docker?.name ?? []));
    return emptyAnswer;
  },
};

/** `needed`: the field that the caller's kind of launch has to have. */
async function launchContainer(
  view: AgentView,
  call: agent.CallLaunchContainer,
  needed: "container_id" | "container_id.parent",
): Promise<Answer> {
  if (needed === "container_id.parent" && call.container_id.parent === undefined) {
    return fieldMissing(needed);
  }
  const asked = readLaunch(call);
  if (!asked.ok) return asked.error;
  const { chain, request } = asked.value;
  return launchAnswer(await view.containers.launch(chain, request)) ?? emptyAnswer;
}

async function openSession(
  view: AgentView,
  call: agent.CallLaunchNestedContainerSession,
  exchange: Exchange,
): Promise<Handled> {
  if (call.container_id.parent === undefined) return fieldMissing("container_id.parent");
  const asked = readLaunch(call);
  if (!asked.ok) return asked.error;
  const { chain, request } = asked.value;
  const refused = launchAnswer(await view.containers.launchSession(chain, request));
  if (refused !== undefined) return refused;
  const found = view.containers.find(chain);
  const container = found?.kind === "CLIENT" ? found.container : undefined;
  const reader = container?.pipes?.output.attach();
  if (container === undefined || reader === undefined) {
    return containerRefused({ code: "CONTAINER_NOT_RUNNING", chain });
  }
  const whole = untilEnded(reader, container.ended);
  return recordsAnswer(whole, exchange, () => view.containers.endSession(chain));
}

/** Undefined: it was launched, by this call. */
function launchAnswer(launched: LaunchOutcome): Answer | undefined {
  if (!launched.ok) return containerRefused(launched.error);
  switch (launched.value) {
    case "LAUNCHED":
      return undefined;
    case "EXISTS":
      return acceptedAnswer;
    default:
      return unreachable(launched.value);
  }
}

function readLaunch(
  call: agent.CallLaunchContainer,
): Result<{ chain: ContainerChain; request: ContainerRequest }, Answer> {
  const chain = readChain(call.container_id);
  if (!chain.ok) return chain;
  const request = readRequest(call, { isNested: call.container_id.parent !== undefined });
  if (!request.ok) return err(invalidCall(request.error));
  return ok({ chain: chain.value, request: request.value });
}

function readChain(id: mesos.ContainerID): Result<ContainerChain, Answer> {
  const chain = chainOf(id);
  if (chain.ok) return chain;
  const { value, why } = chain.error;
  return err(invalidCall(`the container id '${value}' ${why}`));
}

async function waitFor(
  view: AgentView,
  id: mesos.ContainerID,
  signal: AbortSignal,
): Promise<Result<agent.ResponseWaitContainer, Answer>> {
  const chain = readChain(id);
  if (!chain.ok) return chain;
  const waiting = view.containers.wait(chain.value);
  if (!waiting.ok) {
    const told = await endOfTask(view, chain.value);
    return told === undefined ? err(containerRefused(waiting.error)) : ok(told);
  }
  const gone = new Promise<undefined>((resolve) => {
    signal.addEventListener("abort", () => resolve(undefined), { once: true });
  });
  const ended = await Promise.race([waiting.value, gone]);
  // Nobody is left to read the answer.
  return ended === undefined ? err(emptyAnswer) : ok(endOf(ended));
}

function endOf(ended: ContainerTermination): agent.ResponseWaitContainer {
  switch (ended.kind) {
    case "EXITED":
    case "SIGNALED":
      return { exit_status: ended.waitStatus };
    case "LIMITED":
      return {
        ...(ended.waitStatus !== undefined && { exit_status: ended.waitStatus }),
        state: "TASK_FAILED",
        reason: "REASON_CONTAINER_LIMITATION_MEMORY",
        message: ended.message,
      };
    case "NOT_STARTED":
      return {
        state: "TASK_FAILED",
        reason: "REASON_CONTAINER_LAUNCH_FAILED",
        message: ended.message,
      };
    case "LOST":
      return { state: "TASK_FAILED", message: ended.message };
    default:
      return unreachable(ended);
  }
}

/** Of a task that is over, what its last status says: its exit status is not kept. */
async function endOfTask(
  { state, history }: AgentView,
  chain: ContainerChain,
): Promise<agent.ResponseWaitContainer | undefined> {
  const isNamed = ({ containerId, parentId }: Pick<RunRow, "containerId" | "parentId">): boolean =>
    (parentId === undefined ? [containerId] : [parentId, containerId]).join(".") ===
    chain.join(".");
  const completed = [...state.completedRun.values()].find(isNamed);
  const run = completed
    ? await history.run(completed.containerId)
    : [...state.run.values()].find((row) => isNamed(row) && row.stage.state === "ENDED");
  if (run?.status === undefined) return undefined;
  const { state: last, reason, message } = decodeStored("mesos.v1.TaskStatus", run.status);
  return {
    state: last,
    ...(reason !== undefined && { reason }),
    ...(message !== undefined && { message }),
  };
}

const SIGKILL = 9;

async function killContainer(view: AgentView, call: agent.CallKillContainer): Promise<Answer> {
  const chain = readChain(call.container_id);
  if (!chain.ok) return chain.error;
  const killed = await view.containers.kill(chain.value, call.signal ?? SIGKILL);
  return killed.ok ? emptyAnswer : containerRefused(killed.error);
}

async function removeContainer(view: AgentView, call: agent.CallRemoveContainer): Promise<Answer> {
  const chain = readChain(call.container_id);
  if (!chain.ok) return chain.error;
  const removed = await view.containers.remove(chain.value);
  return removed.ok ? emptyAnswer : containerRefused(removed.error);
}

function attachOutput(
  view: AgentView,
  call: agent.CallAttachContainerOutput,
  exchange: Exchange,
): Handled {
  const chain = readChain(call.container_id);
  if (!chain.ok) return chain.error;
  const ended = view.containers.wait(chain.value);
  if (!ended.ok) return containerRefused(ended.error);
  const found = view.containers.find(chain.value);
  if (found?.kind === "CLIENT" && found.container.termination !== undefined) {
    return containerRefused({ code: "CONTAINER_NOT_RUNNING", chain: chain.value });
  }
  const pipes = found?.kind === "CLIENT" ? found.container.pipes : undefined;
  const sandbox = view.containers.sandboxOf(chain.value);
  if (sandbox === undefined) {
    return containerRefused({ code: "CONTAINER_NOT_FOUND", chain: chain.value });
  }
  const reader = pipes?.output.attach() ?? new FollowedOutput(sandbox, ended.value);
  return recordsAnswer(reader, exchange, () => {});
}

/** `whenOver`: the client has gone, or there is nothing more to tell. */
function recordsAnswer(
  reader: OutputReader,
  { encoding, asRecords }: Exchange,
  whenOver: () => void,
): StreamAnswer {
  return {
    status: 200,
    headers: streamHeaders(encoding, { asRecords }),
    pieces: async function* (signal) {
      try {
        yield* outputRecords(reader, { encoding, signal, heartbeatMs: HEARTBEAT_MS });
      } finally {
        whenOver();
      }
    },
  };
}

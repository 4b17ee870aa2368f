/** The calls about containers that this agent makes, each with what it asks and what it gets. */
import { ok, type Result } from "../../../worker/std/result.ts";
import type { ContainerId, ResourceLimits } from "../containerizer.ts";
import { CONTAINER_LABEL, NAME_PREFIX, OWNER_LABEL, updateBody } from "./create-body.ts";
import { type Engine, type Json, listOf, number, objectOf, query, text } from "./engine.ts";
import type { DockerError } from "./errors.ts";
import { type Inspected, inspected } from "./inspected.ts";

export interface Listed {
  readonly dockerId: string;
  /** As its label has it. */
  readonly containerId: string;
}

export class EngineCalls {
  readonly #engine: Engine;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** Docker's id for it. */
  async create(
    id: ContainerId,
    body: Json,
    platform: string | undefined,
  ): Promise<Result<string, DockerError>> {
    const created = await this.#engine.json({
      method: "POST",
      path: `/containers/create${query({ name: `${NAME_PREFIX}${id}`, platform })}`,
      body,
      operation: "create the container",
    });
    return created.ok ? ok(text(created.value.Id) ?? "") : created;
  }

  start(dockerId: string): Promise<Result<Json, DockerError>> {
    const path = `/containers/${dockerId}/start`;
    return this.#engine.json({ method: "POST", path, operation: "start the container" });
  }

  /** Undefined: Docker has no such container. */
  async inspect(dockerId: string): Promise<Result<Inspected | undefined, DockerError>> {
    const path = `/containers/${dockerId}/json`;
    const found = await this.#engine.json({ method: "GET", path, operation: "look it up" });
    if (found.ok) return ok(inspected(found.value));
    return isStatus(found, 404) ? ok(undefined) : found;
  }

  /** False: it is not running. */
  async kill(dockerId: string, signal: string): Promise<Result<boolean, DockerError>> {
    const path = `/containers/${dockerId}/kill${query({ signal })}`;
    const sent = await this.#engine.json({ method: "POST", path, operation: "send a signal" });
    if (sent.ok) return ok(true);
    return isStatus(sent, 404) || isStatus(sent, 409) ? ok(false) : sent;
  }

  update(dockerId: string, limits: ResourceLimits): Promise<Result<Json, DockerError>> {
    const path = `/containers/${dockerId}/update`;
    const operation = "change the container's limits";
    return this.#engine.json({ method: "POST", path, body: updateBody(limits), operation });
  }

  /** Bytes of its own files, beside its image's; undefined: Docker cannot tell. */
  async ownBytes(dockerId: string): Promise<Result<number | undefined, DockerError>> {
    const path = `/containers/${dockerId}/json${query({ size: "1" })}`;
    const found = await this.#engine.json({ method: "GET", path, operation: "measure its files" });
    return found.ok ? ok(number(found.value.SizeRw)) : found;
  }

  stats(dockerId: string): Promise<Result<Json, DockerError>> {
    const path = `/containers/${dockerId}/stats${query({ stream: "0", "one-shot": "1" })}`;
    return this.#engine.json({ method: "GET", path, operation: "measure the container" });
  }

  /**
   * With its anonymous volumes; it is killed if need be and `force` says so. Succeeds when it is
   * gone already, or on its way.
   */
  async remove(
    dockerId: string,
    { force }: { readonly force: boolean },
  ): Promise<Result<void, DockerError>> {
    const path = `/containers/${dockerId}${query({ v: "1", force: force ? "1" : "0" })}`;
    const operation = "remove the container";
    const removed = await this.#engine.json({ method: "DELETE", path, operation });
    const isGone = isStatus(removed, 404) || (force && isStatus(removed, 409));
    return removed.ok || isGone ? ok(undefined) : removed;
  }

  /** Those of this owner, running or not. */
  async list(owner: string): Promise<Result<readonly Listed[], DockerError>> {
    const filters = JSON.stringify({ label: [`${OWNER_LABEL}=${owner}`] });
    const answer = await this.#engine.json({
      method: "GET",
      path: `/containers/json${query({ all: "1", filters })}`,
      operation: "list the agent's containers",
    });
    if (!answer.ok) return answer;
    return ok(
      listOf(answer.value).map((each) => {
        const { Id, Labels } = objectOf(each);
        return {
          dockerId: text(Id) ?? "",
          containerId: text(objectOf(Labels)[CONTAINER_LABEL]) ?? "",
        };
      }),
    );
  }
}

export function isStatus(result: Result<unknown, DockerError>, status: number): boolean {
  return !result.ok && result.error.code === "DOCKER_REFUSED" && result.error.status === status;
}

/** The Engine has another word for each thing that a create call may lack. */
export function lacksImage(result: Result<unknown, DockerError>): boolean {
  if (result.ok || result.error.code !== "DOCKER_REFUSED") return false;
  return (
    result.error.status === 404 && /no such image|image .*not found/i.test(result.error.message)
  );
}

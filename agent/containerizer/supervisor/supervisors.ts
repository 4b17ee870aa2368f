/**
 * Hands out the supervisor of a new container, with its records and its output in place: one that
 * waits, or one that is made on the spot. From there on the two are the same.
 */
import { closeSync } from "node:fs";
import { ok, type Result } from "../../../worker/std/result.ts";
import type { ContainerSpec, FileError, LaunchError } from "../containerizer.ts";
import type { HostTools } from "./host-tools.ts";
import type { Entry, Setup } from "./isolation.ts";
import { openOutput, placeOutput } from "./output.ts";
import type { Records } from "./records.ts";
import { type Spare, Spares } from "./spares.ts";
import { type Supervisor, type SupervisorKind, startSupervisor } from "./supervisor.ts";
import type { Account } from "./users.ts";

/** Between the beginning of a command and a new spare. */
const REFILL_AFTER_MS = 10;

export interface Wanted {
  readonly spec: ContainerSpec;
  readonly tools: HostTools;
  readonly account: Account | undefined;
  readonly entry: Entry;
}

export interface Provided {
  readonly supervisor: Supervisor;
  /** The file with the table of what is still to be mounted; undefined: nothing is. */
  readonly mountsFile: string | undefined;
}

export class Supervisors {
  readonly #records: Records;
  readonly #spares: Spares;
  /** How many are handed out whose command has not begun. */
  #beginning = 0;
  #refill: NodeJS.Timeout | undefined;

  /** `spares`: how many wait at one time. */
  constructor(records: Records, spares: number) {
    this.#records = records;
    this.#spares = new Spares(records, spares);
  }

  /** For a container whose id is reserved. After an error no supervisor is left. */
  async provide(wanted: Wanted): Promise<Result<Provided, LaunchError>> {
    this.#beginning++;
    const spare = this.#takeSpare(wanted);
    const provided = await this.#provide(wanted, spare);
    if (!provided.ok) {
      if (spare !== undefined) this.#spares.discard(spare);
      this.#beginning--;
      return provided;
    }
    void provided.value.supervisor.taken.then(() => this.#begun(wanted.tools));
    return provided;
  }

  /** More are made when nobody has to wait for it: a command that begins has to be loaded. */
  #begun(tools: HostTools): void {
    this.#beginning--;
    this.#refill ??= setTimeout(() => {
      this.#refill = undefined;
      // Else it is done after those that have come since.
      if (this.#beginning === 0) this.#spares.refill(tools);
    }, REFILL_AFTER_MS).unref();
  }

  close(): void {
    clearTimeout(this.#refill);
    this.#spares.close();
  }

  #takeSpare({ spec, account, entry }: Wanted): Spare | undefined {
    const descriptors = entry.space?.descriptors ?? [];
    if (spec.streams !== undefined || descriptors.length > 0) return undefined;
    const spare = this.#spares.take(kindOf(entry));
    if (spare === undefined) return undefined;
    const isPlaced = placeOutput(spec.sandboxDirectory, spare.output, entry.owner ?? account);
    if (isPlaced && this.#records.adopt(spec.containerId, spare.record)) return spare;
    this.#spares.discard(spare);
    return undefined;
  }

  async #provide(wanted: Wanted, spare: Spare | undefined): Promise<Result<Provided, LaunchError>> {
    const mounts = this.#writeMounts(wanted, spare !== undefined);
    if (!mounts.ok) return mounts;
    const supervisor = await this.#supervisor(wanted, spare);
    if (!supervisor.ok) return supervisor;
    return ok({ supervisor: supervisor.value, mountsFile: mounts.value });
  }

  async #supervisor(
    wanted: Wanted,
    spare: Spare | undefined,
  ): Promise<Result<Supervisor, LaunchError>> {
    const { spec, tools, account, entry } = wanted;
    if (spare !== undefined) return ok(spare.supervisor);
    const start = {
      ...{ kind: kindOf(entry), tools, record: this.#records.pathOf(spec.containerId) },
      descriptors: entry.space?.descriptors ?? [],
    };
    if (spec.streams !== undefined) return startSupervisor({ ...start, streams: spec.streams });
    const output = openOutput(spec.sandboxDirectory, entry.owner ?? account);
    if (!output.ok) return output;
    const started = await startSupervisor({ ...start, streams: output.value });
    for (const file of Object.values(output.value)) closeSync(file);
    return started;
  }

  #writeMounts(
    { spec, entry }: Wanted,
    isPrepared: boolean,
  ): Result<string | undefined, FileError> {
    const setup = setupOf(entry);
    if (setup === undefined) return ok(undefined);
    const table = isPrepared ? setup.mounts : setup.commonMounts + setup.mounts;
    return this.#records.writeMounts(this.#records.pathOf(spec.containerId), table);
  }
}

function setupOf({ space }: Entry): Setup | undefined {
  return space?.kind === "NEW" ? space.setup : undefined;
}

function kindOf(entry: Entry): SupervisorKind {
  const { space } = entry;
  const isNew = space?.kind === "NEW";
  const setup = setupOf(entry);
  return {
    enter: isNew ? space.enter : [],
    hasInit: isNew && space.hasInit,
    seesMachine: setup !== undefined,
    mounts: setup && { program: setup.mountProgram, table: setup.commonMounts },
  };
}

/**
 * A container's part of the store, `<store>/containers/<id>/`:
 *
 *   upper, work   what the container changes of its image, as overlayfs wants it
 *   box, run      see `root-change.ts`
 *   root.json     what the container stands on, and how commands run in it; written first
 */
import {
  chmodSync,
  chownSync,
  existsSync,
  fchownSync,
  mkdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { err, ok, type Result } from "../../../worker/std/result.ts";
import type {
  ContainerId,
  ContainerSpec,
  ContainerTermination,
  LaunchError,
  RootFileSystem,
} from "../containerizer.ts";
import { objectOf, text } from "../docker/engine.ts";
import { DOCKER_SANDBOX } from "../docker/spec.ts";
import { errnoOf, fileError } from "../supervisor/file-error.ts";
import { BOX_FOLDERS } from "../supervisor/root-change.ts";
import { accountIn } from "./accounts.ts";
import { commandOf, environmentOf } from "./execution.ts";
import { LayeredTree } from "./layered-tree.ts";
import { parseJson } from "./manifest.ts";
import { makeMountPoint } from "./mount-points.ts";
import type { ImageStore, StoredImage } from "./store.ts";
import { makeToolbox } from "./toolbox.ts";

/** What is remembered of a container while its folder is there. */
interface RootRecord {
  readonly image: string;
  readonly diffIds: readonly string[];
  readonly sandboxDirectory: string;
  readonly workingDirectory: string;
  readonly user: string;
  readonly env: readonly string[];
}

export class ContainerFolders {
  readonly #store: ImageStore;
  #toolbox: string | undefined;

  constructor(store: ImageStore) {
    this.#store = store;
  }

  /** The container as it is to be launched, in a file system of its own. */
  make(spec: ContainerSpec, image: StoredImage): Result<ContainerSpec, LaunchError> {
    const { config } = image;
    const layers = this.#store.layersOf(image);
    const unusable = (why: string): Result<never, LaunchError> =>
      err({ code: "IMAGE_FAILED", image: image.name, why });
    if (layers === undefined) return unusable("a layer of it has gone from the store; try again");
    const command = commandOf(spec.command, config);
    if (!command.ok) return unusable(command.error);
    const tree = new LayeredTree(layers);
    const account = accountIn({ user: spec.user, imageUser: config.user, tree });
    if (!account.ok) return unusable(account.error);
    const { containerId } = spec;
    const folder = this.#store.containerFolder(containerId);
    // Somebody stands on it: what an earlier process left has gone by now.
    if (existsSync(folder)) return err({ code: "CONTAINER_EXISTS", containerId });
    const workingDirectory = config.workingDirectory || DOCKER_SANDBOX;
    try {
      this.#fill(folder, recordOf(spec, image, workingDirectory));
      this.#toolbox ??= makeToolbox(this.#store.directory);
      giveSandbox(spec, account.value);
    } catch (cause) {
      return err(fileError("make", folder, cause));
    }
    if (config.workingDirectory !== "") {
      const place = { tree, upper: join(folder, "upper") };
      const found = makeMountPoint(place, workingDirectory, { kind: "FOLDER" });
      const isRoot = /^\/+$/.test(workingDirectory);
      if (!found.ok && !isRoot) return unusable(`its working directory: ${found.error}`);
    }
    const root: RootFileSystem = {
      ...{ folder, toolbox: this.#toolbox, layers, workingDirectory },
      account: account.value,
    };
    const environment = environmentOf(spec.environment, config);
    return ok({ ...spec, command: command.value, environment, root });
  }

  /** `spec` in the root that the container `outer` has; as it is, if that has the machine's. */
  inside(outer: ContainerId, spec: ContainerSpec): Result<ContainerSpec, LaunchError> {
    const folder = this.#store.containerFolder(outer);
    const record = readRecord(folder);
    if (record === undefined) return ok(spec);
    const found = record.diffIds.flatMap((diffId) => this.#store.layer(diffId) ?? []).toReversed();
    const tree = new LayeredTree(found);
    const account = accountIn({ user: spec.user, imageUser: record.user, tree });
    if (!account.ok) return err({ code: "IMAGE_FAILED", image: record.image, why: account.error });
    const own = inContainer(record.sandboxDirectory, spec.sandboxDirectory);
    // A session begins where the container's command did; what has a sandbox of its own, there.
    const workingDirectory = own === DOCKER_SANDBOX ? record.workingDirectory : own;
    const environment = environmentOf(spec.environment, record);
    const mapped = Object.entries(environment).map(([name, value]) => {
      const isPath = name === "MESOS_SANDBOX" || name === "MESOS_DIRECTORY";
      const seen = isPath && value === spec.sandboxDirectory;
      return [name, seen ? own : value] as const;
    });
    const root: RootFileSystem = {
      ...{ folder, toolbox: "", layers: [], workingDirectory, account: account.value },
    };
    return ok({ ...spec, environment: Object.fromEntries(mapped), root });
  }

  /** Removes the folder when the container has ended. */
  leaveWith(id: ContainerId, ended: Promise<ContainerTermination>): void {
    void ended.then(() => this.remove(id)).catch(() => {});
  }

  async remove(id: string): Promise<void> {
    await this.#store.discard(this.#store.containerFolder(id));
  }

  /** What containers stand on. */
  used(): { readonly images: ReadonlySet<string>; readonly layers: ReadonlySet<string> } {
    const records = this.#store
      .containers()
      .flatMap((id) => readRecord(this.#store.containerFolder(id)) ?? []);
    return {
      images: new Set(records.map(({ image }) => image)),
      layers: new Set(records.flatMap(({ diffIds }) => diffIds)),
    };
  }

  #fill(folder: string, record: RootRecord): void {
    mkdirSync(folder, { mode: 0o700 });
    const path = join(folder, "root.json");
    writeFileSync(`${path}.new`, JSON.stringify(record), { mode: 0o600 });
    renameSync(`${path}.new`, path);
    for (const name of ["upper", "work", "box", BOX_FOLDERS.run]) mkdirSync(join(folder, name));
    // The container's root has its mode and owner; against the agent's umask.
    chmodSync(join(folder, "upper"), 0o755);
    chmodSync(join(folder, BOX_FOLDERS.run), 0o700);
  }
}

function recordOf(
  { sandboxDirectory }: ContainerSpec,
  { name, config }: StoredImage,
  workingDirectory: string,
): RootRecord {
  const { diffIds, user, env } = config;
  return { image: name, diffIds, sandboxDirectory, workingDirectory, user, env };
}

/** Its user may be the image's, whom nobody could give it to before. */
function giveSandbox(
  { sandboxDirectory, streams }: ContainerSpec,
  { userId, groupId }: { readonly userId: number; readonly groupId: number },
): void {
  chownSync(sandboxDirectory, userId, groupId);
  for (const stream of streams === undefined ? [] : [streams.stdout, streams.stderr]) {
    fchownSync(stream, userId, groupId);
  }
}

/** A path in the sandbox as the container sees it. */
function inContainer(sandbox: string, path: string): string {
  return path.startsWith(`${sandbox}/`)
    ? `${DOCKER_SANDBOX}${path.slice(sandbox.length)}`
    : DOCKER_SANDBOX;
}

/** Undefined: the container has no image. Throws what cannot be told. */
function readRecord(folder: string): RootRecord | undefined {
  let content: string;
  try {
    content = readFileSync(join(folder, "root.json"), "utf8");
  } catch (cause) {
    if (errnoOf(cause) === "ENOENT") return undefined;
    throw cause;
  }
  const json = parseJson(content);
  const record = objectOf(json.ok ? json.value : undefined);
  const strings = (value: unknown): readonly string[] =>
    Array.isArray(value) ? value.filter((each) => typeof each === "string") : [];
  return {
    image: text(record.image) ?? "",
    diffIds: strings(record.diffIds),
    sandboxDirectory: text(record.sandboxDirectory) ?? "",
    workingDirectory: text(record.workingDirectory) ?? "/",
    user: text(record.user) ?? "",
    env: strings(record.env),
  };
}

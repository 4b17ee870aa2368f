/**
 * Notices the end of containers whose supervisor is no child of this agent process. One watch on
 * the runtime directory serves them all and tells at once; a slow poll finds supervisors that were
 * killed and so wrote nothing. Neither exists while there is nothing to watch.
 */
import { type FSWatcher, watch } from "node:fs";
import { type ContainerId, containerId } from "../containerizer.ts";

const POLL_MS = 5_000;
/** Without a watch (the user's inotify instances are used up) the poll is all there is. */
const POLL_WITHOUT_WATCH_MS = 250;

export class EndWatch {
  readonly #directory: string;
  /** Called with a container that may have ended; often without cause. */
  readonly #inspect: (id: ContainerId) => void;
  readonly #watched = new Set<ContainerId>();
  #watcher: FSWatcher | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(directory: string, inspect: (id: ContainerId) => void) {
    this.#directory = directory;
    this.#inspect = inspect;
  }

  add(id: ContainerId): void {
    this.#watched.add(id);
    if (this.#timer === undefined) this.#open();
  }

  delete(id: ContainerId): void {
    if (!this.#watched.delete(id) || this.#watched.size > 0) return;
    this.#watcher?.close();
    clearInterval(this.#timer);
    this.#watcher = undefined;
    this.#timer = undefined;
  }

  #open(): void {
    try {
      this.#watcher = watch(this.#directory, { persistent: false }, (_event, name) =>
        this.#changed(name),
      );
      this.#watcher.on("error", () => this.#withoutWatch());
      this.#poll(POLL_MS);
    } catch {
      this.#withoutWatch();
    }
  }

  #withoutWatch(): void {
    this.#watcher?.close();
    this.#watcher = undefined;
    this.#poll(POLL_WITHOUT_WATCH_MS);
  }

  #poll(everyMs: number): void {
    clearInterval(this.#timer);
    this.#timer = setInterval(() => {
      for (const id of [...this.#watched]) this.#inspect(id);
    }, everyMs).unref();
  }

  #changed(name: string | null): void {
    if (!name?.endsWith(".ended")) return;
    const id = containerId(name.slice(0, -".ended".length));
    if (id.ok && this.#watched.has(id.value)) this.#inspect(id.value);
  }
}

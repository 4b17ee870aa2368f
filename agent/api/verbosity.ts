/**
 * How much is logged: at level 0 what happens to tasks, from level 1 on every request to the API
 * as well. A raised level falls back after its time.
 */
const TIMER_MAX_MS = 2 ** 31 - 1;

export class Verbosity {
  #level = 0;
  #timer: NodeJS.Timeout | undefined;

  get level(): number {
    return this.#level;
  }

  /** A later call replaces an earlier one, its time included. */
  raise({ level, durationMs }: { readonly level: number; readonly durationMs: number }): void {
    clearTimeout(this.#timer);
    this.#level = level;
    const delayMs = Math.min(Math.max(durationMs, 0), TIMER_MAX_MS);
    this.#timer = setTimeout(() => {
      this.#level = 0;
    }, delayMs);
    this.#timer.unref();
  }
}

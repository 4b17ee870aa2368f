/**
 * Wakes the master when one of its rows is due. Timers are rows; these are only wake-ups, and one
 * too many does no harm.
 *
 * While the object is awake a timeout is exact. The object's one alarm is the backstop for the time
 * when it is not, and each setting of it is billed as a row, so it is coarse: it is set only when
 * none is pending, or the pending one is too late.
 */

/** The alarm comes this late after what is due at most, and no more often than this. */
const ALARM_GRAIN_MS = 60_000;

/** The longest delay that setTimeout takes: 2^31 - 1 ms. */
const TIMEOUT_MAX_MS = 2_147_483_647;

export class Timers {
  readonly #storage: DurableObjectStorage;
  readonly #onDue: () => void;
  #timeout: { readonly id: ReturnType<typeof setTimeout>; readonly atMs: number } | undefined;
  #alarmMs: number | undefined;

  constructor(options: { readonly storage: DurableObjectStorage; readonly onDue: () => void }) {
    this.#storage = options.storage;
    this.#onDue = options.onDue;
  }

  /** Learns of the alarm that an earlier life has set. */
  async load(): Promise<void> {
    this.#alarmMs = (await this.#storage.getAlarm()) ?? undefined;
  }

  /**
   * `dueMs`: when the earliest row is due; undefined = none is. A pending alarm is left alone: it
   * does no harm.
   */
  set(dueMs: number | undefined): void {
    this.#setTimeout(dueMs);
    if (dueMs === undefined) return;
    const wantedMs = Math.max(dueMs, Date.now() + ALARM_GRAIN_MS);
    if (this.#alarmMs !== undefined && this.#alarmMs <= wantedMs) return;
    this.#alarmMs = wantedMs;
    this.#storage.setAlarm(wantedMs).catch((error: unknown) => {
      this.#alarmMs = undefined;
      console.error(`the alarm was not set, the next turn tries again: ${String(error)}`);
    });
  }

  /** The alarm has gone off: none is pending any more. */
  alarmFired(): void {
    this.#alarmMs = undefined;
  }

  #setTimeout(dueMs: number | undefined): void {
    if (this.#timeout?.atMs === dueMs) return;
    if (this.#timeout !== undefined) clearTimeout(this.#timeout.id);
    this.#timeout = undefined;
    if (dueMs === undefined) return;
    const delayMs = Math.min(Math.max(dueMs - Date.now(), 0), TIMEOUT_MAX_MS);
    const id = setTimeout(() => {
      this.#timeout = undefined;
      this.#onDue();
    }, delayMs);
    this.#timeout = { id, atMs: dueMs };
  }
}

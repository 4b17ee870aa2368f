/** A scheduler on a fake master, whose events are collected until the test's end. */
import { afterEach } from "vitest";
import type { SchedulerEvent } from "../../worker/sdk/event.ts";
import { Scheduler, type SchedulerOptions } from "../../worker/sdk/scheduler.ts";
import { type FakeMaster, MASTER_URL } from "./fake-master.ts";

const abort: AbortController[] = [];
afterEach(() => {
  for (const controller of abort.splice(0)) controller.abort();
});

export const TASK = { name: "t", task_id: { value: "t1" }, command: { value: "true" } };

export function start(master: FakeMaster, options: Partial<SchedulerOptions> = {}) {
  const scheduler = new Scheduler({
    master: MASTER_URL,
    framework: { user: "", name: "test" },
    transport: master.transport,
    backOff: { initialMs: 4, maxMs: 20 },
    reconcileBackOff: { initialMs: 30, maxMs: 30 },
    random: () => 0.5,
    ...options,
  });
  const controller = new AbortController();
  abort.push(controller);
  const events: SchedulerEvent[] = [];
  const run = { onEvent: async (_event: SchedulerEvent): Promise<void> => {} };
  const done = (async () => {
    for await (const event of scheduler.subscribe({ signal: controller.signal })) {
      events.push(event);
      await run.onEvent(event);
    }
  })();
  const failed = done.then(
    () => undefined,
    (error: unknown) => error,
  );
  const seen = (type: SchedulerEvent["type"]) => events.filter((event) => event.type === type);
  return { scheduler, events, seen, failed, controller, run };
}

/** Something that waits until it is opened. */
export function gate(): { readonly opened: Promise<void>; open(): void } {
  let open = (): void => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open: () => open() };
}

/** What the recorder did without recording it, so that its requests find what they need. */
import type { LiveExchange } from "./live-connection.ts";
import type { LiveFramework, LiveOffer } from "./live-framework.ts";
import { sleep, until } from "./waiting.ts";

const OFFER_MS = 8_000;
/** After this long with offers that do not fit, they are given back, to come again as one. */
const MERGE_MS = 400;
/** For so long another framework does not get what it gave back. */
const REFUSE_SECONDS = 5;
const STARTED_MS = 4_000;
/** A heartbeat's interval, and a bit: the longest that a master needs to see that nobody reads. */
const HANG_UP_MS = 17_000;

export class Recorder {
  readonly #url: string;

  constructor(port: number) {
    this.#url = `http://127.0.0.1:${port}`;
  }

  /**
   * An outstanding offer with at least the recorded one's resources; gives smaller ones back until
   * one comes, and those that others hold.
   */
  async offerLike(
    framework: LiveFramework,
    recorded: LiveOffer | undefined,
    others: readonly LiveFramework[],
  ): Promise<LiveOffer | undefined> {
    const startMs = performance.now();
    while (performance.now() - startMs < OFFER_MS) {
      const likeness = performance.now() - startMs > 2 * MERGE_MS ? "AMOUNTS" : "RESERVATIONS";
      const found = await until(() => framework.offerLike(recorded, likeness), MERGE_MS);
      if (found !== undefined) return found;
      const isLittle = framework.offers.size > 0 && likeness === "RESERVATIONS";
      if (isLittle || framework.offers.size > 1) await this.#giveBack(framework, 0);
      else if (framework.offers.size > 0) break;
      for (const other of others) {
        if (other !== framework && other.offers.size > 0)
          await this.#giveBack(other, REFUSE_SECONDS);
      }
    }
    const [largest] = framework.offers.values();
    return largest;
  }

  async #giveBack(framework: LiveFramework, refuse_seconds: number): Promise<void> {
    const ids = [...framework.offers.keys()];
    framework.offers.clear();
    const offer_ids = ids.map((value) => ({ value }));
    await this.call(framework, {
      type: "DECLINE",
      decline: { offer_ids, filters: { refuse_seconds } },
    });
  }

  /** A call of the recorder's own, which nothing is compared with. */
  async call(framework: LiveFramework, call: Record<string, unknown>): Promise<void> {
    const body = JSON.stringify({ framework_id: { value: framework.id }, ...call });
    await fetch(`${this.#url}/api/v1/scheduler`, {
      method: "POST",
      headers: { "Content-Type": "application/json", "Mesos-Stream-Id": framework.streamId },
      body,
    });
  }

  async launch(framework: LiveFramework, taskId: string): Promise<void> {
    const offer = await this.offerLike(framework, undefined, []);
    const role = offer?.resources?.find(({ allocation_info }) => allocation_info)?.allocation_info
      ?.role;
    if (offer === undefined) return;
    framework.offers.delete(offer.id.value);
    const resource = (name: string, value: number): unknown => ({
      ...{ name, type: "SCALAR", scalar: { value }, allocation_info: { role } },
    });
    const task = {
      name: taskId,
      task_id: { value: taskId },
      agent_id: offer.agent_id,
      resources: [resource("cpus", 0.1), resource("mem", 32)],
      command: { value: "sleep 1000" },
    };
    await this.call(framework, {
      type: "ACCEPT",
      accept: {
        offer_ids: [offer.id],
        operations: [{ type: "LAUNCH", launch: { task_infos: [task] } }],
        filters: { refuse_seconds: 0 },
      },
    });
    await until(
      () =>
        framework.updates.some(
          (each) => each.task_id.value === taskId && each.state === "TASK_RUNNING",
        ),
      STARTED_MS,
    );
  }

  async frameworks(): Promise<readonly { id: string; connected: boolean }[]> {
    const response = await fetch(`${this.#url}/frameworks`);
    const { frameworks } = (await response.json()) as {
      frameworks: { id: string; connected: boolean }[];
    };
    return frameworks;
  }

  /**
   * Closes the connection and waits until the master knows. workerd tells it when it writes to the
   * stream the next time: so it is asked for an update that it has to write.
   */
  async hangUp(live: LiveExchange, framework: LiveFramework | undefined): Promise<void> {
    live.socket.destroy();
    if (framework === undefined) return;
    const tasks = [{ task_id: { value: "nobody-listens" } }];
    const deadlineMs = performance.now() + HANG_UP_MS;
    while (performance.now() < deadlineMs) {
      await sleep(100);
      await this.call(framework, { type: "RECONCILE", reconcile: { tasks } });
      const frameworks = await this.frameworks();
      if (!frameworks.some(({ id, connected }) => id === framework.id && connected)) return;
    }
  }

  /** Returns the status of the answer. */
  async reserve(agentId: string, resources: readonly unknown[]): Promise<number> {
    const reserve_resources = { agent_id: { value: agentId }, resources };
    const response = await fetch(`${this.#url}/api/v1`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ type: "RESERVE_RESOURCES", reserve_resources }),
    });
    return response.status;
  }
}

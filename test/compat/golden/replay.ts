/**
 * Sends the recorded requests of one master to a live cluster, in order, each with the live ids.
 */
import type { AnswerReader } from "./answer.ts";
import { headerOf } from "./answer.ts";
import type { Difference } from "./compare.ts";
import { compareAnswer } from "./compare-answer.ts";
import { LiveCluster } from "./live-cluster.ts";
import { exchange, type LiveExchange } from "./live-connection.ts";
import {
  type LiveEvent,
  LiveFramework,
  type LiveOffer,
  type LiveStatus,
  liveEvents,
} from "./live-framework.ts";
import { base64IdsIn, LiveIds, offerIdsIn } from "./live-ids.ts";
import { type Replay, type Step, streamStart } from "./order.ts";
import type { Recording } from "./recording.ts";

export interface Outcome {
  readonly recording: Recording;
  readonly differences: readonly Difference[];
}

const OFFER_MS = 8_000;
const EVENT_MS = 4_000;
/** A heartbeat's interval, and a bit: the longest that a master needs to see that nobody reads. */
const HANG_UP_MS = 17_000;
/** After this long with offers that do not fit, they are given back, to come again as one. */
const MERGE_MS = 400;

interface OpenStream {
  readonly recording: Recording;
  readonly live: LiveExchange;
  framework: LiveFramework | undefined;
  taken: number;
}

export class Replayer {
  readonly #cluster: LiveCluster;
  readonly #recordings: readonly Recording[];
  readonly #ids = new LiveIds();
  readonly #streams: OpenStream[] = [];
  readonly #frameworks = new Map<string, LiveFramework>();
  readonly #outcomes: Outcome[] = [];
  readonly #say: (line: string) => void;
  /** Recorded events that never came; waited for once. */
  readonly #given = new Set<string>();
  readonly #recordedOffers = new Map<string, LiveOffer>();
  readonly #recordedStatuses = new Map<string, LiveStatus>();
  readonly #recordedOperations = new Map<string, string>();

  constructor(cluster: LiveCluster, recordings: readonly Recording[], say: (line: string) => void) {
    this.#cluster = cluster;
    this.#recordings = recordings;
    this.#say = say;
    this.#readRecordedEvents();
  }

  static async run(
    replay: Replay,
    recordings: readonly Recording[],
    say: (line: string) => void,
  ): Promise<readonly Outcome[]> {
    const cluster = await LiveCluster.start();
    try {
      const replayer = new Replayer(cluster, recordings, say);
      await replayer.#reserveAsRecorded(replay.families);
      for (const step of replay.steps) await replayer.#step(step);
      await replayer.#finish();
      return replayer.#outcomes;
    } finally {
      await cluster.end();
    }
  }

  #readRecordedEvents(): void {
    for (const recording of this.#recordings.filter(({ isStream }) => isStream)) {
      if (recording.answer === undefined) continue;
      for (const event of liveEvents(recording.answer)) {
        for (const offer of event.offers?.offers ?? [])
          this.#recordedOffers.set(offer.id.value, offer);
        const status = event.update?.status;
        if (status?.uuid !== undefined) this.#recordedStatuses.set(status.uuid, status);
        const operation = event.update_operation_status?.status;
        if (operation?.uuid) {
          this.#recordedOperations.set(operation.uuid.value, operation.operation_id?.value ?? "");
        }
      }
    }
  }

  /**
   * What the recorded agent's resources were reserved for before the first offer of a master's
   * first family.
   */
  async #reserveAsRecorded([family]: readonly string[]): Promise<void> {
    const stream = this.#recordings.find(
      (each) => each.family === family && each.isStream && /"OFFERS"/.test(eventsText(each)),
    );
    const offers = stream?.answer === undefined ? [] : liveEvents(stream.answer);
    const first = offers.find((event) => event.offers)?.offers?.offers[0];
    const resources = (first?.resources ?? [])
      .filter(({ reservations }) => (reservations?.length ?? 0) > 0)
      .map((each) => ({ ...each, allocation_info: undefined }));
    if (resources.length === 0) return;
    const reserve_resources = { agent_id: { value: this.#cluster.agent.id }, resources };
    const response = await fetch(`http://127.0.0.1:${this.#cluster.port}/api/v1`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ type: "RESERVE_RESOURCES", reserve_resources }),
    });
    if (!response.ok)
      this.#say(`    (the agent's resources cannot be reserved: ${response.status})`);
  }

  async #step(step: Step): Promise<void> {
    if (step.kind === "action") {
      await this.#act(step.action, step.family);
      return;
    }
    if (step.kind === "twin") {
      this.#say(`    (${step.recording.name} as a twin)`);
      await this.#twin(step.recording);
      return;
    }
    const { recording } = step;
    await this.#awaitEventsBefore(step.notBefore, recording);
    try {
      const live = await this.#send(recording);
      if (!recording.isStream) this.#judge(recording, live.answer);
    } catch (error) {
      const sentence = error instanceof Error ? error.message : String(error);
      this.#outcomes.push({ recording, differences: [`no answer: ${sentence.split("\n")[0]}`] });
    }
  }

  #judge(recording: Recording, answer: AnswerReader): void {
    this.#outcomes.push({ recording, differences: compareAnswer(recording, answer) });
  }

  async #send(recording: Recording): Promise<LiveExchange> {
    const bytes = await this.#rewrite(recording);
    const { isStream } = recording;
    const opened: { stream: OpenStream | undefined } = { stream: undefined };
    const live = await exchange(this.#portFor(recording), bytes, {
      isStream,
      onBytes: () => {
        if (opened.stream) this.#takeEvents(opened.stream);
      },
    });
    if (isStream) {
      opened.stream = { recording, live, framework: undefined, taken: 0 };
      this.#streams.push(opened.stream);
      await this.#subscribed(opened.stream);
      if (recording.isHungUpAtOnce) await this.#lookAndHangUp(opened.stream);
    } else if (live.answer.head?.status === 202) this.#spend(recording, bytes);
    return live;
  }

  #portFor({ request }: Recording): number {
    return request.port === this.#agentPort() ? this.#cluster.agent.port : this.#cluster.port;
  }

  /** The recorded agent listened on the port that its offers and documents name. */
  #agentPort(): number {
    for (const { answer } of this.#recordings) {
      const found = /slave\(1\)@[\d.]+:(\d+)/.exec(answer?.body().toString("latin1") ?? "");
      if (found) return Number(found[1]);
    }
    return 0;
  }

  // ---- requests ----

  async #rewrite(recording: Recording): Promise<string> {
    const { head, body } = recording.request;
    for (const id of offerIdsIn(body)) await this.#mapOffer(id, body);
    for (const uuid of base64IdsIn(body)) await this.#mapUuid(uuid);
    const newBody = this.#ids.rewrite(body);
    const newHead = this.#ids
      .rewrite(head)
      .replace(/^host: .*$/im, `Host: 127.0.0.1:${this.#portFor(recording)}`)
      .replace(/^content-length: .*$/im, `Content-Length: ${newBody.length}`);
    return `${newHead}\r\n\r\n${newBody}`;
  }

  #frameworkOf(body: string): LiveFramework | undefined {
    const id = /"framework_id": ?\{"value": ?"([^"]+)"/.exec(body)?.[1];
    return id === undefined ? undefined : this.#frameworks.get(this.#ids.rewrite(id));
  }

  async #mapOffer(recordedId: string, body: string): Promise<void> {
    if (this.#ids.get(recordedId) !== undefined) return;
    const framework = this.#frameworkOf(body);
    if (framework === undefined) return;
    if (/inverse_offer_ids/.test(body)) {
      const inverse = await this.#until(() => framework.inverseOffers.at(-1), EVENT_MS);
      if (inverse !== undefined) this.#ids.set(recordedId, inverse.id.value);
      return;
    }
    const offer = await this.#offerLike(framework, this.#recordedOffers.get(recordedId));
    if (offer === undefined) this.#say(`    (no live offer stands for ${recordedId})`);
    else this.#ids.set(recordedId, offer.id.value);
  }

  /**
   * An outstanding offer with at least the recorded one's resources; gives smaller ones back until
   * one comes.
   */
  async #offerLike(
    framework: LiveFramework,
    recorded: LiveOffer | undefined,
  ): Promise<LiveOffer | undefined> {
    const startMs = performance.now();
    while (performance.now() - startMs < OFFER_MS) {
      const likeness = performance.now() - startMs > 2 * MERGE_MS ? "AMOUNTS" : "RESERVATIONS";
      const found = await this.#until(() => framework.offerLike(recorded, likeness), MERGE_MS);
      if (found !== undefined) return found;
      const isLittle = framework.offers.size > 0 && likeness === "RESERVATIONS";
      if (isLittle || framework.offers.size > 1) await this.#giveBack(framework);
      else if (framework.offers.size > 0) break;
    }
    const [largest] = framework.offers.values();
    return largest;
  }

  async #giveBack(framework: LiveFramework): Promise<void> {
    const ids = [...framework.offers.keys()];
    framework.offers.clear();
    const offer_ids = ids.map((value) => ({ value }));
    await this.#call(framework, {
      type: "DECLINE",
      decline: { offer_ids, filters: { refuse_seconds: 0 } },
    });
  }

  async #mapUuid(uuid: string): Promise<void> {
    if (this.#ids.get(uuid) !== undefined) return;
    const status = this.#recordedStatuses.get(uuid);
    if (status !== undefined) {
      const live = await this.#until(() => this.#liveStatus(status), EVENT_MS);
      if (live?.uuid !== undefined) this.#ids.set(uuid, live.uuid);
    }
    const operation = this.#recordedOperations.get(uuid);
    if (operation === undefined) return;
    const found = await this.#until(
      () =>
        this.#allFrameworks()
          .flatMap(({ operationStatuses }) => operationStatuses)
          .find((each) => each.operation_id?.value === operation && each.uuid !== undefined),
      EVENT_MS,
    );
    if (found?.uuid) this.#ids.set(uuid, found.uuid.value);
  }

  #liveStatus(recorded: LiveStatus): LiveStatus | undefined {
    return this.#allFrameworks()
      .flatMap(({ updates }) => updates)
      .findLast(
        (each) =>
          each.task_id.value === recorded.task_id.value &&
          each.state === recorded.state &&
          each.uuid !== undefined,
      );
  }

  #allFrameworks(): readonly LiveFramework[] {
    return [...new Set(this.#frameworks.values())];
  }

  /** Offers that a call has used are no longer there. */
  #spend(recording: Recording, sent: string): void {
    if (!/"type": ?"(?:ACCEPT|DECLINE)"/.test(recording.request.body)) return;
    for (const framework of this.#allFrameworks()) {
      for (const id of framework.offers.keys()) {
        if (sent.includes(`"${id}"`)) framework.offers.delete(id);
      }
    }
  }

  // ---- what the recorder did without recording it ----

  /** A call of the recorder's own, which nothing is compared with. */
  async #call(framework: LiveFramework, call: Record<string, unknown>): Promise<void> {
    const body = JSON.stringify({ framework_id: { value: framework.id }, ...call });
    await fetch(`http://127.0.0.1:${this.#cluster.port}/api/v1/scheduler`, {
      method: "POST",
      headers: { "Content-Type": "application/json", "Mesos-Stream-Id": framework.streamId },
      body,
    });
  }

  async #act(action: string, family: string): Promise<void> {
    const [, verb = "", what = ""] = /^(launch|hang up|wait) (.*)$/.exec(action) ?? [];
    if (verb === "wait") await sleep(Number(what) * 1_000);
    else if (verb === "hang up") {
      const stream = this.#streams.find(({ recording }) => recording.name === `${family}_${what}`);
      if (stream) await this.#hangUp(stream);
    } else if (verb === "launch") await this.#launch(what);
    else await this.#cluster.act(action);
  }

  async #launch(taskId: string): Promise<void> {
    const framework = [...this.#frameworks.values()].at(-1);
    if (framework === undefined) return;
    const offer = await this.#offerLike(framework, undefined);
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
    await this.#call(framework, {
      type: "ACCEPT",
      accept: {
        offer_ids: [offer.id],
        operations: [{ type: "LAUNCH", launch: { task_infos: [task] } }],
        filters: { refuse_seconds: 0 },
      },
    });
    await this.#until(
      () =>
        framework.updates.some(
          (each) => each.task_id.value === taskId && each.state === "TASK_RUNNING",
        ),
      EVENT_MS,
    );
  }

  /** A request of a family that the same program recorded, where this family has none. */
  async #twin(recording: Recording): Promise<void> {
    const framework = [...this.#frameworks.values()].at(-1);
    const { body } = recording.request;
    const isChange = /"type": ?"(?:ACCEPT|KILL|SHUTDOWN|RECONCILE|SUPPRESS|REVIVE|TEARDOWN)"/.test(
      body,
    );
    if (framework === undefined || !isChange || recording.answer?.head?.status !== 202) return;
    let text = body;
    for (const id of offerIdsIn(body)) {
      const offer = await this.#offerLike(framework, this.#recordedOffers.get(id));
      if (offer === undefined) return;
      framework.offers.delete(offer.id.value);
      text = text.replaceAll(id, offer.id.value);
    }
    text = text.replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}-S0/g, this.#cluster.agent.id);
    const call = JSON.parse(text) as Record<string, unknown>;
    await this.#call(framework, { ...call, framework_id: { value: framework.id } });
  }

  // ---- streams ----

  async #subscribed(stream: OpenStream): Promise<void> {
    const { recording, live } = stream;
    const isJson = headerOf(live.answer.head, "Content-Type") === "application/json";
    await this.#until(() => live.isClosed || live.answer.chunks.length > 0, EVENT_MS);
    const [recorded] = recording.answer === undefined ? [] : liveEvents(recording.answer);
    const [first] = isJson ? liveEvents(live.answer) : [];
    const recordedStreamId = headerOf(recording.answer?.head, "Mesos-Stream-Id");
    const streamId = headerOf(live.answer.head, "Mesos-Stream-Id");
    if (recordedStreamId !== undefined && streamId !== undefined) {
      this.#ids.set(recordedStreamId, streamId);
    }
    if (streamId === undefined) return;
    const id = isJson ? first?.subscribed?.framework_id?.value : await this.#newestFrameworkId();
    const recordedId = recorded?.subscribed?.framework_id?.value;
    if (id === undefined) return;
    if (recordedId !== undefined) {
      this.#ids.set(recordedId, id);
      this.#mapMaster(recordedId);
    }
    const framework = this.#frameworks.get(id) ?? new LiveFramework(id, streamId);
    framework.streamId = streamId;
    framework.offers.clear();
    // The newest one is the last one.
    this.#frameworks.delete(id);
    this.#frameworks.set(id, framework);
    stream.framework = framework;
    this.#takeEvents(stream);
  }

  /** Of a stream that this program cannot read. */
  async #newestFrameworkId(): Promise<string | undefined> {
    const known = this.#frameworks;
    return (await this.#liveFrameworks()).find(({ id }) => !known.has(id))?.id;
  }

  async #liveFrameworks(): Promise<readonly { id: string; connected: boolean }[]> {
    const response = await fetch(`http://127.0.0.1:${this.#cluster.port}/frameworks`);
    const { frameworks } = (await response.json()) as {
      frameworks: { id: string; connected: boolean }[];
    };
    return frameworks;
  }

  #mapMaster(frameworkId: string): void {
    const master = /^([0-9a-f-]{36})-\d+$/.exec(frameworkId)?.[1];
    if (master === undefined) return;
    this.#ids.set(master, this.#cluster.masterId);
    this.#ids.set(`${master}-S0`, this.#cluster.agent.id);
  }

  #takeEvents(stream: OpenStream): void {
    const { framework, recording } = stream;
    if (framework === undefined) return;
    const events = liveEvents(stream.live.answer);
    for (const event of events.slice(stream.taken)) {
      framework.take(event);
      void this.#acknowledge(framework, event, recording);
    }
    stream.taken = events.length;
  }

  /**
   * What the recorder acknowledged without recording it: what the recorded master did not repeat.
   */
  async #acknowledge(framework: LiveFramework, event: LiveEvent, stream: Recording): Promise<void> {
    const status = event.update?.status;
    if (status?.uuid === undefined) return;
    const isSame = (each: LiveStatus): boolean =>
      each.task_id.value === status.task_id.value && each.state === status.state;
    const isRecorded = [...this.#recordedStatuses].some(
      ([uuid, each]) =>
        isSame(each) &&
        this.#recordings.some(
          ({ family, request }) =>
            family === stream.family &&
            request.body.includes(uuid) &&
            request.body.includes('"ACKNOWLEDGE"'),
        ),
    );
    const times = (stream.answer === undefined ? [] : liveEvents(stream.answer)).filter(
      (each) => each.update?.status.uuid !== undefined && isSame(each.update.status),
    );
    if (isRecorded || times.length > 1) return;
    await this.#call(framework, {
      type: "ACKNOWLEDGE",
      acknowledge: { agent_id: status.agent_id, task_id: status.task_id, uuid: status.uuid },
    });
  }

  /** As long as the recorder looked, at most: until every kind of event has come. */
  async #lookAndHangUp(stream: OpenStream): Promise<void> {
    const { recording, live } = stream;
    const expected = recording.answer?.chunks.length ?? 0;
    await this.#until(() => live.isClosed || live.answer.chunks.length >= expected, EVENT_MS);
    await this.#hangUp(stream);
  }

  /**
   * Closes the connection and waits until the master knows. workerd tells it when it writes to the
   * stream the next time: so it is asked for an update that it has to write.
   */
  async #hangUp({ live, framework }: OpenStream): Promise<void> {
    live.socket.destroy();
    if (framework === undefined) return;
    await sleep(50);
    const tasks = [{ task_id: { value: "nobody-listens" } }];
    await this.#call(framework, { type: "RECONCILE", reconcile: { tasks } });
    const deadlineMs = performance.now() + HANG_UP_MS;
    while (performance.now() < deadlineMs) {
      const frameworks = await this.#liveFrameworks();
      if (!frameworks.some(({ id, connected }) => id === framework.id && connected)) return;
      await sleep(50);
    }
  }

  /**
   * What the recorded streams had said before this request was sent, the live ones have to say
   * first.
   */
  async #awaitEventsBefore(seconds: number, { family }: Recording): Promise<void> {
    for (const { recording, live } of this.#streams) {
      if (recording.family !== family || live.isClosed) continue;
      const start = streamStart(recording);
      for (const { afterSeconds, json } of recording.events ?? []) {
        if (start + afterSeconds > seconds) break;
        const event = JSON.parse(json) as LiveEvent;
        const sign = signOf(event);
        if (sign === undefined || this.#given.has(`${recording.name} ${sign}`)) continue;
        const came = await this.#until(
          () => live.isClosed || liveEvents(live.answer).some((each) => signOf(each) === sign),
          EVENT_MS,
        );
        this.#given.add(`${recording.name} ${sign}`);
        if (came === undefined) this.#say(`    (${recording.name}: ${sign} does not come)`);
      }
    }
  }

  /** Streams are judged when all has been said. */
  async #finish(): Promise<void> {
    await sleep(1_000);
    for (const { recording, live } of this.#streams) {
      this.#judge(recording, live.answer);
      live.socket.destroy();
    }
  }

  async #until<T>(look: () => T | undefined | false, withinMs: number): Promise<T | undefined> {
    const deadlineMs = performance.now() + withinMs;
    for (;;) {
      const value = look();
      if (value !== undefined && value !== false) return value;
      if (performance.now() > deadlineMs) return undefined;
      await sleep(10);
    }
  }
}

function eventsText({ events }: Recording): string {
  return (events ?? []).map(({ json }) => json).join("\n");
}

/** What an update is about; undefined for events whose moment is open. */
function signOf(event: LiveEvent): string | undefined {
  const status = event.update?.status;
  if (status) return `${status.task_id.value} ${status.state} ${status.reason ?? ""}`;
  const operation = event.update_operation_status?.status;
  if (operation) return `${operation.operation_id?.value} ${operation.state}`;
  return undefined;
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

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
import { frameworkIdsOf, isRead, type Replay, type Step, streamStart } from "./order.ts";
import { Recorder } from "./recorder.ts";
import type { Recording } from "./recording.ts";
import { sleep, until } from "./waiting.ts";

export interface Outcome {
  readonly recording: Recording;
  readonly differences: readonly Difference[];
}

const EVENT_MS = 4_000;

interface OpenStream {
  readonly recording: Recording;
  readonly live: LiveExchange;
  framework: LiveFramework | undefined;
  taken: number;
}

export class Replayer {
  readonly #cluster: LiveCluster;
  readonly #recorder: Recorder;
  readonly #recordings: readonly Recording[];
  readonly #ids = new LiveIds();
  readonly #streams: OpenStream[] = [];
  readonly #frameworks = new Map<string, LiveFramework>();
  readonly #outcomes: Outcome[] = [];
  readonly #say: (line: string) => void;
  #isReplayedFramework: (id: string) => boolean = () => true;
  /** The bodies of all requests so far. */
  #sent = "";
  /** Recorded events that never came; waited for once. */
  readonly #given = new Set<string>();
  readonly #recordedOffers = new Map<string, LiveOffer>();
  readonly #recordedStatuses = new Map<string, LiveStatus>();
  readonly #recordedOperations = new Map<string, string>();
  /** Acknowledgements on their way. */
  #acknowledging: Promise<unknown> = Promise.resolve();

  constructor(cluster: LiveCluster, recordings: readonly Recording[], say: (line: string) => void) {
    this.#cluster = cluster;
    this.#recorder = new Recorder(cluster.port);
    this.#recordings = recordings;
    this.#say = say;
    this.#readRecordedEvents();
  }

  static async run(
    replay: Replay,
    recordings: readonly Recording[],
    say: (line: string) => void,
  ): Promise<readonly Outcome[]> {
    const cluster = await LiveCluster.start(replay.families);
    try {
      const replayer = new Replayer(cluster, recordings, say);
      for (const step of replay.prelude) await replayer.#step(step);
      replayer.#endPrelude(replay);
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

  #endPrelude({ families, prelude }: Replay): void {
    this.#outcomes.length = 0;
    for (const { live } of this.#streams.splice(0)) live.socket.destroy();
    this.#given.clear();
    // Their tasks have the names of those that are to come.
    this.#frameworks.clear();
    const own = this.#recordings.filter(({ family }) => families.includes(family));
    const subscribed = new Set(own.flatMap(frameworkIdsOf));
    this.#isReplayedFramework = (id) => prelude.length > 0 || subscribed.has(id);
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
    const status = await this.#recorder.reserve(this.#cluster.agent.id, resources);
    if (status >= 400) this.#say(`    (the agent's resources cannot be reserved: ${status})`);
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
    this.#outcomes.push({
      recording,
      differences: compareAnswer(recording, answer, {
        framework: this.#isReplayedFramework,
        task: (id) => this.#sent.includes(JSON.stringify(id)),
      }),
    });
  }

  async #send(recording: Recording): Promise<LiveExchange> {
    const bytes = await this.#rewrite(recording);
    const { isStream } = recording;
    this.#sent += recording.request.body;
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
      const inverse = await until(() => framework.inverseOffers.at(-1), EVENT_MS);
      if (inverse !== undefined) this.#ids.set(recordedId, inverse.id.value);
      return;
    }
    const offer = await this.#recorder.offerLike(
      framework,
      this.#recordedOffers.get(recordedId),
      this.#allFrameworks(),
    );
    if (offer === undefined) this.#say(`    (no live offer stands for ${recordedId})`);
    else this.#ids.set(recordedId, offer.id.value);
  }

  async #mapUuid(uuid: string): Promise<void> {
    if (this.#ids.get(uuid) !== undefined) return;
    const status = this.#recordedStatuses.get(uuid);
    if (status !== undefined) {
      const live = await until(() => this.#liveStatus(status), EVENT_MS);
      if (live?.uuid !== undefined) this.#ids.set(uuid, live.uuid);
    }
    const operation = this.#recordedOperations.get(uuid);
    if (operation === undefined) return;
    const found = await until(
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

  async #act(action: string, family: string): Promise<void> {
    const [, verb = "", what = ""] = /^(launch|hang up|wait) (.*)$/.exec(action) ?? [];
    if (verb === "wait") await sleep(Number(what) * 1_000);
    else if (verb === "hang up") {
      const stream = this.#streams.find(({ recording }) => recording.name === `${family}_${what}`);
      // What is unacknowledged when a framework leaves is told it again when it returns.
      await this.#acknowledging;
      if (stream) await this.#recorder.hangUp(stream.live, stream.framework);
    } else if (verb === "launch") await this.#launchLast(what);
    else await this.#cluster.act(action);
  }

  async #launchLast(taskId: string): Promise<void> {
    const framework = [...this.#frameworks.values()].at(-1);
    if (framework === undefined) return;
    this.#sent += JSON.stringify(taskId);
    await this.#recorder.launch(framework, taskId);
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
    this.#sent += body;
    for (const id of offerIdsIn(body)) {
      const offer = await this.#recorder.offerLike(framework, this.#recordedOffers.get(id), []);
      if (offer === undefined) return;
      framework.offers.delete(offer.id.value);
      text = text.replaceAll(id, offer.id.value);
    }
    text = text.replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}-S0/g, this.#cluster.agent.id);
    const call = JSON.parse(text) as Record<string, unknown>;
    await this.#recorder.call(framework, { ...call, framework_id: { value: framework.id } });
  }

  // ---- streams ----

  async #subscribed(stream: OpenStream): Promise<void> {
    const { recording, live } = stream;
    const isJson = headerOf(live.answer.head, "Content-Type") === "application/json";
    await until(() => live.isClosed || live.answer.chunks.length > 0, EVENT_MS);
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
    return (await this.#recorder.frameworks()).find(({ id }) => !known.has(id))?.id;
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
      const call = this.#acknowledge(framework, event, recording);
      this.#acknowledging = Promise.all([this.#acknowledging, call]);
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
    await this.#recorder.call(framework, {
      type: "ACKNOWLEDGE",
      acknowledge: { agent_id: status.agent_id, task_id: status.task_id, uuid: status.uuid },
    });
  }

  /** As long as the recorder looked, at most: until every kind of event has come. */
  async #lookAndHangUp(stream: OpenStream): Promise<void> {
    const { recording, live } = stream;
    const expected = recording.answer?.chunks.length ?? 0;
    await until(() => live.isClosed || live.answer.chunks.length >= expected, EVENT_MS);
    await this.#recorder.hangUp(stream.live, stream.framework);
  }

  /**
   * What the recorded streams had said before this request was sent, the live ones have to say
   * first.
   */
  async #awaitEventsBefore(seconds: number, asking: Recording): Promise<void> {
    const { family } = asking;
    // What the request uses was said in the same millisecond, and so may be what it caused.
    const lastSeconds = isRead(asking) ? seconds : seconds - 0.001;
    for (const { recording, live } of this.#streams) {
      if (recording.family !== family || live.isClosed) continue;
      const start = streamStart(recording);
      for (const { afterSeconds, json } of recording.events ?? []) {
        if (start + afterSeconds > lastSeconds) break;
        const event = JSON.parse(json) as LiveEvent;
        const sign = signOf(event);
        if (sign === undefined || this.#given.has(`${recording.name} ${sign}`)) continue;
        const came = await until(
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

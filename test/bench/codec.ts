/**
 * The codec against what it is measured by: the platform's `JSON.parse` and @bufbuild/protobuf.
 * Both sides of a ratio take turns, so that a busy machine slows both down.
 */
import { toBinary } from "@bufbuild/protobuf";
import type * as mesos from "../../worker/protocol/v1/mesos.ts";
import type * as scheduler from "../../worker/protocol/v1/scheduler.ts";
import { decodeJson, encodeJson } from "../../worker/protocol/wire/json.ts";
import { keepEncoded } from "../../worker/protocol/wire/kept.ts";
import { encodeProtobuf } from "../../worker/protocol/wire/protobuf.ts";
import { oracleMessage, oracleSchema } from "../wire/protobuf-oracle.ts";
import { type Benchmark, type Figure, type Measured, median } from "./figure.ts";

const OFFERS = 1_000;
const TASKS = 20;
const CLUSTER = "4cd278c4-5dce-419c-8dc8-92ed61525092";

function times(name: string, budget: Figure["budget"]): Figure {
  return { name, unit: "times", budget };
}

const parse = times(`JSON decode of an ACCEPT with ${TASKS} tasks ÷ JSON.parse`, { atMost: 3 });
const parseExact = times("the same with 16-digit numbers in it", { atMost: 15 });
const binary = times(`@bufbuild/protobuf ÷ our encode of OFFERS with ${OFFERS} offers`, {
  atLeast: 2,
});
const binaryFirst = times("the same when nothing is kept of the agents yet", undefined);
const json: Figure = {
  name: `OFFERS with ${OFFERS} offers → bytes of JSON`,
  unit: "ms",
  budget: { atMost: 3 },
};
const protobuf: Figure = {
  ...json,
  name: `OFFERS with ${OFFERS} offers → bytes of protobuf`,
  budget: { atMost: 4 },
};

export const codec: Benchmark = {
  name: "codec",
  async measure(): Promise<readonly Measured[]> {
    const offersAgain = offersEvents();
    const first = offersEvent((_, value) => value);
    const schema = oracleSchema("mesos.v1.scheduler.Event");
    const theirs = oracleMessage(schema, first);
    const theirEncode = () => toBinary(schema, theirs);
    const encode = () => encodeProtobuf("mesos.v1.scheduler.Event", offersAgain());
    const encodeText = () => encodeJson("mesos.v1.scheduler.Event", offersAgain());
    const text = new TextEncoder();
    return [
      { figure: parse, samples: ratios(...parsing(accept(undefined))) },
      { figure: parseExact, samples: ratios(...parsing(accept(1_234_567_890_123_456n))) },
      { figure: binary, samples: ratios(theirEncode, encode) },
      {
        figure: binaryFirst,
        samples: ratios(theirEncode, () => encodeProtobuf("mesos.v1.scheduler.Event", first)),
      },
      { figure: json, samples: durationsMs(() => text.encode(encodeText())) },
      { figure: protobuf, samples: durationsMs(encode) },
    ];
  },
};

type Work = () => unknown;

/** Ours first: how many times as long as the platform's it takes. */
function parsing(call: scheduler.Call): readonly [Work, Work] {
  const text = encodeJson("mesos.v1.scheduler.Call", call);
  return [() => decodeJson("mesos.v1.scheduler.Call", text), () => JSON.parse(text)];
}

/** Each sample: the median of the one over the median of the other, taken in turns. */
function ratios(one: Work, other: Work): readonly number[] {
  for (let n = 0; n < 50; n++) [one(), other()];
  return Array.from({ length: 7 }, () => {
    const [ones, others]: [number[], number[]] = [[], []];
    for (let n = 0; n < 15; n++) {
      ones.push(batchMs(one));
      others.push(batchMs(other));
    }
    return median(ones) / median(others);
  });
}

function durationsMs(work: Work): readonly number[] {
  for (let n = 0; n < 50; n++) work();
  return Array.from({ length: 50 }, () => elapsedMs(work));
}

/** Ten in a row, because one may be too short for the clock. */
function batchMs(work: Work): number {
  return elapsedMs(() => {
    for (let n = 0; n < 10; n++) work();
  });
}

function elapsedMs(work: Work): number {
  const startMs = performance.now();
  work();
  return performance.now() - startMs;
}

/** Events about the same agents: their parts are kept, the ids of the offers are new each time. */
function offersEvents(): () => scheduler.Event {
  const { offers } = offersEvent((field, value) => keepEncoded("mesos.v1.Offer", field, value));
  let event = 0;
  return () => {
    event++;
    const again = (offers?.offers ?? []).map((offer, n) => ({
      ...offer,
      id: { value: `${CLUSTER}-O${event * OFFERS + n}` },
      allocation_info: { role: "web" },
    }));
    return { type: "OFFERS", offers: { offers: again } };
  };
}

type AgentField = "framework_id" | "agent_id" | "url" | "resources" | "attributes";
type Keep = <F extends AgentField>(
  field: F,
  value: mesos.Offer[F] & object,
) => mesos.Offer[F] & object;

function offersEvent(keep: Keep): scheduler.Event {
  const framework_id = keep("framework_id", { value: `${CLUSTER}-0005` });
  const offers = Array.from({ length: OFFERS }, (_, n): mesos.Offer => {
    const hostname = `agent-${n}.example.org`;
    const address = { hostname, ip: "10.0.0.1", port: 5051 };
    return {
      id: { value: `${CLUSTER}-O${n}` },
      framework_id,
      agent_id: keep("agent_id", { value: `${CLUSTER}-S${n}` }),
      hostname,
      url: keep("url", { scheme: "http", address, path: "/slave(1)" }),
      resources: keep("resources", resources(n)),
      attributes: keep("attributes", [
        { name: "rack", type: "TEXT", text: { value: `r${n % 40}` } },
        { name: "zone", type: "TEXT", text: { value: "z1" } },
      ]),
      allocation_info: { role: "web" },
    };
  });
  return { type: "OFFERS", offers: { offers } };
}

function resources(n: number): readonly mesos.Resource[] {
  const common = { role: "*", allocation_info: { role: "web" } };
  const range = [{ begin: 31_000n, end: 32_000n }];
  return [
    { name: "ports", type: "RANGES", ranges: { range }, ...common },
    { name: "cpus", type: "SCALAR", scalar: { value: 4 + (n % 60) / 10 }, ...common },
    { name: "mem", type: "SCALAR", scalar: { value: 4_096 + n }, ...common },
    { name: "disk", type: "SCALAR", scalar: { value: 100_000 }, ...common },
  ];
}

/** `nanoseconds`: an integer that a double does not surely keep, in every task. */
function accept(nanoseconds: bigint | undefined): scheduler.Call {
  const common = { allocation_info: { role: "web" } };
  const tasks = Array.from(
    { length: TASKS },
    (_, n): mesos.TaskInfo => ({
      name: `task-${n}`,
      task_id: { value: `web.task-${n}.${CLUSTER}` },
      agent_id: { value: `${CLUSTER}-S0` },
      resources: [
        { name: "cpus", type: "SCALAR", scalar: { value: 0.1 }, ...common },
        { name: "mem", type: "SCALAR", scalar: { value: 32 }, ...common },
      ],
      command: {
        value: "exec /usr/bin/server --port $PORT0 && echo done",
        environment: { variables: [{ name: "PORT0", value: `${31_000 + n}` }] },
      },
      labels: { labels: [{ key: "app", value: "web" }] },
      ...(nanoseconds !== undefined && { kill_policy: { grace_period: { nanoseconds } } }),
    }),
  );
  return {
    type: "ACCEPT",
    framework_id: { value: `${CLUSTER}-0005` },
    accept: {
      offer_ids: [{ value: `${CLUSTER}-O1` }],
      operations: [{ type: "LAUNCH", launch: { task_infos: tasks } }],
      filters: { refuse_seconds: 5 },
    },
  };
}

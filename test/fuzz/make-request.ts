/** Random requests: to every route there is, to paths there are not, with every kind of body. */
import { type MessageName, messageRows } from "../../worker/protocol/descriptors.ts";
import type { MessageEncoding } from "../../worker/protocol/wire/encoding.ts";
import { encodeJson } from "../../worker/protocol/wire/json.ts";
import { encodeProtobuf } from "../../worker/protocol/wire/protobuf.ts";
import type { Dice } from "./dice.ts";
import type { Knowledge } from "./knowledge.ts";
import { type Fields, MessageMaker } from "./make-message.ts";
import { mutateBytes, mutateJson } from "./mutate.ts";
import type { FuzzRequest } from "./request.ts";

/** What a request says, without what the runner adds. */
export type Said = Omit<FuzzRequest, "seed" | "advanceMs">;

/** What the front door of the same machine proves itself with; no secret here. */
export const FRONT_DOOR_KEY = "key";

export interface NamedCall {
  readonly path: string;
  /** Full name of the message. */
  readonly name: string;
  readonly message: Fields;
  readonly streamId?: string | undefined;
}

/** The messages that routes take; any other route gets any message. */
const messageOf: Readonly<Record<string, string>> = {
  "/api/v1/scheduler/*": "mesos.v1.scheduler.Call",
  "/api/v1/*": "mesos.v1.master.Call",
  "/agent/:agent/api/v1/*": "mesos.v1.agent.Call",
  "/why/*": "rimrock.operator.Why",
  "/what-if/*": "rimrock.operator.WhatIf",
  "/agent-link/v1/register": "rimrock.link.RegisterRequest",
  "/agent-link/v1/relay/:relay/poll": "rimrock.link.PollRequest",
  "/agent-link/v1/relay/:relay/report": "rimrock.link.ReportRequest",
  "/agent-link/v1/relay/:relay/call-reply": "rimrock.link.CallReply",
};

/** What JSON bodies and parameters of endpoints are made of. */
const BODIES = [
  ...["mesos.v1.Resource", "mesos.v1.Resource", "mesos.v1.WeightInfo", "mesos.v1.MachineID"],
  ...["mesos.v1.quota.QuotaRequest", "mesos.v1.maintenance.Schedule", "mesos.v1.quota.QuotaInfo"],
];

const METHODS = ["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "get", "PROPFIND"];

/** Parameters of queries and forms that some endpoint of Mesos knows. */
const PARAMETERS = [
  ...[
    "framework",
    "agent",
    "frameworkId",
    "slaveId",
    "agentId",
    "resources",
    "volumes",
    "principal",
    "role",
    "hosts",
  ],
  ...[
    "jsonp",
    "limit",
    "offset",
    "order",
    "task_id",
    "framework_id",
    "slave_id",
    "level",
    "duration",
  ],
  ...["timeout", "path", "length", "machines", "force", "guarantee", "__proto__", "toString", ""],
];

const PARAMETER_VALUES = [
  ...[
    "",
    "0",
    "-1",
    "1",
    "1e9",
    "1e999",
    "NaN",
    "9".repeat(30),
    "asc",
    "desc",
    "true",
    "null",
    "*",
  ],
  ...[
    "[]",
    "{}",
    "[{}]",
    "callback",
    "a.b[0]",
    "alert(1)//",
    "__proto__",
    "5secs",
    "1ns",
    "-3weeks",
  ],
  ...["\u0000", "\u{1f600}", "x".repeat(3_000), "a b+c&d=e%20f", "../../etc/passwd", "/master/log"],
];

const PATHS = [
  ...[
    "/",
    "//",
    "/..",
    "/.",
    "/%00",
    "/%2e%2e/state",
    "/%",
    "/%zz",
    "/%ff",
    "/\u{1f600}",
    "/a b",
    "/?",
  ],
  ...[
    "/master",
    "/master/",
    "/master//state",
    "/master/master/state",
    "/state/",
    "/state//x",
    "/STATE",
  ],
  ...[
    "/__proto__",
    "/constructor",
    "/api",
    "/api/v1/",
    "/api/v1/scheduler/x/y",
    "/api/v2",
    "/agent",
  ],
  ...["/agent//api/v1", "/agent/%2f/api/v1", "/agent-link", "/agent-link/v1/relay/relay-0/poll"],
  ...["/agent-link/v1/relay/relay-999999/poll", "/agent-link/v1/relay/relay-1/", "/teardown/x"],
  ...[
    "/slave(1)/state",
    "/metrics/snapshot/x",
    "/metrics",
    "/redirect/x",
    "/health?x=%",
    `/${"a/".repeat(500)}`,
  ],
];

const HEADER_VALUES = [
  ...[
    "",
    " ",
    "a",
    "application/json",
    "*/*",
    "\u00ff\u00fe",
    "x".repeat(5_000),
    ",,,",
    ";;q=1",
    "-1",
  ],
  ...["application/json;charset=utf-8", "APPLICATION/JSON", "text/html", "application/recordio"],
  ...[
    "application/x-protobuf",
    "application/json;q=0",
    "*/*;q=0.0",
    "application/*;q=1e999",
    "q=0;*/*",
  ],
];

const HEADERS = [
  "Accept",
  "Content-Type",
  "Mesos-Stream-Id",
  "Authorization",
  "Content-Length",
  "Message-Accept",
  "X",
];

export class RequestMaker {
  readonly #dice: Dice;
  readonly #knowledge: Knowledge;
  readonly #routes: readonly string[];
  readonly #messages: MessageMaker;

  constructor(dice: Dice, knowledge: Knowledge, routes: readonly string[]) {
    this.#dice = dice;
    this.#knowledge = knowledge;
    this.#routes = routes;
    this.#messages = new MessageMaker(dice, knowledge);
  }

  any(): Said {
    const dice = this.#dice;
    const route = dice.chance(0.6) ? this.#apiRoute() : (dice.pick(this.#routes) ?? "/");
    const path = dice.chance(0.04) ? (dice.pick(PATHS) ?? "/") : this.#pathOf(route);
    const name = dice.chance(0.97) ? messageOf[route] : undefined;
    const said = name === undefined ? this.#form(path) : this.call(path, name);
    return dice.chance(0.1) ? this.#withOddHead(said) : said;
  }

  /** A call with a random message, most often as it should be sent. */
  call(path: string, name: string): Said {
    const message = this.#messages.message(name);
    const isStreamless = name !== "mesos.v1.scheduler.Call" || message.type === "SUBSCRIBE";
    const streamId = isStreamless ? undefined : this.#streamOf(message);
    return this.encoded({ path, name, message, streamId }, { isMutated: this.#dice.chance(0.5) });
  }

  /** A POST of a message. */
  encoded(call: NamedCall, { isMutated }: { readonly isMutated: boolean }): Said {
    const dice = this.#dice;
    const { path, name, message, streamId } = call;
    // Agents speak JSON only.
    const isJson = dice.chance(name.startsWith("mesos.v1.agent") || isLink(name) ? 0.97 : 0.6);
    const encoding = isJson ? "application/json" : "application/x-protobuf";
    const headers: (readonly [string, string])[] = [["Content-Type", encoding]];
    if (streamId !== undefined) headers.push(["Mesos-Stream-Id", streamId]);
    if (dice.chance(0.2)) headers.push(["Accept", "application/x-protobuf"]);
    const body = this.#body(name, message, encoding, isMutated);
    return { method: "POST", path, headers, body, isChunked: dice.chance(0.2) };
  }

  #body(name: string, message: object, encoding: MessageEncoding, isMutated: boolean): Uint8Array {
    const dice = this.#dice;
    // The maker of messages goes by the same descriptors as the encoders.
    const known = name as MessageName;
    if (encoding === "application/x-protobuf") {
      const bytes = encodeProtobuf(known, message as never);
      return isMutated ? mutateBytes(dice, bytes) : bytes;
    }
    const text = encodeJson(known, message as never);
    if (!isMutated) return new TextEncoder().encode(text);
    const bytes = new TextEncoder().encode(mutateJson(dice, text));
    return dice.chance(0.1) ? mutateBytes(dice, bytes) : bytes;
  }

  /** Most often that of the framework that the call names. */
  #streamOf(message: Fields): string | undefined {
    const { streamIds, streamOf } = this.#knowledge;
    const id = message.framework_id;
    const value = typeof id === "object" && id !== null && "value" in id ? String(id.value) : "";
    const own = streamOf.get(value);
    return own !== undefined && this.#dice.chance(0.9) ? own : this.#dice.pick(streamIds);
  }

  #apiRoute(): string {
    const routes = Object.keys(messageOf).filter((route) => this.#routes.includes(route));
    return this.#dice.chance(0.7)
      ? (this.#dice.pick(routes.slice(0, 2)) ?? "/")
      : (this.#dice.pick(routes) ?? "/");
  }

  #pathOf(route: string): string {
    const dice = this.#dice;
    const { ids, relayIds } = this.#knowledge;
    const agentId = dice.pick(ids.get("mesos.v1.AgentID") ?? []) ?? "nobody";
    const relayId = dice.pick(relayIds) ?? "relay-1";
    const prefix = dice.chance(0.1) ? "/master" : "";
    const rest = dice.chance(0.1) ? "/x" : "";
    return (
      prefix +
      route
        .replace(":agent", () => (dice.chance(0.9) ? encodeURIComponent(agentId) : "%00"))
        .replace(":relay", () => (dice.chance(0.9) ? relayId : "relay-%00"))
        .replace("/*", rest)
    );
  }

  /** A document with a query, a form, or a JSON body that some endpoint may take. */
  #form(path: string): Said {
    const dice = this.#dice;
    const isJson = dice.chance(0.15);
    const method = dice.chance(0.5) ? "GET" : isJson || dice.chance(0.8) ? "POST" : this.#method();
    const query = dice.chance(0.6) ? `?${this.#parameters()}` : "";
    if (method === "GET") return { method, path: path + query, headers: [], isChunked: false };
    const text = isJson ? this.#jsonText() : this.#parameters();
    const type = isJson ? "application/json" : "application/x-www-form-urlencoded";
    const bytes = new TextEncoder().encode(text);
    const headers: (readonly [string, string])[] = [["Content-Type", type]];
    if (path.startsWith("/front-door/")) {
      headers.push(["Rimrock-Front-Door", FRONT_DOOR_KEY]);
      headers.push(["Mesos-Stream-Id", dice.pick(this.#knowledge.streamIds) ?? ""]);
    }
    return {
      method,
      path: dice.chance(0.2) ? path + query : path,
      headers,
      body: dice.chance(0.2) ? mutateBytes(dice, bytes) : bytes,
      isChunked: dice.chance(0.2),
    };
  }

  #parameters(): string {
    const dice = this.#dice;
    const { ids } = this.#knowledge;
    const one = (): string => {
      const name = dice.pick(PARAMETERS) ?? "";
      const known = name.endsWith("Id") || name.endsWith("_id");
      const id = dice.pick([...ids.values()].flat());
      if (known && id !== undefined && dice.chance(0.7)) return `${name}=${encodeURIComponent(id)}`;
      const value = dice.chance(0.4) ? this.#jsonText() : (dice.pick(PARAMETER_VALUES) ?? "");
      return `${escaped(name)}=${dice.chance(0.9) ? escaped(value) : value}`;
    };
    if (dice.chance(0.3)) return this.#wholeForm();
    return Array.from({ length: 1 + dice.below(3) }, one).join("&");
  }

  /** The fields that Mesos' forms need, all at once. */
  #wholeForm(): string {
    const dice = this.#dice;
    const id = (name: string): string => dice.pick(this.#knowledge.ids.get(name) ?? []) ?? "";
    const resources = JSON.stringify(
      Array.from({ length: 1 + dice.below(2) }, () =>
        JSON.parse(encodeJson("mesos.v1.Resource", this.#messages.plainResource() as never)),
      ),
    );
    const form = new URLSearchParams({ resources, volumes: resources, role: "dev" });
    form.set("slaveId", id("mesos.v1.AgentID"));
    form.set("frameworkId", id("mesos.v1.FrameworkID"));
    return form.toString();
  }

  /** Resources most often, else any message at all; one or a list. */
  #jsonText(): string {
    const dice = this.#dice;
    const names = Object.keys(messageRows).filter((name) => !name.endsWith("Entry"));
    const likely = dice.chance(0.7) ? dice.pick(BODIES) : undefined;
    const name = likely ?? dice.pick(names) ?? "";
    const text = encodeJson(name as MessageName, this.#messages.message(name, 3) as never);
    const json = dice.chance(0.5) ? text : `[${text}]`;
    return dice.chance(0.3) ? mutateJson(dice, json) : json;
  }

  #withOddHead(said: Said): Said {
    const dice = this.#dice;
    if (dice.chance(0.3)) return { ...said, method: this.#method() };
    const value = dice.pick(HEADER_VALUES) ?? "";
    const header = [dice.pick(HEADERS) ?? "X", value] as const;
    const kept = dice.chance(0.5)
      ? said.headers
      : said.headers.filter(([name]) => name !== header[0]);
    return { ...said, headers: [...kept, header] };
  }

  #method(): string {
    return this.#dice.pick(METHODS) ?? "GET";
  }
}

function isLink(name: string): boolean {
  return name.startsWith("rimrock.link.");
}

/** For a URL, which cannot carry half a surrogate pair. */
function escaped(text: string): string {
  return encodeURIComponent(Buffer.from(text).toString());
}

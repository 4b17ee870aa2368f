/**
 * Rimrock's own calls over HTTP: a path for each of them, JSON in and out. They stand beside Mesos'
 * endpoints and take no name of theirs.
 *
 * A question may come as parameters (`GET /why?framework=web`) or as a message in a body; what has
 * parts of its own comes as a body.
 */
import type { Hono } from "hono";
import { type OwnFacts, ownCalls } from "../../core/operator/own/index.ts";
import type { MessageName, Messages } from "../../protocol/descriptors.ts";
import type * as own from "../../protocol/own/operator.ts";
import { encodeJson } from "../../protocol/wire/json.ts";
import { unreachable } from "../../std/assert.ts";
import { nearest } from "../../std/nearest.ts";
import { err, ok, type Result } from "../../std/result.ts";
import { readMessage } from "../body.ts";
import type { EdgeContext, EdgeEnv } from "../context.ts";
import {
  badBody,
  failedTurn,
  invalidParameter,
  jsonAnswer,
  methodNotAllowed,
  refusedCall,
  tooManyReads,
  unknownParameter,
} from "../respond.ts";
import { whatIfInWords, whyInWords } from "../why-sentences.ts";
import { appliedAnswer } from "./operator.ts";

type Asked = Result<own.Call, Response>;

/** By path, then by method: the call that a request is. */
const paths: Readonly<
  Record<string, Readonly<Record<string, (context: EdgeContext) => Promise<Asked>>>>
> = {
  "/why": {
    GET: async (context) => {
      const question = parameters(context, ["framework", "role", "agent", "resources"]);
      return question.ok ? ok({ type: "WHY", why: question.value }) : question;
    },
    POST: async (context) => {
      const body = await bodyOf(context, "rimrock.operator.Why");
      return body.ok ? ok({ type: "WHY", why: body.value }) : body;
    },
  },
  "/what-if": {
    POST: async (context) => {
      const body = await bodyOf(context, "rimrock.operator.WhatIf");
      return body.ok ? ok({ type: "WHAT_IF", what_if: body.value }) : body;
    },
  },
  "/policy": {
    GET: plain("GET_POLICY"),
    PUT: async (context) => {
      const body = await bodyOf(context, "rimrock.operator.SetPolicy");
      return body.ok ? ok({ type: "SET_POLICY", set_policy: body.value }) : body;
    },
  },
  "/priorities": {
    GET: plain("GET_PRIORITIES"),
    PUT: async (context) => {
      const body = await bodyOf(context, "rimrock.operator.Priorities");
      return body.ok ? ok({ type: "SET_PRIORITIES", set_priorities: body.value }) : body;
    },
  },
  "/audit": { GET: async (context) => auditCall(context) },
};

export function addOwnRoutes(app: Hono<EdgeEnv>): void {
  for (const [path, byMethod] of Object.entries(paths)) {
    const methods = new Map(Object.entries(byMethod));
    const allowed = [...methods.keys()].join(", ");
    app.all(`${path}/*`, async (context) => {
      const { method } = context.req.raw;
      const read = methods.get(method === "HEAD" ? "GET" : method);
      if (read === undefined) return methodNotAllowed(method, allowed);
      const call = await read(context);
      if (!call.ok) return call.error;
      const isChange = ownCalls[call.value.type].kind === "CHANGE";
      return isChange ? change(context, call.value) : ask(context, call.value);
    });
  }
}

async function change(context: EdgeContext, call: own.Call): Promise<Response> {
  const { master } = context.get("cluster");
  return appliedAnswer(await master.apply(context.get("principal"), { type: "OWN_CALL", call }));
}

async function ask(context: EdgeContext, call: own.Call): Promise<Response> {
  const { master } = context.get("cluster");
  const answered = await master.ask(context.get("principal"), call);
  switch (answered.type) {
    case "ANSWERED":
      return jsonAnswer(answerText(answered.answer));
    case "REFUSED":
      return refusedCall(answered.error);
    case "BUSY":
      return tooManyReads();
    case "FAILED":
      return failedTurn();
    default:
      return unreachable(answered);
  }
}

/** The part of the answer that goes by its call's name. */
function answerText({ why, what_if, policy, priorities, audit }: OwnFacts): string {
  if (why !== undefined) return encodeJson("rimrock.operator.WhyAnswer", whyInWords(why));
  if (what_if !== undefined)
    return encodeJson("rimrock.operator.WhatIfAnswer", whatIfInWords(what_if));
  if (policy !== undefined) return encodeJson("rimrock.operator.Policy", policy);
  if (priorities !== undefined) return encodeJson("rimrock.operator.Priorities", priorities);
  if (audit !== undefined) return encodeJson("rimrock.operator.Audit", audit);
  return "{}";
}

/** `GET /audit?limit=20&before=1234` */
function auditCall(context: EdgeContext): Asked {
  const given = parameters(context, ["limit", "before"]);
  if (!given.ok) return given;
  for (const [name, text] of Object.entries(given.value)) {
    if (!/^\d{1,9}$/.test(text)) return err(invalidParameter(name, { text, wanted: "a number" }));
  }
  const { limit, before } = given.value;
  const get_audit = {
    ...(limit !== undefined && { limit: Number(limit) }),
    ...(before !== undefined && { before: BigInt(before) }),
  };
  return ok({ type: "GET_AUDIT", get_audit });
}

/** A question without parameters. */
function plain(type: own.CallType): (context: EdgeContext) => Promise<Asked> {
  return async (context) => {
    const none = parameters(context, []);
    return none.ok ? ok({ type }) : none;
  };
}

/** The request's parameters, of which there are no others. */
function parameters<K extends string>(
  context: EdgeContext,
  known: readonly K[],
): Result<{ readonly [P in K]?: string }, Response> {
  const given = Object.entries(context.req.query());
  const values: { [P in K]?: string } = {};
  for (const [name, value] of given) {
    const parameter = known.find((one) => one === name);
    if (parameter === undefined) {
      return err(unknownParameter(name, { known, meant: nearest(name, known) }));
    }
    if (value !== "") values[parameter] = value;
  }
  return ok(values);
}

async function bodyOf<N extends MessageName>(
  context: EdgeContext,
  name: N,
): Promise<Result<Messages[N], Response>> {
  const body = await readMessage(context.req.raw, name, "application/json");
  return body.ok ? ok(body.value.message) : err(badBody(body.error));
}

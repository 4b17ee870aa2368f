/**
 * The agent's side of the link: registers, polls, reports, answers calls. Transport only: what is
 * said comes from the core as effects, what is heard goes to the core as inputs.
 *
 * 1. At most one registration or poll is under way. 2. What belongs to an earlier registration is
 * dropped (`#life`). 3. A failed registration or poll is repeated here; a failed report is the
 * core's to repeat.
 */

import type { MessageName, Messages } from "../../worker/protocol/descriptors.ts";
import type { AgentId } from "../../worker/protocol/ids.ts";
import { ANSWER_JSON } from "../../worker/protocol/limits.ts";
import type * as link from "../../worker/protocol/link/messages.ts";
import {
  decodeJson,
  decodeJsonWithin,
  describeDecodeError,
  encodeJson,
} from "../../worker/protocol/wire/json.ts";
import { assert } from "../../worker/std/assert.ts";
import { err, ok, type Result } from "../../worker/std/result.ts";
import type { Effect } from "../core/effect.ts";
import type { Input } from "../core/input.ts";
import type { Outward } from "../outward/outward.ts";
import { backoffMs } from "./backoff.ts";
import { createPoster, type Poster } from "./http-post.ts";
import type { CallPort, Unheard } from "./linked-call.ts";
import type { Log } from "./log.ts";

/** Beyond the longest time that a relay holds a poll (25 s). */
const REQUEST_TIMEOUT_MS = 30_000;
/** Below the time after which a relay gives up a call of whose agent it hears nothing (30 s). */
const CALL_REPLY_TIMEOUT_MS = 20_000;
const BACKOFF_CAP_MS = 60_000;
/** A master on this machine is back within a second or was stopped by its owner. */
const LOOPBACK_BACKOFF_CAP_MS = 2_000;

export interface MasterLinkOptions {
  readonly master: URL;
  readonly sessionId: string;
  readonly registerRequest: () => link.RegisterRequest;
  readonly outward: Outward;
  readonly submit: (input: Input) => void;
  readonly log: Log;
}

/** What goes into one report. */
export type Report = Omit<Effect & { readonly type: "REPORT" }, "type">;

interface Sent<M> {
  readonly path: string;
  readonly message: M;
  readonly timeoutMs?: number;
}

interface Registration {
  readonly agentId: string;
  readonly relayId: string;
}

type LinkError =
  | { readonly code: "REGISTER_AGAIN" }
  /** To a registration: this agent may never come back. */
  | { readonly code: "GONE"; readonly message: string }
  /**
   * No answer, or one that a later attempt may better. `why`: for the log, continues "no word from
   * the master".
   */
  | { readonly code: "FAILED"; readonly why: string }
  /** The request itself is refused. */
  | { readonly code: "REFUSED"; readonly why: string };

export class MasterLink {
  readonly #options: MasterLinkOptions;
  readonly #poster: Poster;
  readonly #backoffCapMs: number;
  /** Counts registrations and the end: work of an older life is dropped. */
  #life = 0;
  #registration: Registration | undefined;
  #pollNumber = 0;
  #abort = new AbortController();
  /** Why the master is away; undefined = it is there. */
  #trouble: string | undefined;
  #everRegistered = false;
  /**
   * Polls refused in a row: a relay that does not know this agent's path is cured by registering,
   * not by asking on.
   */
  #refusedPolls = 0;

  constructor(options: MasterLinkOptions) {
    this.#options = options;
    this.#poster = createPoster(options.master, options.outward);
    const loopback = /^(localhost|127\..*|\[::1\])$/.test(options.master.hostname);
    this.#backoffCapMs = loopback ? LOOPBACK_BACKOFF_CAP_MS : BACKOFF_CAP_MS;
  }

  register(): void {
    const life = this.#newLife();
    void this.#repeat(life, async () => {
      const sent = await this.#send(
        "rimrock.link.RegisterRequest",
        "rimrock.link.RegisterResponse",
        {
          path: "/agent-link/v1/register",
          message: this.#options.registerRequest(),
        },
      );
      if (life !== this.#life) return sent;
      if (!sent.ok) {
        const senseless = sent.error.code === "REGISTER_AGAIN";
        return senseless ? failed("it answers REGISTER_AGAIN to a registration") : sent;
      }
      const { agent_id, relay_id } = sent.value;
      this.#registration = { agentId: agent_id.value, relayId: relay_id };
      if (!this.#everRegistered) {
        this.#trouble = undefined;
        this.#everRegistered = true;
        this.#options.log(`registered as ${agent_id.value} at ${this.#options.master}`);
      }
      // The one place where an agent id comes from the wire.
      this.#options.submit({ type: "REGISTERED", agentId: agent_id.value as AgentId });
      return sent;
    });
  }

  /** Polls until there is an answer to hand over. */
  poll(acknowledgedCommand: bigint): void {
    const life = this.#life;
    void this.#repeat(life, async () => {
      const registration = this.#registration;
      assert(registration !== undefined, "polls come after registration");
      const sent = await this.#send("rimrock.link.PollRequest", "rimrock.link.PollResponse", {
        path: this.#relayPath(registration, "poll"),
        message: {
          ...this.#sender(registration),
          poll_number: ++this.#pollNumber,
          acknowledged_command: acknowledgedCommand,
        },
      });
      if (life !== this.#life) return sent;
      if (sent.ok) {
        this.#refusedPolls = 0;
        this.#options.submit({ type: "COMMANDS", commands: sent.value.commands ?? [] });
      } else if (sent.error.code === "REFUSED") {
        this.#heard(sent);
        const waitMs = backoffMs(++this.#refusedPolls, this.#backoffCapMs, Math.random());
        await pause(waitMs, this.#abort.signal);
        return err({ code: "REGISTER_AGAIN" });
      }
      return sent;
    });
  }

  async report({ reportNumber, updates, executorExits, executorMessages }: Report): Promise<void> {
    const life = this.#life;
    const registration = this.#registration;
    assert(registration !== undefined, "reports come after registration");
    const sent = await this.#send("rimrock.link.ReportRequest", "rimrock.link.ReportResponse", {
      path: this.#relayPath(registration, "report"),
      message: {
        ...this.#sender(registration),
        report_number: reportNumber,
        updates,
        executor_exits: executorExits,
        ...(executorMessages.length > 0 && { executor_messages: executorMessages }),
      },
    });
    if (life !== this.#life) return;
    this.#heard(sent);
    this.#options.submit({ type: sent.ok ? "REPORT_DONE" : "REPORT_FAILED", reportNumber });
    if (!sent.ok && sent.error.code === "REGISTER_AGAIN")
      this.#options.submit({ type: "REGISTER_AGAIN" });
  }

  /** What one call of the agent's API has of the link; it ends with this registration. */
  callPort(callId: string): CallPort {
    const life = this.#life;
    const registration = this.#registration;
    if (registration === undefined) return closedPort;
    const sender = { ...this.#sender(registration), call_id: callId };
    const sent = async <T>(
      send: () => Promise<Result<T, LinkError>>,
    ): Promise<Result<T, Unheard>> => {
      if (life !== this.#life) return err({ type: "GONE" });
      const answer = await send();
      if (answer.ok) return answer;
      return err({ type: answer.error.code === "FAILED" ? "AGAIN" : "GONE" });
    };
    return {
      reply: async (piece) => {
        const taken = await sent(() =>
          this.#send("rimrock.link.CallReply", "rimrock.link.ReportResponse", {
            path: this.#relayPath(registration, "call-reply"),
            message: { ...sender, ...piece },
            timeoutMs: CALL_REPLY_TIMEOUT_MS,
          }),
        );
        return taken.ok ? { type: "TAKEN" } : taken.error;
      },
      input: async (sequence) => {
        const heard = await sent(() =>
          this.#send("rimrock.link.CallInputRequest", "rimrock.link.CallInputResponse", {
            path: this.#relayPath(registration, "call-input"),
            message: { ...sender, sequence },
          }),
        );
        return heard.ok ? { type: "HEARD", ...heard.value } : heard.error;
      },
    };
  }

  close(): void {
    this.#newLife();
    this.#poster.close();
  }

  #newLife(): number {
    this.#abort.abort();
    this.#abort = new AbortController();
    this.#registration = undefined;
    return ++this.#life;
  }

  /** Tries until it succeeds, the session has ended, or this life has. */
  async #repeat(life: number, attempt: () => Promise<Result<unknown, LinkError>>): Promise<void> {
    for (let failures = 1; ; failures++) {
      const sent = await attempt();
      if (life !== this.#life) return;
      this.#heard(sent);
      if (sent.ok) return;
      if (sent.error.code === "REGISTER_AGAIN") {
        this.#options.submit({ type: "REGISTER_AGAIN" });
        return;
      }
      if (sent.error.code === "GONE") {
        this.#options.submit({ type: "GONE", message: sent.error.message });
        return;
      }
      await pause(backoffMs(failures, this.#backoffCapMs, Math.random()), this.#abort.signal);
      if (life !== this.#life) return;
    }
  }

  /** One line when the master goes, one when it is back, and one for each new reason in between. */
  #heard(sent: Result<unknown, LinkError>): void {
    const { log, master } = this.#options;
    const error = sent.ok ? undefined : sent.error;
    if (error === undefined || !("why" in error)) {
      // A registration between two refused polls is not yet the end of the trouble.
      if (this.#refusedPolls > 0) return;
      if (this.#trouble !== undefined && this.#everRegistered)
        log(`the master at ${master} answers again`);
      this.#trouble = undefined;
    } else if (this.#trouble !== error.why) {
      if (this.#trouble === undefined || error.code === "REFUSED") {
        log(`no word from the master at ${master}: ${error.why}; tasks keep running, still trying`);
      }
      this.#trouble = error.why;
    }
  }

  async #send<Q extends MessageName, A extends MessageName>(
    requestName: Q,
    answerName: A,
    { path, message, timeoutMs = REQUEST_TIMEOUT_MS }: Sent<Messages[Q]>,
  ): Promise<Result<Messages[A], LinkError>> {
    const options = { timeoutMs, signal: this.#abort.signal };
    const posted = await this.#poster.post(path, encodeJson(requestName, message), options);
    if (!posted.ok) {
      if (posted.error.code === "UNREACHABLE") return failed(posted.error.errno);
      return statusError(posted.error);
    }
    const decoded = decodeJsonWithin(answerName, posted.value, ANSWER_JSON);
    if (decoded.ok) return ok(decoded.value);
    return failed(`its answer makes no sense (${describeDecodeError(decoded.error)})`);
  }

  #sender({ agentId }: Registration): Pick<link.ReportRequest, "agent_id" | "session_id"> {
    return { agent_id: { value: agentId }, session_id: this.#options.sessionId };
  }

  #relayPath(
    { relayId }: Registration,
    verb: "poll" | "report" | "call-reply" | "call-input",
  ): string {
    return `/agent-link/v1/relay/${encodeURIComponent(relayId)}/${verb}`;
  }
}

/** Of a call that came while the agent was just losing its registration. */
const closedPort: CallPort = {
  reply: async () => ({ type: "GONE" }),
  input: async () => ({ type: "GONE" }),
};

function statusError({ status, body }: { status: number; body: string }): Result<never, LinkError> {
  const decoded = decodeJson("rimrock.link.ErrorResponse", body);
  const { code, message } = decoded.ok ? decoded.value : { code: "", message: body.slice(0, 200) };
  if (status === 409 && code === "REGISTER_AGAIN") return err({ code: "REGISTER_AGAIN" });
  if (status === 403 && code === "AGENT_GONE") return err({ code: "GONE", message });
  if (status >= 500) return failed(`it answers ${status}${message === "" ? "" : ` (${message})`}`);
  return err({ code: "REFUSED", why: `it refuses this agent with ${status}: ${message}` });
}

function failed(why: string): Result<never, LinkError> {
  return err({ code: "FAILED", why });
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done, { once: true });
  });
}

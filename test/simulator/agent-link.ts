/**
 * The agent's side of the link. It does what `agent/shell/master-link.ts` does, on virtual time:
 * what belongs to an earlier registration is dropped, a failed registration or poll is repeated.
 */
import type { Effect } from "../../agent/core/effect.ts";
import type { Input } from "../../agent/core/input.ts";
import { registerRequest } from "../../agent/core/registration.ts";
import type { AgentState } from "../../agent/core/state.ts";
import { backoffMs } from "../../agent/shell/backoff.ts";
import type { AgentId, RelayId } from "../../worker/protocol/ids.ts";
import type * as link from "../../worker/protocol/link/messages.ts";
import type { MasterAnswer, MasterNode } from "./master-node.ts";
import { request } from "./network.ts";
import type { RelayAnswer, RelayNode } from "./relay-node.ts";
import type { World } from "./world.ts";

const REQUEST_TIMEOUT_MS = 30_000;
const BACKOFF_CAP_MS = 60_000;

export interface AgentLinkOptions {
  readonly name: string;
  readonly sessionId: string;
  readonly state: AgentState;
  readonly master: MasterNode;
  readonly relay: (id: RelayId) => RelayNode;
  readonly isCut: () => boolean;
  readonly submit: (input: Input) => void;
}

interface Registration {
  readonly agentId: AgentId;
  readonly relayId: RelayId;
}

type Attempt = "SUCCEEDED" | "REGISTER_AGAIN" | "FAILED";

export class AgentLink {
  readonly #world: World;
  readonly #options: AgentLinkOptions;
  #life = 0;
  #registration: Registration | undefined;
  #pollNumber = 0;

  constructor(world: World, options: AgentLinkOptions) {
    this.#world = world;
    this.#options = options;
  }

  register(): void {
    const { master, isCut, submit, state } = this.#options;
    this.close();
    this.#repeat((done) => {
      const message = registerRequest(state);
      request<MasterAnswer>(this.#world, {
        timeoutMs: REQUEST_TIMEOUT_MS,
        isCut,
        serve: (answering) => master.call({ type: "AGENT_REGISTER", request: message }, answering),
        done: (answer) => {
          const reply = answer?.type === "REPLIED" ? answer.reply : undefined;
          if (reply?.type !== "REGISTERED") return done("FAILED");
          done("SUCCEEDED", () => {
            this.#registration = reply;
            submit({ type: "REGISTERED", agentId: reply.agentId });
          });
        },
      });
    });
  }

  poll(acknowledgedCommand: bigint): void {
    this.#repeat((done) => {
      const poll_number = ++this.#pollNumber;
      this.#send(
        (relay, sender, answering) =>
          relay.poll(
            { ...sender, poll_number, acknowledged_command: acknowledgedCommand },
            answering,
          ),
        (answer) => {
          if (answer?.type !== "COMMANDS") return done(outcomeOf(answer));
          const { commands } = answer;
          done("SUCCEEDED", () => this.#options.submit({ type: "COMMANDS", commands }));
        },
      );
    });
  }

  report(report: Effect & { readonly type: "REPORT" }): void {
    const { reportNumber, updates, executorExits, executorMessages } = report;
    const life = this.#life;
    const { submit } = this.#options;
    this.#send(
      (relay, sender, answering) =>
        relay.report(
          {
            ...sender,
            report_number: reportNumber,
            updates,
            executor_exits: executorExits,
            executor_messages: executorMessages,
          },
          answering,
        ),
      (answer) => {
        if (life !== this.#life) return;
        const isDone = answer?.type === "DONE";
        submit({ type: isDone ? "REPORT_DONE" : "REPORT_FAILED", reportNumber });
        if (outcomeOf(answer) === "REGISTER_AGAIN") submit({ type: "REGISTER_AGAIN" });
      },
    );
  }

  close(): void {
    this.#registration = undefined;
    this.#life++;
  }

  #send(
    serve: (
      relay: RelayNode,
      sender: Pick<link.PollRequest, "agent_id" | "session_id">,
      answering: Parameters<RelayNode["poll"]>[1],
    ) => void,
    done: (answer: RelayAnswer | undefined) => void,
  ): void {
    const { relay, isCut, sessionId } = this.#options;
    const registration = this.#registration;
    if (registration === undefined) throw new Error("polls and reports come after registration");
    const sender = { agent_id: { value: registration.agentId }, session_id: sessionId };
    request<RelayAnswer>(this.#world, {
      timeoutMs: REQUEST_TIMEOUT_MS,
      isCut,
      serve: (answering) => serve(relay(registration.relayId), sender, answering),
      done,
    });
  }

  /** Tries until it succeeds, the session has ended, or this life has. */
  #repeat(attempt: (done: (outcome: Attempt, then?: () => void) => void) => void): void {
    const life = this.#life;
    let failures = 0;
    const again = (): void => {
      attempt((outcome, then) => {
        if (life !== this.#life) return;
        then?.();
        if (outcome === "SUCCEEDED") return;
        if (outcome === "REGISTER_AGAIN") {
          this.#options.submit({ type: "REGISTER_AGAIN" });
          return;
        }
        const pauseMs = backoffMs(++failures, BACKOFF_CAP_MS, this.#world.dice("backoff").next());
        this.#world.clock.after(pauseMs, () => {
          if (life === this.#life) again();
        });
      });
    };
    again();
  }
}

function outcomeOf(answer: RelayAnswer | undefined): Attempt {
  if (answer === undefined) return "FAILED";
  if (answer.type !== "REFUSED") return "SUCCEEDED";
  return answer.code === "REGISTER_AGAIN" ? "REGISTER_AGAIN" : "FAILED";
}

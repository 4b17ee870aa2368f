/**
 * Offers as their frameworks see them. An event has a thousand of them about the same agents again
 * and again, so what does not change is kept together with its encoding: parts of an agent for as
 * long as its row is the same, and its resources while the same ones are offered.
 */
import type * as mesos from "../../protocol/v1/mesos.ts";
import { keepEncoded } from "../../protocol/wire/kept.ts";
import { renderResources } from "../../resources/render.ts";
import type { Resources } from "../../resources/resource.ts";
import { Recent } from "../../std/recent.ts";
import { agentAttributes, agentDomain } from "../agent/info.ts";
import { hasCapability } from "../framework/info.ts";
import { unavailabilityOf } from "../maintenance/unavailability.ts";
import type { AgentRow, FrameworkRow, OfferRow } from "../rows.ts";
import type { MasterState } from "../state.ts";

/** Its framework's capabilities decide the form (http-semantics 5.1). */
export function offerMessage(
  offer: OfferRow,
  framework: FrameworkRow,
  agent: AgentRow,
): mesos.Offer {
  const form = formOf(framework);
  const parts = partsOf(agent);
  return {
    id: { value: offer.id },
    framework_id: form.framework_id,
    agent_id: parts.agent_id,
    hostname: agent.hostname,
    url: parts.url,
    domain: parts.domain,
    resources: renderedOf(parts, offer, form),
    attributes: parts.attributes,
    allocation_info: form.multiRole ? allocationTo(form, offer.role) : undefined,
  };
}

/** With what is so at the moment of sending: executors on the agent, maintenance to come. */
export function offerToSend(
  state: MasterState,
  offer: OfferRow,
  framework: FrameworkRow,
  agent: AgentRow,
): mesos.Offer {
  const message = offerMessage(offer, framework, agent);
  const { executor, machine } = state.tables;
  // Most clusters have neither.
  if (executor.size === 0 && machine.size === 0) return message;
  const executor_ids = state.index
    .executorsOfAgent(agent.id)
    .filter(({ frameworkId }) => frameworkId === framework.id)
    .map(({ id }) => ({ value: id }));
  return { ...message, executor_ids, unavailability: unavailabilityOf(state, agent) };
}

/** How a framework wants its offers. */
interface Form {
  readonly framework_id: mesos.FrameworkID;
  readonly multiRole: boolean;
  readonly refined: boolean;
  readonly allocations: Map<string, mesos.ResourceAllocationInfo>;
}

const forms = new WeakMap<FrameworkRow, Form>();

function formOf(framework: FrameworkRow): Form {
  const known = forms.get(framework);
  if (known !== undefined) return known;
  const form: Form = {
    framework_id: keepEncoded("mesos.v1.Offer", "framework_id", { value: framework.id }),
    multiRole: hasCapability(framework, "MULTI_ROLE"),
    refined: hasCapability(framework, "RESERVATION_REFINEMENT"),
    allocations: new Map(),
  };
  forms.set(framework, form);
  return form;
}

/** As many as the framework has roles. */
function allocationTo({ allocations }: Form, role: string): mesos.ResourceAllocationInfo {
  let allocation = allocations.get(role);
  if (allocation === undefined) {
    allocation = keepEncoded("mesos.v1.Offer", "allocation_info", { role });
    allocations.set(role, allocation);
  }
  return allocation;
}

/** Resources as they were offered last, in one of the ways to write them. */
interface Rendered {
  readonly role: string | undefined;
  readonly refined: boolean;
  readonly of: Resources;
  readonly as: mesos.Resource[];
}

/** What an offer says of its agent. */
interface Parts extends Pick<mesos.Offer, "agent_id" | "url" | "domain" | "attributes"> {
  readonly rendered: Rendered[];
}

/** Agents whose parts are kept at least: those of a few events in a row. */
const KEPT_AGENTS = 1_000;
const partsOfAgents = new Recent<AgentRow, Parts>(KEPT_AGENTS);

function partsOf(agent: AgentRow): Parts {
  return partsOfAgents.of(agent, makeParts);
}

function makeParts(agent: AgentRow): Parts {
  const { id, hostname, ip, port } = agent;
  const [attributes, domain] = [agentAttributes(agent), agentDomain(agent)];
  const url = { scheme: "http", address: { hostname, ip, port }, path: "/slave(1)" };
  return {
    agent_id: keepEncoded("mesos.v1.Offer", "agent_id", { value: id }),
    url: keepEncoded("mesos.v1.Offer", "url", url),
    domain: domain && keepEncoded("mesos.v1.Offer", "domain", domain),
    attributes: attributes && keepEncoded("mesos.v1.Offer", "attributes", attributes),
    rendered: [],
  };
}

/** Renderings kept of one agent: one for each role that is offered it now and then. */
const RENDERED_MAX = 8;

function renderedOf({ rendered }: Parts, offer: OfferRow, form: Form): mesos.Resource[] {
  const { resources } = offer;
  const { refined } = form;
  const role = form.multiRole ? offer.role : undefined;
  const at = rendered.findIndex((each) => each.role === role && each.refined === refined);
  const last = rendered[at];
  if (last !== undefined && isSame(last.of, resources)) return last.as;
  const written = renderResources(resources, {
    allocationRole: role,
    refinedReservations: refined,
  });
  const as = keepEncoded("mesos.v1.Offer", "resources", written);
  if (last !== undefined || rendered.length >= RENDERED_MAX) rendered.splice(Math.max(at, 0), 1);
  rendered.push({ role, refined, of: resources, as });
  return as;
}

/** Entry by entry: arithmetic hands on the entries that it does not change. */
function isSame(a: Resources, b: Resources): boolean {
  return a.length === b.length && a.every((entry, at) => entry === b[at]);
}

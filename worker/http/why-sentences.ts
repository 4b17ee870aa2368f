/**
 * WHY in words: of every reason what it is, and what would have to change, with the call or the
 * command that changes it.
 */
import type { WhatIfFacts } from "../core/operator/own/what-if/what-if.ts";
import type { Explained, Finding, RefusingCall } from "../core/operator/own/why/finding.ts";
import type { WhyFacts } from "../core/operator/own/why/why.ts";
import type * as own from "../protocol/own/operator.ts";
import { unreachable } from "../std/assert.ts";

export function whyInWords(facts: WhyFacts): own.WhyAnswer {
  return {
    ...facts,
    groups: facts.groups.map(inWords),
    standings: facts.standings.map((standing) => ({
      ...standing,
      problem: standing.problem && inWords(standing.problem),
    })),
  };
}

/** The reasons why tasks have no room. */
export function whatIfInWords(facts: WhatIfFacts): own.WhatIfAnswer {
  return {
    ...facts,
    tasks: facts.tasks.map((tasks) => ({ ...tasks, groups: tasks.groups.map(inWords) })),
  };
}

function inWords(group: Explained): own.WhyGroup {
  return { ...group, ...wordsOf(group, agentName(group), group) };
}

interface Words {
  readonly text: string;
  readonly help: string;
}

/** For a command: the one agent's id, or a word for several. */
function agentName({ agents = [], agent_count }: Explained): string {
  const [agent] = agents;
  return agent !== undefined && agent_count === 1 ? agent.id : "AGENT";
}

function wordsOf(finding: Finding, agent: string, latest: own.WhyGroup): Words {
  switch (finding.reason) {
    case "OFFERED":
      return {
        text: `It has been offered, ${ago(finding.since_seconds)}.`,
        help: "The framework may ACCEPT or DECLINE the offer.",
      };
    case "AVAILABLE":
      return {
        text: "It is free, and nothing about the agent stands against an offer.",
        help: "It is offered with the next allocation to whoever wants it.",
      };
    case "FRAMEWORK_AWAY":
    case "NOT_SUBSCRIBED_TO_ROLE":
    case "SUPPRESSED":
    case "AT_OFFER_CAP":
      return clientWords(finding);
    case "AGENT_UNREACHABLE":
    case "AGENT_DEACTIVATED":
    case "AGENT_DRAINING":
    case "AGENT_DRAINED":
    case "AGENT_OVERCOMMITTED":
      return agentWords(finding, agent);
    case "AGENT_NOT_MULTI_ROLE":
    case "AGENT_NOT_HIERARCHICAL":
    case "FRAMEWORK_NOT_GPU_AWARE":
    case "FRAMEWORK_NOT_REGION_AWARE":
    case "CONSTRAINED":
      return barrierWords(finding);
    case "TOO_SMALL":
    case "RESERVED":
    case "NOT_UNDERSTOOD":
    case "IN_USE":
      return lackWords(finding);
    case "LOWER_SHARE":
    case "EQUAL_SHARE":
    case "HIGHER_PRIORITY":
    case "CAME_LATER":
    case "DRAWN":
    case "OFFERED_TO_OTHER":
      return lostWords(finding, latest);
    case "QUOTA_LIMIT":
    case "QUOTA_HEADROOM":
      return quotaWords(finding);
    case "REFUSED":
    case "BRAKED":
      return refusalWords(finding, latest.until_last_seconds ?? finding.until_seconds);
    default:
      return unreachable(finding);
  }
}

type Of<R extends Finding["reason"]> = Extract<Finding, { readonly reason: R }>;

function clientWords(
  finding: Of<"FRAMEWORK_AWAY" | "NOT_SUBSCRIBED_TO_ROLE" | "SUPPRESSED" | "AT_OFFER_CAP">,
): Words {
  switch (finding.reason) {
    case "FRAMEWORK_AWAY":
      return {
        text:
          `The framework is not connected, since ${span(finding.since_seconds)}. Unless it ` +
          `comes back, it is removed in ${span(finding.until_seconds)}.`,
        help: "Start its scheduler: it has to SUBSCRIBE with its id.",
      };
    case "NOT_SUBSCRIBED_TO_ROLE":
      return {
        text: `The framework does not subscribe to the role '${finding.role}'.`,
        help: `It has to name '${finding.role}' in FrameworkInfo.roles (UPDATE_FRAMEWORK).`,
      };
    case "SUPPRESSED":
      return {
        text: `The framework has suppressed offers for the role '${finding.role}'.`,
        help: `It has to send REVIVE for '${finding.role}'.`,
      };
    case "AT_OFFER_CAP":
      return {
        text: `The framework has ${finding.outstanding_offers} offers in hand: no more at once.`,
        help: "It has to ACCEPT or DECLINE some of them.",
      };
    default:
      return unreachable(finding);
  }
}

function agentWords(
  finding: Of<
    | "AGENT_UNREACHABLE"
    | "AGENT_DEACTIVATED"
    | "AGENT_DRAINING"
    | "AGENT_DRAINED"
    | "AGENT_OVERCOMMITTED"
  >,
  agent: string,
): Words {
  switch (finding.reason) {
    case "AGENT_UNREACHABLE":
      return {
        text: `Nothing has been heard of the agent for ${span(finding.since_seconds)}.`,
        help: `Start it, or its machine, again; if it never comes back: rimrock agent gone ${agent}`,
      };
    case "AGENT_DEACTIVATED":
      return {
        text: "An operator has deactivated the agent.",
        help: `rimrock agent reactivate ${agent}`,
      };
    case "AGENT_DRAINING":
      return {
        text: `The agent is being drained, since ${span(finding.since_seconds)}.`,
        help: `When its tasks have ended: rimrock agent reactivate ${agent}`,
      };
    case "AGENT_DRAINED":
      return {
        text: "The agent has been drained.",
        help: `rimrock agent reactivate ${agent}`,
      };
    case "AGENT_OVERCOMMITTED":
      return {
        text: "More of the agent is held than it has, since tasks came back or it got smaller.",
        help: "Some of its tasks have to end: rimrock task list shows them.",
      };
    default:
      return unreachable(finding);
  }
}

function barrierWords(
  finding: Of<
    | "AGENT_NOT_MULTI_ROLE"
    | "AGENT_NOT_HIERARCHICAL"
    | "FRAMEWORK_NOT_GPU_AWARE"
    | "FRAMEWORK_NOT_REGION_AWARE"
    | "CONSTRAINED"
  >,
): Words {
  switch (finding.reason) {
    case "AGENT_NOT_MULTI_ROLE":
      return {
        text: "The framework has several roles, which the agent does not know of.",
        help: "Update the agent to one with the capability MULTI_ROLE.",
      };
    case "AGENT_NOT_HIERARCHICAL":
      return {
        text: "The role is below another one, which the agent does not know of.",
        help: "Update the agent to one with the capability HIERARCHICAL_ROLE.",
      };
    case "FRAMEWORK_NOT_GPU_AWARE":
      return {
        text: "The agent has GPUs, which are kept for frameworks that ask for them.",
        help: "The framework has to have the capability GPU_RESOURCES.",
      };
    case "FRAMEWORK_NOT_REGION_AWARE":
      return {
        text: `The agent is in the region '${finding.region}', the master in '${finding.home_region}'.`,
        help: "The framework has to have the capability REGION_AWARE.",
      };
    case "CONSTRAINED":
      return {
        text:
          `The framework's offer constraints for '${finding.role}' do not hold: ` +
          `${finding.constraint}.`,
        help: "It has to change them with UPDATE_FRAMEWORK, or the agent's attributes change.",
      };
    default:
      return unreachable(finding);
  }
}

function lackWords(finding: Of<"TOO_SMALL" | "RESERVED" | "NOT_UNDERSTOOD" | "IN_USE">): Words {
  switch (finding.reason) {
    case "TOO_SMALL":
      return {
        text:
          `Too small, even when nobody uses it: ${finding.kind}:${number(finding.wanted)} is ` +
          `wanted, and at most ${number(finding.free)} there.`,
        help: "Ask for less, or add larger agents.",
      };
    case "RESERVED":
      return {
        text: `What would do (${finding.amount}) is reserved for the role '${finding.role}'.`,
        help: `Subscribe to '${finding.role}' or a role below it, or UNRESERVE it.`,
      };
    case "NOT_UNDERSTOOD":
      return {
        text: `What would do needs the capability ${finding.capability}.`,
        help: `The framework has to have the capability ${finding.capability}.`,
      };
    case "IN_USE": {
      const { holder, amount } = finding;
      const whose = holder === undefined ? "" : `, mostly those of ${client(holder)}`;
      return {
        text: `Too little is free for ${amount}: tasks have the rest${whose}.`,
        help: "Wait until tasks end, end some, or add agents.",
      };
    }
    default:
      return unreachable(finding);
  }
}

function lostWords(
  finding: Of<
    "LOWER_SHARE" | "EQUAL_SHARE" | "HIGHER_PRIORITY" | "CAME_LATER" | "DRAWN" | "OFFERED_TO_OTHER"
  >,
  latest: own.WhyGroup,
): Words {
  const other = client(finding.holder);
  const offered = `Offered to ${other} ${ago(finding.since_seconds)}`;
  const wait = "Wait until that offer is declined or times out";
  switch (finding.reason) {
    case "LOWER_SHARE": {
      const { share_most, other_share_most, difference_most } = latest;
      const ahead = between(finding.difference, difference_most);
      const others = between(finding.other_share, other_share_most);
      const shares = `${others} against ${between(finding.share, share_most)}`;
      return {
        text: `${offered}, whose share was lower by ${ahead}: ${shares}.`,
        help: `${wait}. A higher weight lowers a role's share: rimrock weight set ROLE=2`,
      };
    }
    case "EQUAL_SHARE":
      return {
        text: `${offered}, with the same share (${between(finding.share, latest.share_most)}): it was its turn.`,
        help: `${wait}; then it is another's turn.`,
      };
    case "HIGHER_PRIORITY":
      return {
        text:
          `${offered}, which goes first: priority ${number(finding.other_priority)} against ` +
          `${number(finding.priority)}.`,
        help: `${wait}, or change priorities: rimrock role priority ROLE=${number(finding.other_priority)}`,
      };
    case "CAME_LATER":
      return {
        text: `${offered}, before this framework subscribed.`,
        help: `${wait}.`,
      };
    case "DRAWN":
      return {
        text: `${offered}: the policy draws lots.`,
        help: `${wait}; a higher weight gives a role more lots: rimrock weight set ROLE=2`,
      };
    case "OFFERED_TO_OTHER":
      return {
        text: `${offered}.`,
        help: `${wait}.`,
      };
    default:
      return unreachable(finding);
  }
}

function quotaWords(finding: Of<"QUOTA_LIMIT" | "QUOTA_HEADROOM">): Words {
  const { kind } = finding;
  switch (finding.reason) {
    case "QUOTA_LIMIT": {
      const { role, limit, consumed, wanted } = finding;
      const enough = number(consumed + wanted);
      return {
        text:
          `The role '${role}' may have ${kind}:${number(limit)} at most and has ` +
          `${number(consumed)}; ${number(wanted)} is wanted.`,
        help:
          `End some of its tasks, or let it have ${kind}:${enough} or more: rimrock quota list ` +
          `shows its quota, rimrock quota set ${role} replaces it.`,
      };
    }
    case "QUOTA_HEADROOM": {
      const { free, wanted, guaranteed } = finding;
      const owed = guaranteed
        .map(({ role, lacking }) => `'${role}' lacks ${number(lacking)}`)
        .join(", ");
      const [first] = guaranteed;
      return {
        text:
          `${kind}:${number(free)} is free in the cluster and kept for guarantees: ${owed}; ` +
          `${number(wanted)} is wanted.`,
        help:
          "Add agents, or guarantee less: rimrock quota list shows all quotas, rimrock quota set " +
          `${first?.role ?? "ROLE"} replaces one.`,
      };
    }
    default:
      return unreachable(finding);
  }
}

const REFUSALS: { readonly [C in RefusingCall]: string } = {
  DECLINE: "It declined what is free there",
  ACCEPT: "It left over what is free there in an ACCEPT",
  INVALID_ACCEPT: "It accepted with a void offer",
  TIMEOUT: "It did not answer the last offer in time",
};

function refusalWords(finding: Of<"REFUSED" | "BRAKED">, latest: number): Words {
  const first = span(finding.until_seconds);
  const last = span(latest);
  const until = first === last ? first : `${first} to ${last}`;
  switch (finding.reason) {
    case "REFUSED":
      return {
        text: `${REFUSALS[finding.call]}, and is offered no less for ${until} more.`,
        help: "REVIVE ends refusals at once; Filters.refuse_seconds says how long they last.",
      };
    case "BRAKED":
      return {
        text:
          `It answers offers of the agent faster than once a second, and is offered nothing ` +
          `of it for ${until} more.`,
        help: "Decline for longer (Filters.refuse_seconds), or SUPPRESS while nothing is wanted.",
      };
    default:
      return unreachable(finding);
  }
}

function client({ framework_name, framework_id, role }: own.ClientName): string {
  return `'${framework_name}' (${framework_id}) in '${role}'`;
}

function ago(seconds: number): string {
  return seconds < 1 ? "just now" : `${span(seconds)} ago`;
}

const UNITS = [
  [86_400, "days"],
  [3_600, "h"],
  [60, "min"],
  [1, "s"],
] as const;

/** In the largest unit of which there are two, or the first that there is one of: "90 min". */
function span(seconds: number): string {
  const [size, unit] = UNITS.find(([length]) => seconds >= 2 * length) ?? ([1, "s"] as const);
  const amount = size === 1 ? Math.round(seconds * 10) / 10 : Math.round(seconds / size);
  return `${amount} ${unit}`;
}

/** Of several agents or clients from the least to the most. */
function between(share: number, most = share): string {
  const [from, to] = [percent(share), percent(most)];
  return from === to ? from : `${from} to ${to}`;
}

function percent(share: number): string {
  return `${number(Math.round(share * 10_000) / 100)} %`;
}

function number(amount: number): string {
  return String(Math.round(amount * 1_000) / 1_000);
}

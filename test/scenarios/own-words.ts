/** Words about Rimrock's own calls: what operators ask, with the answer in words. */
import { type OwnFacts, ownCalls } from "../../worker/core/operator/own/index.ts";
import { describeOwnError, isOwnError } from "../../worker/http/own-sentences.ts";
import { whatIfInWords, whyInWords } from "../../worker/http/why-sentences.ts";
import type * as own from "../../worker/protocol/own/operator.ts";
import { decodeJson, describeDecodeError } from "../../worker/protocol/wire/json.ts";
import type { Words } from "./commands.ts";
import type { World } from "./world.ts";

/**
 * why [framework=F] [role=R] [agent=A] [resources=cpus:1;mem:32] [--help] : every reason, with the
 * agents it is true of; `--help` with what would have to change.
 */
export function why(world: World, { args, options }: Words): string[] {
  const question: own.Why = Object.fromEntries(
    args.map((arg) => {
      const [name = "", value = ""] = split(arg);
      if (name === "framework") return [name, world.frameworkId(value)];
      return [name, name === "agent" ? world.idOf(value) : value];
    }),
  );
  const answer = ask(world, { type: "WHY", why: question });
  if (typeof answer === "string") return [answer];
  if (answer.why === undefined) return ["no answer"];
  const named = (text: string): string => readable(world, text);
  const told = whyInWords(answer.why);
  const lines = (told.standings ?? []).flatMap(standingLines).map(named);
  if (told.agent !== undefined) {
    const { name, total, free, unavailable_in_seconds: away } = told.agent;
    const leaves = away === undefined ? "" : `, unavailable in ${away} s`;
    lines.push(named(`${name.id}: ${total}; free ${free}${leaves}`));
  }
  for (const group of told.groups ?? []) {
    const clients = told.clients > 1 ? ` ${(group.clients ?? []).map(clientText).join(", ")}:` : "";
    const agents = (group.agents ?? []).map(({ id }) => id).join(", ");
    lines.push(named(`${group.reason} ${agents}${clients} ${group.text}`));
    if (options.has("help")) lines.push(named(`  ${group.help}`));
  }
  return lines;
}

/** what-if JSON : what would be allocated to whom; `$a1` stands for its id. */
export function whatIf(world: World, text: string): string[] {
  const ids = text.replaceAll(/\$([\w-]+)/g, (_, name: string) => idOf(world, name));
  const question = decodeJson("rimrock.operator.WhatIf", ids);
  if (!question.ok) return [describeDecodeError(question.error)];
  const answer = ask(world, { type: "WHAT_IF", what_if: question.value });
  if (typeof answer === "string") return [readable(world, answer)];
  if (answer.what_if === undefined) return ["no answer"];
  const told = whatIfInWords(answer.what_if);
  const { offers_made: made, offers_rescinded: rescinded, tasks_lost: lost } = told;
  const unfinished = told.is_complete ? "" : ", not all computed";
  const lines = [`${made} offers made, ${rescinded} rescinded, ${lost} tasks end${unfinished}`];
  for (const { role, before, after } of told.roles ?? []) {
    lines.push(`${role}: ${holdingsText(before)} -> ${holdingsText(after)}`);
  }
  for (const { client, before, after, is_new } of told.frameworks ?? []) {
    const name = is_new ? `(new) ${client.framework_name}/${client.role}` : clientText(client);
    lines.push(`  ${name}: ${holdingsText(before)} -> ${holdingsText(after)}`);
  }
  for (const tasks of told.tasks ?? []) {
    const { count, placed, if_declined: more, resources, role, agents = [], groups = [] } = tasks;
    const where = agents.map(({ agent, count: n }) => `${n} on ${agent.hostname}`).join(", ");
    lines.push(`${placed} of ${count} x ${resources} in ${role}${where && `: ${where}`}`);
    if (more > 0) lines.push(`  ${more} more if offers came back`);
    for (const group of groups) {
      const hosts = (group.agents ?? []).map(({ hostname }) => hostname).join(", ");
      lines.push(`  ${group.reason} ${hosts} ${group.text}`);
    }
  }
  return lines.map((line) => readable(world, line));
}

function idOf(world: World, name: string): string {
  const framework = world.frameworkId(name);
  return framework === name ? world.idOf(name) : framework;
}

function holdingsText({ used, offered, share, unmet }: own.WhatIfHoldings): string {
  const text = (amounts: Readonly<Record<string, number>> = {}): string =>
    Object.entries(amounts)
      .map(([kind, amount]) => `${kind}=${amount}`)
      .join(" ") || "-";
  const lacks = Object.keys(unmet ?? {}).length === 0 ? "" : `, lacks ${text(unmet)}`;
  const percent = Math.round(share * 1_000) / 10;
  return `used ${text(used)}, offered ${text(offered)}, ${percent} %${lacks}`;
}

function ask(world: World, call: own.Call): OwnFacts | string {
  const served = ownCalls[call.type];
  if (served.kind !== "READ") return "not served";
  const { state, nowMs } = world.host;
  const reading = served.read(state, nowMs, call);
  for (;;) {
    const { done, value } = reading.next();
    if (done !== true) continue;
    if (value.ok) return value.value;
    return isOwnError(value.error) ? describeOwnError(value.error) : value.error.code;
  }
}

function standingLines(standing: own.WhyStanding): string[] {
  const { client, last_offer_seconds: last, outstanding_offers: offers, problem } = standing;
  const lastText = last === undefined ? "no offer in this life" : `last offer ${last} s ago`;
  const share = Math.round(standing.share * 1_000) / 1_000;
  const line = `${clientText(client)}: ${offers} offers, ${lastText}, share ${share}`;
  return problem === undefined ? [line] : [line, `  ${problem.reason} ${problem.text}`];
}

function clientText({ framework_id, role }: own.ClientName): string {
  return `${framework_id === "" ? "anybody" : framework_id}/${role}`;
}

/** Ids as the transcript calls them. */
function readable(world: World, text: string): string {
  return text
    .replaceAll(/'?[\w.-]+'? \(([^()]+)\) in '/g, "$1 in '")
    .replaceAll(/[0-9a-f-]{36}-(?:S\d+|\d{4})/g, (id) => world.nameOf(id));
}

function split(arg: string): readonly [string, string] {
  const equals = arg.indexOf("=");
  return [arg.slice(0, equals), arg.slice(equals + 1)];
}

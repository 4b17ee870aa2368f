/** Words about Rimrock's own calls: what operators ask, with the answer in words. */
import { type OwnFacts, ownCalls } from "../../worker/core/operator/own/index.ts";
import { describeOwnError, isOwnError } from "../../worker/http/own-sentences.ts";
import { whyInWords } from "../../worker/http/why-sentences.ts";
import type * as own from "../../worker/protocol/own/operator.ts";
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
    .replaceAll(/'?[\w.]+'? \(([^()]+)\) in '/g, "$1 in '")
    .replaceAll(/[0-9a-f-]{36}-(?:S\d+|\d{4})/g, (id) => world.nameOf(id));
}

function split(arg: string): readonly [string, string] {
  const equals = arg.indexOf("=");
  return [arg.slice(0, equals), arg.slice(equals + 1)];
}

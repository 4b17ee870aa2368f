/** What the `why` commands share: they ask `/why`, and print what stands between whom and what. */
import type * as own from "../../worker/protocol/own/operator.ts";
import { operatorOf } from "./change.ts";
import type { CommandContext, Terminal } from "./command.ts";
import { agentText, clientText, percent, reasonLines } from "./reasons.ts";
import { paint } from "./terminal.ts";

const STANDINGS_SHOWN = 10;

export async function printWhy(question: own.Why, context: CommandContext): Promise<number> {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(question)) {
    if (value !== undefined) query.set(name, value);
  }
  const answer = await operatorOf(context).get({
    path: `/why?${query}`,
    answer: "rimrock.operator.WhyAnswer",
  });
  const { terminal, json } = context;
  terminal.out(json ? `${JSON.stringify(plain(answer), null, 2)}\n` : told(answer, context));
  return 0;
}

/** Lists are there also when they are empty. */
function plain(answer: own.WhyAnswer): unknown {
  const groups = answer.groups?.map((group) => ({ agents: [], clients: [], ...group })) ?? [];
  return { standings: [], ...answer, groups };
}

function told(answer: own.WhyAnswer, { terminal }: CommandContext): string {
  const dim = (text: string): string => paint(terminal, "dim", text);
  const lines: string[] = [];
  if (answer.agent !== undefined) lines.push(...agentLines(answer.agent), "");
  const standings = answer.standings ?? [];
  for (const standing of standings.slice(0, STANDINGS_SHOWN)) {
    lines.push(standingLine(standing, answer));
    const { problem } = standing;
    if (problem === undefined) continue;
    lines.push(`  ${paint(terminal, "yellow", problem.reason)}  ${problem.text ?? ""}`);
    lines.push(dim(`  → ${problem.help ?? ""}`));
  }
  const more = answer.clients - Math.min(standings.length, STANDINGS_SHOWN);
  if (standings.length > 0 && more > 0) lines.push(`and ${more} more`);
  if (standings.length > 0) lines.push("");
  lines.push(...groupLines(answer, terminal));
  return `${lines.join("\n")}\n`;
}

function groupLines(answer: own.WhyAnswer, terminal: Terminal): string[] {
  const { groups = [], agents, clients, clients_examined } = answer;
  if (agents === 0) return ["there are no agents: start one, or join one to the cluster"];
  if (clients === 0) return ["nobody subscribes"];
  const lines = reasonLines(groups, { terminal, namesClients: clients > 1 });
  const { groups_left_out: left = 0 } = answer;
  if (left > 0) lines.push(`and at least ${left} other reasons`);
  if (clients_examined < clients) {
    const rest = clients - clients_examined;
    lines.push(`${rest} of ${clients} were not looked at: name a framework or an agent`);
  }
  return lines;
}

function agentLines({ name, total, free, unavailable_in_seconds: away }: own.WhyAgent): string[] {
  const lines = [`agent ${agentText(name)}: ${total}`, `  free: ${free}`];
  if (away === undefined) return lines;
  const when = away > 0 ? `begins in ${span(away)}` : `began ${span(-away)} ago`;
  return [...lines, `  maintenance of its machine ${when}; that stops no offers`];
}

function standingLine(standing: own.WhyStanding, answer: own.WhyAnswer): string {
  const { client, share, role_share, role_weight, role_priority, outstanding_offers } = standing;
  const { last_offer_seconds: last } = standing;
  const weight = role_weight === 1 ? "" : `, weight ${role_weight}`;
  const priority = role_priority === 0 ? "" : `, priority ${role_priority}`;
  const offers = outstanding_offers === 1 ? "1 offer" : `${outstanding_offers} offers`;
  const up = span(answer.master_up_seconds);
  const since =
    last === undefined
      ? `none since the master started ${up} ago (before that is not known)`
      : `the last one ${span(last)} ago`;
  return (
    `${clientText(client)}: share ${percent(share)} (${topOf(client.role)}: ` +
    `${percent(role_share)}${weight}${priority}); ${offers} in hand, ${since}`
  );
}

function topOf(role: string): string {
  return role.split("/")[0] ?? role;
}

function span(seconds: number): string {
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800
    ? `${Math.round(seconds / 3_600)} h`
    : `${Math.round(seconds / 86_400)} days`;
}

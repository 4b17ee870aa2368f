/** What the `why` commands share: they ask `/why`, and print what stands between whom and what. */
import type * as own from "../../worker/protocol/own/operator.ts";
import { operatorOf } from "./change.ts";
import type { CommandContext } from "./command.ts";
import { alignColumns } from "./table.ts";
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
  lines.push(...groupLines(answer, dim, (group) => paint(terminal, colourOf(group), group.reason)));
  return `${lines.join("\n")}\n`;
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

function groupLines(
  answer: own.WhyAnswer,
  dim: (text: string) => string,
  reasonOf: (group: own.WhyGroup) => string,
): string[] {
  const { groups = [], agents, clients, clients_examined } = answer;
  if (agents === 0) return ["there are no agents: start one, or join one to the cluster"];
  if (clients === 0) return ["nobody subscribes"];
  const heads = groups.map((group) => [countText(group), reasonOf(group), group.text ?? ""]);
  const aligned = alignColumns(heads);
  const width = Math.max(0, ...heads.map(([count = ""]) => count.length)) + 2;
  const margin = " ".repeat(width);
  const lines = groups.flatMap((group, at) => {
    const told = [aligned[at] ?? ""];
    if ((group.agents?.length ?? 0) > 0) told.push(`${margin}${agentsText(group)}`);
    if (clients > 1) told.push(`${margin}${clientsText(group)}`);
    if (group.help !== undefined) told.push(dim(`${margin}→ ${group.help}`));
    return told;
  });
  const { groups_left_out: left = 0 } = answer;
  if (left > 0) lines.push(`and at least ${left} other reasons`);
  if (clients_examined < clients) {
    const rest = clients - clients_examined;
    lines.push(`${rest} of ${clients} were not looked at: name a framework or an agent`);
  }
  return lines;
}

function countText({ agent_count, client_count }: own.WhyGroup): string {
  if (agent_count === 0) return client_count === 1 ? "1 client" : `${client_count} clients`;
  return agent_count === 1 ? "1 agent" : `${agent_count} agents`;
}

function agentsText({ agents = [], agent_count }: own.WhyGroup): string {
  return listed(agents.map(agentText), agent_count);
}

function clientsText({ clients = [], client_count }: own.WhyGroup): string {
  return `for ${listed(clients.map(clientText), client_count)}`;
}

function listed(names: readonly string[], count: number): string {
  const more = count - names.length;
  return more > 0 ? `${names.join(", ")} and ${more} more` : names.join(", ");
}

function agentText({ id, hostname }: own.AgentName): string {
  return `${id} (${hostname})`;
}

function clientText({ framework_id, framework_name, role }: own.ClientName): string {
  return framework_id === ""
    ? `anybody in ${role}`
    : `${framework_name} (${framework_id}) in ${role}`;
}

function topOf(role: string): string {
  return role.split("/")[0] ?? role;
}

function colourOf({ reason }: own.WhyGroup): "green" | "yellow" {
  return reason === "OFFERED" || reason === "AVAILABLE" ? "green" : "yellow";
}

function percent(share: number): string {
  return `${Math.round(share * 1_000) / 10} %`;
}

function span(seconds: number): string {
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800
    ? `${Math.round(seconds / 3_600)} h`
    : `${Math.round(seconds / 86_400)} days`;
}

/** Reasons why somebody is offered something or not: how many, what, who, and what helps. */
import type * as own from "../../worker/protocol/own/operator.ts";
import type { Terminal } from "./command.ts";
import { alignColumns } from "./table.ts";
import { paint } from "./terminal.ts";

/** `namesClients`: they are not all the same one. */
export function reasonLines(
  groups: readonly own.WhyGroup[],
  { terminal, namesClients }: { readonly terminal: Terminal; readonly namesClients: boolean },
): string[] {
  const heads = groups.map((group) => [
    countText(group),
    paint(terminal, colourOf(group), group.reason),
    group.text ?? "",
  ]);
  const aligned = alignColumns(heads);
  const width = Math.max(0, ...heads.map(([count = ""]) => count.length)) + 2;
  const margin = " ".repeat(width);
  return groups.flatMap((group, at) => {
    const told = [aligned[at] ?? ""];
    if ((group.agents?.length ?? 0) > 0) told.push(`${margin}${agentsText(group)}`);
    if (namesClients) told.push(`${margin}${clientsText(group)}`);
    if (group.help !== undefined) told.push(paint(terminal, "dim", `${margin}→ ${group.help}`));
    return told;
  });
}

export function agentText({ id, hostname }: own.AgentName): string {
  return `${id} (${hostname})`;
}

export function clientText({ framework_id, framework_name, role }: own.ClientName): string {
  return framework_id === ""
    ? `anybody in ${role}`
    : `${framework_name} (${framework_id}) in ${role}`;
}

/** A share, or another fraction. */
export function percent(share: number): string {
  return `${Math.round(share * 1_000) / 10} %`;
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

function colourOf({ reason }: own.WhyGroup): "green" | "yellow" {
  return reason === "OFFERED" || reason === "AVAILABLE" ? "green" : "yellow";
}

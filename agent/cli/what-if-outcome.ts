/** What a trial came to, for people: what is otherwise than now, and the tasks that would run. */
import type * as own from "../../worker/protocol/own/operator.ts";
import type { Terminal } from "./command.ts";
import { agentText, percent, reasonLines } from "./reasons.ts";
import { alignColumns } from "./table.ts";
import { paint } from "./terminal.ts";

export function outcomeText(answer: own.WhatIfAnswer, terminal: Terminal): string {
  const { roles = [], frameworks = [], tasks = [] } = answer;
  const lines = [...tasks.flatMap((one) => tasksLines(one, terminal)), summary(answer)];
  if (roles.length > 0) {
    const rows = roles.map((row) => [row.role, ...cells(row), lacks(row)]);
    lines.push("", ...table(["ROLE", "USED", "OFFERED", "SHARE", "LACKS"], rows, terminal));
  }
  if (frameworks.length > 0) {
    const rows = frameworks.map((row) => [nameOf(row), row.client.role, ...cells(row)]);
    lines.push("", ...table(["FRAMEWORK", "ROLE", "USED", "OFFERED", "SHARE"], rows, terminal));
  }
  if (roles.length === 0 && frameworks.length === 0) lines.push("nothing else would be otherwise");
  if (answer.is_one_of_many) lines.push("", paint(terminal, "dim", ONE_OF_MANY));
  return `${lines.join("\n")}\n`;
}

const ONE_OF_MANY = "one outcome of those there may be: agents are looked at in random order";

function summary(answer: own.WhatIfAnswer): string {
  const { offers_made: made, offers_rescinded: rescinded, tasks_lost: lost } = answer;
  const ended = lost === 0 ? "" : `; ${counted(lost, "task")} would end with its agent`;
  const more = answer.is_complete ? "" : " so far: there is more than one trial computes";
  return `${counted(made, "offer")} would be made, ${rescinded} taken back${more}${ended}`;
}

function tasksLines(tasks: own.WhatIfPlaced, terminal: Terminal): string[] {
  const { placed, count, resources, role, agents = [], groups = [], if_declined: more } = tasks;
  const where = agents.map(({ agent, count: number }) => `${number} on ${agentText(agent)}`);
  const head = `${placed} of ${counted(count, "task")} of ${resources} in ${role} would run`;
  const lines = [paint(terminal, placed === count ? "green" : "yellow", head)];
  if (where.length > 0) lines.push(`  ${where.join(", ")}`);
  if (more > 0) lines.push(`  ${more} more if what others have been offered came back`);
  return [...lines, ...reasonLines(groups, { terminal, namesClients: false }), ""];
}

interface Row {
  readonly before: own.WhatIfHoldings;
  readonly after: own.WhatIfHoldings;
}

function cells({ before, after }: Row): string[] {
  return [
    changed(amountsText(before.used), amountsText(after.used)),
    changed(amountsText(before.offered), amountsText(after.offered)),
    changed(percent(before.share), percent(after.share)),
  ];
}

function lacks({ before, after }: Row): string {
  return changed(amountsText(before.unmet), amountsText(after.unmet));
}

function changed(before: string, after: string): string {
  return before === after ? before : `${before} → ${after}`;
}

function nameOf({ client, is_new }: own.WhatIfFramework): string {
  return is_new ? `${client.framework_name} (new)` : client.framework_name;
}

function amountsText(amounts: Readonly<Record<string, number>> = {}): string {
  const parts = Object.entries(amounts).map(([kind, amount]) => `${kind}:${amount}`);
  return parts.length === 0 ? "-" : parts.join(";");
}

function table(heads: readonly string[], rows: readonly string[][], terminal: Terminal): string[] {
  return alignColumns([heads.map((head) => paint(terminal, "dim", head)), ...rows]);
}

function counted(count: number, noun: string): string {
  return count === 1 ? `1 ${noun}` : `${count} ${noun}s`;
}

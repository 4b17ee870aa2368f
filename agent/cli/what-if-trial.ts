/** What `rimrock what-if` is to try, as its flags say it. */
import type * as own from "../../worker/protocol/own/operator.ts";
import { err, ok, type Result } from "../../worker/std/result.ts";

export interface TrialFlags {
  readonly quota: readonly string[];
  readonly guarantee: readonly string[];
  readonly limit: readonly string[];
  readonly weight: readonly string[];
  readonly priority: readonly string[];
  readonly agents: readonly string[];
  readonly gone: readonly string[];
  readonly drained: readonly string[];
  readonly tasks: readonly string[];
  readonly framework: string | undefined;
}

/** The error names the flag that is not as it should be, and how it should. */
export function trialOf(flags: TrialFlags): Result<own.WhatIf, string> {
  const quotas = quotasOf(flags);
  if (!quotas.ok) return quotas;
  const weights = numbersOf("weight", flags.weight);
  if (!weights.ok) return weights;
  const priorities = numbersOf("priority", flags.priority);
  if (!priorities.ok) return priorities;
  const agents = collected(flags.agents, agentsOf);
  if (!agents.ok) return agents;
  const tasks = collected(flags.tasks, (text) => tasksOf(text, flags.framework));
  if (!tasks.ok) return tasks;
  if (flags.framework !== undefined && tasks.value.length === 0) {
    return err("--framework says whose --tasks are tried; give some");
  }
  const trial: own.WhatIf = {
    quotas: quotas.value,
    weights: weights.value.map(([role, weight]) => ({ role, weight })),
    priorities: priorities.value.map(([role, priority]) => ({ role, priority })),
    agents: agents.value,
    tasks: tasks.value,
    gone: flags.gone,
    drained: flags.drained,
  };
  const isEmpty = Object.values(trial).every((list) => list.length === 0);
  return isEmpty ? err("say what is to be tried, such as --quota, --agents or --tasks") : ok(trial);
}

type Amounts = Record<string, number>;

/** Of a role that is named by several flags each says its part. */
function quotasOf(flags: TrialFlags): Result<own.WhatIfQuota[], string> {
  const roles = new Map<string, { guarantees?: Amounts; limits?: Amounts }>();
  for (const flag of ["quota", "guarantee", "limit"] as const) {
    for (const text of flags[flag]) {
      const [role, resources] = parted(text, "=");
      const amounts = amountsOf(resources);
      if (role === "" || amounts === undefined) {
        return err(`--${flag} is given as ROLE=RESOURCES, such as batch=cpus:10, not "${text}"`);
      }
      const quota = roles.get(role) ?? {};
      if (flag !== "limit") quota.guarantees = amounts;
      if (flag !== "guarantee") quota.limits = amounts;
      roles.set(role, quota);
    }
  }
  return ok([...roles].map(([role, quota]) => ({ role, ...quota })));
}

/** "cpus:10;mem:4096"; undefined: it is not that. */
function amountsOf(text: string): Amounts | undefined {
  const amounts: Amounts = {};
  for (const part of text.split(";")) {
    const [kind, amount] = parted(part, ":");
    if (kind === "" || !isNumber(amount)) return undefined;
    amounts[kind] = Number(amount);
  }
  return amounts;
}

function numbersOf(
  flag: string,
  texts: readonly string[],
): Result<readonly (readonly [string, number])[], string> {
  return collected(texts, (text) => {
    const [role, number] = parted(text, "=");
    if (role !== "" && isNumber(number)) return ok([role, Number(number)] as const);
    return err(`--${flag} is given as ROLE=NUMBER, not "${text}"`);
  });
}

/** "5@S1", or one like "S1". */
function agentsOf(text: string): Result<own.WhatIfAgents, string> {
  const [, count = "1", like = ""] = /^(?:(\d+)@)?(.+)$/.exec(text) ?? [];
  const number = Number(count);
  if (like !== "" && number >= 1 && Number.isSafeInteger(number))
    return ok({ like, count: number });
  return err(`--agents is given as N@AGENT, such as 5@S1, not "${text}"`);
}

/** "20xcpus:1;mem:128@batch"; one task without "20x", and in the framework's role without "@". */
function tasksOf(text: string, framework: string | undefined): Result<own.WhatIfTasks, string> {
  const [, count = "1", rest = ""] = /^(?:(\d+)x)?(.+)$/.exec(text) ?? [];
  const at = rest.lastIndexOf("@");
  const resources = at < 0 ? rest : rest.slice(0, at);
  const role = at < 0 ? undefined : rest.slice(at + 1);
  const number = Number(count);
  const isCount = number >= 1 && Number.isSafeInteger(number);
  if (isCount && resources.includes(":") && role !== "") {
    return ok({ resources, count: number, role, framework });
  }
  return err(
    `--tasks is given as NxRESOURCES@ROLE, such as 20xcpus:1;mem:128@batch, not "${text}"`,
  );
}

function collected<T>(
  texts: readonly string[],
  read: (text: string) => Result<T, string>,
): Result<T[], string> {
  const values: T[] = [];
  for (const text of texts) {
    const value = read(text);
    if (!value.ok) return value;
    values.push(value.value);
  }
  return ok(values);
}

/** At the first separator; all of it is behind one that is not there. */
function parted(text: string, separator: string): readonly [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? ["", text] : [text.slice(0, at).trim(), text.slice(at + 1).trim()];
}

function isNumber(text: string): boolean {
  return text !== "" && Number.isFinite(Number(text));
}

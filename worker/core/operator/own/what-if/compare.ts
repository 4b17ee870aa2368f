/** Two pictures of who has what, side by side: only what differs, or what the trial named. */
import type * as own from "../../../../protocol/own/operator.ts";
import { isStrictlyBelow } from "../../../../resources/roles.ts";
import { DEFAULT_ROLE_SETTINGS } from "../../../allocator/policy.ts";
import { frameworkInfo } from "../../../framework/info.ts";
import { dominantShare } from "../../../role/share.ts";
import type { RoleRow } from "../../../rows.ts";
import type { MasterState } from "../../../state.ts";
import type { Picture, Pictures, Sums } from "./books.ts";
import type { Trial } from "./question.ts";

/** Rows of an answer; what differs beyond them is in the sums of the roles. */
const ROWS_MOST = 200;

interface RoleSettings {
  readonly weight: number;
  readonly quota: RoleRow["quota"];
}

/** With everything below it. `settingsBefore`: of roles, as they were before the trial. */
export function compareRoles(
  state: MasterState,
  {
    trial,
    pictures: { before, after },
    settingsBefore,
  }: {
    readonly trial: Trial;
    readonly pictures: Pictures;
    readonly settingsBefore: ReadonlyMap<string, RoleSettings>;
  },
): readonly own.WhatIfRole[] {
  const named = [...trial.quotas, ...trial.weights, ...trial.priorities, ...trial.tasks];
  const isNamed = new Set(named.flatMap(({ role }) => role ?? []));
  const roles = new Set(isNamed);
  for (const { clients } of [before, after]) for (const { role } of clients) roles.add(role);
  const settingsAfter = settingsOf(state);
  const rows = [...roles].sort().map((role) => ({
    role,
    before: roleHoldings(before, role, settingsBefore.get(role)),
    after: roleHoldings(after, role, settingsAfter.get(role)),
  }));
  return rows
    .filter((row) => isNamed.has(row.role) || differ(row.before, row.after))
    .slice(0, ROWS_MOST);
}

export function settingsOf({ tables }: MasterState): ReadonlyMap<string, RoleSettings> {
  const weightOf = ({ weight }: RoleRow): number => weight ?? DEFAULT_ROLE_SETTINGS.weight;
  return new Map(
    [...tables.role.values()].map((row) => [row.name, { weight: weightOf(row), quota: row.quota }]),
  );
}

export function compareClients(
  state: MasterState,
  { before, after }: Pictures,
  counts: {
    readonly made: ReadonlyMap<string, number>;
    readonly rescinded: ReadonlyMap<string, number>;
    /** Frameworks that the trial made up. */
    readonly madeUp: ReadonlySet<string>;
  },
): readonly own.WhatIfFramework[] {
  const keyOf = ({ frameworkId, role }: { frameworkId: string; role: string }): string =>
    `${frameworkId}/${role}`;
  const old = new Map(before.clients.map((client) => [keyOf(client), client]));
  const rows: own.WhatIfFramework[] = [];
  for (const client of after.clients) {
    const { frameworkId, role } = client;
    const row = state.tables.framework.get(frameworkId);
    const known = old.get(keyOf(client));
    const none = { used: new Map<string, number>(), offered: new Map<string, number>() };
    rows.push({
      client: {
        framework_id: frameworkId,
        framework_name: row === undefined ? "" : frameworkInfo(row).name,
        role,
      },
      before: holdings(known ?? none, before.total, 1),
      after: holdings(client, after.total, 1),
      offers_made: counts.made.get(frameworkId) ?? 0,
      offers_rescinded: counts.rescinded.get(frameworkId) ?? 0,
      is_new: counts.madeUp.has(frameworkId),
    });
  }
  return rows.filter((row) => differ(row.before, row.after)).slice(0, ROWS_MOST);
}

function roleHoldings(
  { total, clients }: Picture,
  role: string,
  settings: RoleSettings | undefined,
): own.WhatIfHoldings {
  const used: Sums = new Map();
  const offered: Sums = new Map();
  for (const client of clients) {
    if (client.role !== role && !isStrictlyBelow(client.role, role)) continue;
    for (const [kind, amount] of client.used) used.set(kind, (used.get(kind) ?? 0) + amount);
    for (const [kind, amount] of client.offered) {
      offered.set(kind, (offered.get(kind) ?? 0) + amount);
    }
  }
  const unmet = Object.entries(settings?.quota?.guarantees ?? {})
    .map(([kind, guaranteed]) => {
      const has = (used.get(kind) ?? 0) + (offered.get(kind) ?? 0);
      return [kind, (guaranteed - has) / 1_000] as const;
    })
    .filter(([, lacking]) => lacking > 0);
  const weight = settings?.weight ?? DEFAULT_ROLE_SETTINGS.weight;
  return { ...holdings({ used, offered }, total, weight), unmet: Object.fromEntries(unmet) };
}

function holdings(
  { used, offered }: { readonly used: Sums; readonly offered: Sums },
  total: ReadonlyMap<string, number>,
  weight: number,
): own.WhatIfHoldings {
  const has = new Map(used);
  for (const [kind, amount] of offered) has.set(kind, (has.get(kind) ?? 0) + amount);
  const { share } = dominantShare(Object.fromEntries(has), Object.fromEntries(total), weight);
  return { used: units(used), offered: units(offered), share };
}

function units(sums: Sums): Readonly<Record<string, number>> {
  return Object.fromEntries([...sums].map(([kind, thousandths]) => [kind, thousandths / 1_000]));
}

function differ(before: own.WhatIfHoldings, after: own.WhatIfHoldings): boolean {
  return JSON.stringify(before) !== JSON.stringify(after);
}

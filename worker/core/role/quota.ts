/**
 * Quota: what the tree of a top-level role is guaranteed, and what it may have at most
 * (http-semantics 14.2). Operators set it; the allocator keeps to it (`allocator/quota.ts`).
 */
import type * as mesos from "../../protocol/v1/mesos.ts";
import type * as quota from "../../protocol/v1/quota.ts";
import { addQuantities, quantitiesOf, quantityOf } from "../../resources/quantities.ts";
import type { Quantities } from "../../resources/resource.ts";
import { checkRole } from "../../resources/roles.ts";
import { err, ok, type Result } from "../../std/result.ts";
import type { QuotaError, RoleError } from "../operator/operator-error.ts";
import type { RoleRow } from "../rows.ts";
import type { MasterState } from "../state.ts";
import type { Turn } from "../turn.ts";
import { consumptionOf } from "./consumption.ts";
import { rescindForGuarantees, rescindOverLimits } from "./rescind-for-quota.ts";
import { putRole } from "./role-row.ts";

export type Quota = NonNullable<RoleRow["quota"]>;

/** New quotas by role; undefined: the role has none any more. */
export type QuotaUpdate = ReadonlyMap<string, Quota | undefined>;

type Part = "guarantees" | "limits";

/** An exabyte, in MB; of what is not counted in MB, a trillion. */
const AMOUNT_MAX: { readonly [kind: string]: number } = { mem: 1024 ** 4, disk: 1024 ** 4 };
const OTHER_AMOUNT_MAX = 10 ** 12;

/** The configurations of one call: all of them are in order, or none is set. */
export function parseQuotaConfigs(
  configs: readonly quota.QuotaConfig[],
): Result<QuotaUpdate, QuotaError | RoleError> {
  const update = new Map<string, Quota | undefined>();
  for (const config of configs) {
    const { role } = config;
    const problem = checkRole(role);
    if (problem !== undefined) return err({ code: "ROLE_INVALID", role, problem });
    if (role.includes("/")) return err({ code: "QUOTA_ROLE_NESTED", role });
    if (update.has(role)) return err({ code: "QUOTA_ROLE_TWICE", role });
    const parsed = parseQuota(config);
    if (!parsed.ok) return parsed;
    update.set(role, parsed.value);
  }
  return ok(update);
}

/** Undefined: it says nothing, which is the quota of a role without one. */
function parseQuota({
  role,
  guarantees = {},
  limits = {},
}: quota.QuotaConfig): Result<Quota | undefined, QuotaError> {
  const guaranteed = parseAmounts(role, "guarantees", guarantees);
  if (!guaranteed.ok) return guaranteed;
  const limited = parseAmounts(role, "limits", limits);
  if (!limited.ok) return limited;
  for (const [kind, guarantee] of Object.entries(guaranteed.value)) {
    if (!Object.hasOwn(limited.value, kind)) continue;
    const limit = quantityOf(limited.value, kind);
    if (guarantee > limit) {
      return err({ code: "QUOTA_GUARANTEE_ABOVE_LIMIT", role, kind, guarantee, limit });
    }
  }
  // A guarantee of nothing is none; a limit of nothing is one.
  const some = Object.entries(guaranteed.value).filter(([, thousandths]) => thousandths > 0);
  const isDefault = some.length === 0 && Object.keys(limited.value).length === 0;
  return ok(
    isDefault ? undefined : { guarantees: Object.fromEntries(some), limits: limited.value },
  );
}

function parseAmounts(
  role: string,
  part: Part,
  amounts: Readonly<Record<string, mesos.ValueScalar>>,
): Result<Quantities, QuotaError> {
  const parsed: [string, number][] = [];
  for (const [kind, { value }] of Object.entries(amounts)) {
    const invalid = { code: "QUOTA_VALUE_INVALID", role, part, kind, value } as const;
    if (!Number.isFinite(value) || value < 0) return err(invalid);
    const most = Object.hasOwn(AMOUNT_MAX, kind) ? AMOUNT_MAX[kind] : OTHER_AMOUNT_MAX;
    if (most !== undefined && value > most) return err({ ...invalid, most });
    parsed.push([kind, Math.round(value * 1_000)]);
  }
  return ok(Object.fromEntries(parsed));
}

/**
 * Whether the cluster as it is can keep to the update: no role has more than its new limit, and all
 * guarantees together fit. Outstanding offers do not count: they are taken back.
 */
export function checkQuotaUpdate(state: MasterState, update: QuotaUpdate): QuotaError | undefined {
  for (const [role, set] of update) {
    const consumption = consumptionOf(state, role, { offers: "NOT_COUNTED" });
    for (const [kind, limit] of Object.entries(set?.limits ?? {})) {
      const consumed = quantityOf(consumption, kind);
      if (consumed <= limit) continue;
      return { code: "QUOTA_LIMIT_BELOW_CONSUMPTION", role, kind, limit, consumed };
    }
  }
  const capacity = capacityOf(state);
  for (const [kind, guaranteed] of Object.entries(guaranteedWith(state, update))) {
    const has = quantityOf(capacity, kind);
    if (guaranteed > has) {
      return { code: "QUOTA_EXCEEDS_CAPACITY", kind, guaranteed, capacity: has };
    }
  }
  return undefined;
}

/** Everything that is not revocable on the agents that are there. */
function capacityOf({ tables }: MasterState): Quantities {
  let sum: Quantities = {};
  for (const { connection, total } of tables.agent.values()) {
    if (connection.state !== "CONNECTED") continue;
    sum = addQuantities(sum, quantitiesOf(total.filter(({ revocable }) => !revocable)));
  }
  return sum;
}

function guaranteedWith({ tables }: MasterState, update: QuotaUpdate): Quantities {
  const kept = [...tables.role.values()].filter(({ name }) => !update.has(name));
  const quotas = [...kept.map((row) => row.quota), ...update.values()];
  return quotas.reduce<Quantities>((sum, one) => addQuantities(sum, one?.guarantees ?? {}), {});
}

/** Sets all of them, and takes back the offers that stand against them. */
export function setQuotas(turn: Turn, update: QuotaUpdate): void {
  for (const [name, quota] of update) putRole(turn.state, name, { quota });
  // What stands against a limit goes anyway, and may be all that a guarantee needs.
  rescindOverLimits(turn);
  rescindForGuarantees(turn);
}

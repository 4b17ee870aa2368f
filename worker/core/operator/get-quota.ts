import type * as master from "../../protocol/v1/master.ts";
import type * as mesos from "../../protocol/v1/mesos.ts";
import type * as quota from "../../protocol/v1/quota.ts";
import type { Quantities } from "../../resources/resource.ts";
import type { MasterState } from "../state.ts";

/** `infos` is the older form of the same: guarantees only. */
export function getQuota(state: MasterState): master.Response {
  const infos: quota.QuotaInfo[] = [];
  const configs: quota.QuotaConfig[] = [];
  for (const { name: role, quota: set } of state.tables.role.values()) {
    if (set === undefined) continue;
    const guarantees = amountMessages(set.guarantees);
    const guarantee = Object.entries(guarantees).map(
      ([name, scalar]): mesos.Resource => ({ name, type: "SCALAR", scalar }),
    );
    infos.push({ role, guarantee });
    configs.push({ role, guarantees, limits: amountMessages(set.limits) });
  }
  // What is empty is left out, as Mesos does.
  const status = infos.length === 0 ? {} : { infos, configs };
  return { type: "GET_QUOTA", get_quota: { status } };
}

function amountMessages(quantities: Quantities): Readonly<Record<string, mesos.ValueScalar>> {
  const entries = Object.entries(quantities);
  return Object.fromEntries(entries.map(([kind, amount]) => [kind, { value: amount / 1_000 }]));
}

import { topRole } from "../role/consumption.ts";
import type { QuotaLedger } from "./quota.ts";

/** What keeps something from a role. Thousandths. */
export type QuotaObstacle =
  | {
      readonly type: "LIMIT";
      /** Where it is set: at the top of the tree. */
      readonly role: string;
      readonly limit: number;
      readonly consumed: number;
    }
  | {
      readonly type: "HEADROOM";
      /** Of the kind, in the whole cluster. */
      readonly free: number;
      /** What other roles lack of their guarantees. */
      readonly lacking: readonly { readonly role: string; readonly thousandths: number }[];
    };

/** What stands against the role's having so much more of a kind; undefined: nothing. */
export function obstacleTo(
  { books }: QuotaLedger,
  role: string,
  { kind: name, thousandths }: { readonly kind: string; readonly thousandths: number },
): QuotaObstacle | undefined {
  const top = topRole(role);
  const kind = books.kinds.numberOf(name);
  const left = books.leftOf(top, kind);
  if (left < thousandths) {
    const consumed = books.consumedBy(top, kind);
    return { type: "LIMIT", role: top, limit: left + consumed, consumed };
  }
  const surplus = books.surplusOf(kind);
  if (Math.max(surplus, books.unmetOf(top, kind)) >= thousandths) return undefined;
  const lacking = [...books.names()]
    .map((other) => ({ role: other, thousandths: books.unmetOf(other, kind) }))
    .filter((owed) => owed.thousandths > 0 && owed.role !== top);
  return { type: "HEADROOM", free: surplus + books.requiredOf(kind), lacking };
}

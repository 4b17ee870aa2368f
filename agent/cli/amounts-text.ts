export type Amounts = Readonly<Record<string, number>>;

/** "cpus=2 mem=64", or a dash. */
export function amountsText(amounts: Amounts = {}): string {
  const parts = Object.entries(amounts).map(([kind, value]) => `${kind}=${value}`);
  return parts.length === 0 ? "-" : parts.join(" ");
}

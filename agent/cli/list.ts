/**
 * What the `list` commands share: an array of plain objects, or a table with a head, or a word when
 * empty.
 */
import type { CommandContext } from "./command.ts";
import { alignColumns } from "./table.ts";
import { paint } from "./terminal.ts";

export interface Listing<T> {
  readonly items: readonly T[];
  /** Head → cell. */
  readonly columns: { readonly [head: string]: (item: T) => string };
  /** The sentence for an empty list, and what to do about it. */
  readonly empty: string;
}

export function printListing<T>(listing: Listing<T>, { terminal, json }: CommandContext): void {
  const { items, columns, empty } = listing;
  if (json) {
    terminal.out(`${JSON.stringify(items, null, 2)}\n`);
    return;
  }
  if (items.length === 0) {
    terminal.out(`${empty}\n`);
    return;
  }
  const heads = Object.keys(columns).map((head) => paint(terminal, "dim", head));
  const rows = items.map((item) => Object.values(columns).map((cell) => cell(item)));
  terminal.out(`${alignColumns([heads, ...rows]).join("\n")}\n`);
}

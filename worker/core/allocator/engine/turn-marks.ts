/**
 * How many turns every role and framework has had, by its way down the tree: what an undo of
 * Changes does not put back, since turns are no rows.
 */
import type { OrderTree } from "./order-tree.ts";
import { NONE } from "./tree-columns.ts";

export type TurnMarks = ReadonlyMap<string, number>;

export function turnMarks(tree: OrderTree): TurnMarks {
  const marks = new Map<string, number>();
  walk(tree, (node, way) => {
    const turns = tree.columns.turns[node] ?? 0;
    if (turns > 0) marks.set(way, turns);
  });
  return marks;
}

/** Whoever is not among the marks has had none. */
export function restoreTurns(tree: OrderTree, marks: TurnMarks): void {
  walk(tree, (node, way) => {
    tree.columns.turns[node] = marks.get(way) ?? 0;
    if (tree.columns.client[node] === NONE) tree.siblingsIn(node).forgetOrder();
  });
  tree.siblingsIn(ROOT).forgetOrder();
}

const ROOT = 0;

/** Every node but the root, with the names of it and of those above it. */
function walk(tree: OrderTree, visit: (node: number, way: string) => void): void {
  const below = (parent: number, way: string): void => {
    for (const node of tree.siblingsIn(parent).named) {
      const ownWay = `${way}/${tree.nameOf(node)}`;
      visit(node, ownWay);
      if (tree.columns.client[node] === NONE) below(node, ownWay);
    }
  };
  below(ROOT, "");
}

import type { TreeNode } from "../policies/role-tree.ts";
import type { Client, RoleSettings } from "../policy.ts";
import type { OrderTree } from "./order-tree.ts";
import { NONE } from "./tree-columns.ts";

/** One node of the tree for a policy that arranges siblings itself; reads what is so now. */
export class NodeView implements TreeNode {
  readonly #tree: OrderTree;
  readonly node: number;

  constructor(tree: OrderTree, node: number) {
    this.#tree = tree;
    this.node = node;
  }

  get name(): string {
    return this.#tree.nameOf(this.node);
  }

  get role(): string {
    return this.#tree.roleOf(this.node);
  }

  get client(): Client | undefined {
    const number = this.#tree.columns.client[this.node] ?? NONE;
    return number === NONE ? undefined : this.#tree.clientAt(number);
  }

  get settings(): RoleSettings {
    const { weight, priority } = this.#tree.columns;
    return { weight: weight[this.node] ?? 1, priority: priority[this.node] ?? 0 };
  }

  get turns(): number {
    return this.#tree.columns.turns[this.node] ?? 0;
  }

  get share(): number {
    return this.#tree.shareOf(this.node);
  }

  get allocated(): ReadonlyMap<string, number> {
    const { columns, kinds } = this.#tree;
    const has = [...columns.allocated.entries(this.node)];
    return new Map(has.map(([kind, thousandths]) => [kinds.nameOf(kind), thousandths] as const));
  }
}

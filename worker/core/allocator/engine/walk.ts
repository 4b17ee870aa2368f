/**
 * Goes down the tree in the policy's order, from client to client.
 *
 * The order of every level is that of the moment at which the walk enters it; who was given last
 * may be given something, and nobody else, so that this is the order at the beginning.
 */
import type { Prng } from "../../../std/prng.ts";
import type { Arrange, TreeNode } from "../policies/role-tree.ts";
import type { OrderRequest } from "../policy.ts";
import { hasBit } from "./bits.ts";
import type { OrderTree } from "./order-tree.ts";
import type { Siblings } from "./siblings.ts";
import { NONE } from "./tree-columns.ts";

const ROOT = 0;

/** Where the walk is in one level. */
interface Level {
  siblings: Siblings;
  at: number;
  /** Of a policy that arranges siblings itself. */
  arranged: Iterator<TreeNode> | undefined;
}

export class Walk {
  readonly #tree: OrderTree;
  readonly #levels: Level[] = [];
  #depth = -1;
  #request: OrderRequest | undefined;
  /** Nodes that the walk has looked at since it was made. */
  steps = 0;

  constructor(tree: OrderTree) {
    this.#tree = tree;
  }

  /** Starts at the top; whatever was left of the walk before is dropped. */
  begin(request: OrderRequest): void {
    this.#request = request;
    this.#depth = -1;
    this.#enter(ROOT);
  }

  /**
   * Number of the next client; NONE at the end. `among`: only clients whose bit is set; absent: all
   * that want offers. `ways`: by node of a role at the top, how anybody in it could be given
   * something; with none of the ways in `open` it is left out as a whole.
   */
  next(among?: Int32Array, ways?: Int32Array, open = 0): number {
    const { columns } = this.#tree;
    while (this.#depth >= 0) {
      const node = this.#nextSibling(this.#levels[this.#depth] as Level);
      this.steps++;
      if (node === NONE) {
        this.#depth--;
        continue;
      }
      if (this.#depth === 0 && (isClosed(node, ways, open) || this.#skips(node))) continue;
      const below = this.#descend(node);
      const client = columns.client[below] ?? NONE;
      if (client === NONE) this.#enter(below);
      else if (among === undefined || hasBit(among, 0, client)) return client;
    }
    return NONE;
  }

  /** The first node at or below this one that has a choice of children, or none: a leaf. */
  #descend(node: number): number {
    let below = node;
    while (this.#tree.columns.client[below] === NONE) {
      const { named } = this.#tree.siblingsIn(below);
      if (named.length > 1) break;
      below = named[0] ?? NONE;
    }
    return below;
  }

  #nextSibling(level: Level): number {
    if (level.arranged === undefined) {
      const { siblings } = level;
      return level.at < siblings.count ? (siblings.ordered[level.at++] ?? NONE) : NONE;
    }
    const { done, value } = level.arranged.next();
    return done === true ? NONE : value.node;
  }

  #skips(node: number): boolean {
    return this.#request?.skipsTree?.(this.#tree.roleOf(node)) === true;
  }

  #enter(node: number): void {
    const siblings = this.#tree.settled(node);
    const { ranking } = this.#tree;
    const arranged =
      ranking.type === "ARRANGED" ? this.#arrange(siblings, ranking.arrange) : undefined;
    const level = this.#levels[++this.#depth];
    if (level === undefined) {
      this.#levels.push({ siblings, at: 0, arranged });
      return;
    }
    level.siblings = siblings;
    level.at = 0;
    level.arranged = arranged;
  }

  #arrange({ named }: Siblings, arrange: Arrange): Iterator<TreeNode> {
    const tree = this.#tree;
    const wanting = named.filter((node) => (tree.columns.wanting[node] ?? 0) > 0);
    const views = wanting.map((node) => tree.viewOf(node));
    if (views.length < 2) return views.values();
    const random = this.#request?.random as Prng;
    return arrange(views, { random })[Symbol.iterator]();
  }
}

function isClosed(node: number, ways: Int32Array | undefined, open: number): boolean {
  return ways !== undefined && ((ways[node] ?? 0) & open) === 0;
}

/**
 * The tree that policies order by: roles, within each role its subroles and one node for its own
 * frameworks, and the frameworks as leaves.
 *
 *     (root) ─ eng ─┬─ .       own frameworks of eng: f1, f2      weight 1
 *                   └─ eng/web ─ .  own frameworks of eng/web: f3
 *
 * 1. A node's `allocated` is the sum over its children. 2. `active` counts the active leaves at or
 * below a node. 3. An inner node without leaves does not exist. 4. Children are listed by name, so
 * that an order does not depend on which came first. Does not know how siblings are ordered: that
 * is the policy.
 */
import type { Quantities } from "../../../resources/resource.ts";
import { assert, defined } from "../../../std/assert.ts";
import {
  type Allocation,
  type Client,
  DEFAULT_ROLE_SETTINGS,
  type OrderRequest,
  type Policy,
  type PolicyState,
  type RoleSettings,
} from "../policy.ts";

/** No component of a role's name may be this. */
const OWN_NAME = ".";

export interface TreeNode {
  /** A component of a role's name, "." for own frameworks, or a framework's id. */
  readonly name: string;
  readonly parent: TreeNode | undefined;
  readonly children: Map<string, TreeNode>;
  /** Set on leaves. */
  readonly client: Client | undefined;
  /** Full name; of the role itself for its own frameworks. */
  readonly role: string;
  settings: RoleSettings;
  /** Active leaves at or below; 0 or 1 on a leaf. */
  active: number;
  /** Turns of all clients below; see `PolicyState.tookTurn`. */
  turns: number;
  /** Thousandths, without kinds that are 0. */
  readonly allocated: Map<string, number>;
  /** Children by name; undefined when it has to be made again. */
  sorted: readonly TreeNode[] | undefined;
  /**
   * A policy's own number for this node and when it was computed; undefined when it has to be
   * computed again.
   */
  share: { readonly value: number; readonly totalVersion: number } | undefined;
  /** Active children by name; undefined when it has to be made again. */
  wanting: readonly TreeNode[] | undefined;
  /** Something about it has changed that may change its place among its siblings. */
  changed: boolean;
  /** How its active children were ordered last, if their policy keeps that: see `in-order.ts`. */
  ordered: { readonly children: readonly TreeNode[]; readonly totalVersion: number } | undefined;
}

/** What an arrangement may look at besides the nodes. */
export interface ArrangeContext {
  readonly total: Quantities;
  /** Rises with every change of the total. */
  readonly totalVersion: number;
  readonly random: OrderRequest["random"];
}

/**
 * Puts siblings in order, best first. Gets those only that have active clients, by name, in an
 * array it must not change; decides with what it sees at the call, not later.
 */
export type Arrange = (
  siblings: readonly TreeNode[],
  context: ArrangeContext,
) => Iterable<TreeNode>;

/**
 * The policy that goes down the tree and puts the siblings of every level in order with `arrange`.
 */
export function treePolicy(arrange: Arrange): Policy {
  return { create: () => new TreePolicyState(arrange) };
}

class TreePolicyState implements PolicyState {
  readonly #arrange: Arrange;
  readonly #settings = new Map<string, RoleSettings>();
  readonly #root = makeNode({ name: "", role: "", parent: undefined, client: undefined });
  #total: Quantities = {};
  #totalVersion = 0;

  constructor(arrange: Arrange) {
    this.#arrange = arrange;
  }

  setTotal(total: Quantities): void {
    this.#total = total;
    this.#totalVersion++;
  }

  setRole(role: string, settings: RoleSettings): void {
    assert(settings.weight > 0 && Number.isFinite(settings.weight), `weight of ${role} is above 0`);
    this.#settings.set(role, settings);
    const node = this.#findRole(role);
    if (node === undefined) return;
    node.settings = settings;
    noteChange(node);
  }

  add(client: Client): void {
    let role = this.#root;
    for (const component of client.role.split("/")) {
      role = role.children.get(component) ?? this.#addRole(role, component);
    }
    const own =
      role.children.get(OWN_NAME) ??
      addChild({ name: OWN_NAME, role: client.role, parent: role, client: undefined });
    const name = client.frameworkId;
    assert(!own.children.has(name), `${name} is added to ${client.role} once`);
    count(addChild({ name, role: client.role, parent: own, client }), 1);
  }

  remove(client: Client): void {
    const leaf = this.#leaf(client);
    assert(leaf.allocated.size === 0, `${leaf.name} has nothing left in ${leaf.role}`);
    count(leaf, -leaf.active);
    prune(leaf);
  }

  activate(client: Client): void {
    const leaf = this.#leaf(client);
    count(leaf, 1 - leaf.active);
  }

  deactivate(client: Client): void {
    const leaf = this.#leaf(client);
    count(leaf, -leaf.active);
  }

  allocated({ client, quantities }: Allocation): void {
    for (const node of pathOf(this.#leaf(client))) {
      for (const [kind, thousandths] of Object.entries(quantities)) {
        if (thousandths === 0) continue;
        node.allocated.set(kind, (node.allocated.get(kind) ?? 0) + thousandths);
      }
      noteChange(node);
    }
  }

  unallocated({ client, quantities }: Allocation): void {
    for (const node of pathOf(this.#leaf(client))) {
      for (const [kind, thousandths] of Object.entries(quantities)) {
        const left = (node.allocated.get(kind) ?? 0) - thousandths;
        assert(left >= 0, `${client.frameworkId} has the ${kind} of ${client.role} it gives back`);
        if (left === 0) node.allocated.delete(kind);
        else node.allocated.set(kind, left);
      }
      noteChange(node);
    }
  }

  tookTurn(client: Client): void {
    for (const node of pathOf(this.#leaf(client))) {
      node.turns++;
      node.changed = true;
    }
  }

  order({ random, skipsTree }: OrderRequest): Iterable<Client> {
    const context = { total: this.#total, totalVersion: this.#totalVersion, random };
    return this.#walk(this.#root, context, skipsTree);
  }

  *#walk(
    node: TreeNode,
    context: ArrangeContext,
    skipsTree?: OrderRequest["skipsTree"],
  ): Generator<Client, void, undefined> {
    const siblings = wantingIn(node);
    const arranged = siblings.length > 1 ? this.#arrange(siblings, context) : siblings;
    for (const child of arranged) {
      if (skipsTree?.(child.role)) continue;
      if (child.client !== undefined) yield child.client;
      else yield* this.#walk(child, context);
    }
  }

  #leaf({ role, frameworkId }: Client): TreeNode {
    const own = this.#findRole(role)?.children.get(OWN_NAME);
    return defined(own?.children.get(frameworkId), `${frameworkId} is a client of ${role}`);
  }

  #addRole(parent: TreeNode, name: string): TreeNode {
    const role = parent.role === "" ? name : `${parent.role}/${name}`;
    const node = addChild({ name, role, parent, client: undefined });
    node.settings = this.#settings.get(role) ?? DEFAULT_ROLE_SETTINGS;
    return node;
  }

  #findRole(role: string): TreeNode | undefined {
    let node: TreeNode | undefined = this.#root;
    for (const component of role.split("/")) node = node?.children.get(component);
    return node;
  }
}

function makeNode(facts: Pick<TreeNode, "name" | "role" | "parent" | "client">): TreeNode {
  return {
    ...facts,
    children: new Map(),
    settings: DEFAULT_ROLE_SETTINGS,
    active: 0,
    turns: 0,
    allocated: new Map(),
    sorted: undefined,
    share: undefined,
    wanting: undefined,
    changed: true,
    ordered: undefined,
  };
}

function addChild(
  facts: Pick<TreeNode, "name" | "role" | "client"> & { parent: TreeNode },
): TreeNode {
  const node = makeNode(facts);
  facts.parent.children.set(node.name, node);
  facts.parent.sorted = undefined;
  return node;
}

function childrenOf(node: TreeNode): readonly TreeNode[] {
  node.sorted ??= [...node.children.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  return node.sorted;
}

function wantingIn(node: TreeNode): readonly TreeNode[] {
  node.wanting ??= childrenOf(node).filter((child) => child.active > 0);
  return node.wanting;
}

/** The node and its ancestors, the root last. */
function* pathOf(leaf: TreeNode): Generator<TreeNode, void, undefined> {
  for (let node: TreeNode | undefined = leaf; node !== undefined; node = node.parent) yield node;
}

function count(leaf: TreeNode, change: number): void {
  for (const node of pathOf(leaf)) {
    node.active += change;
    node.changed = true;
    if (node.parent !== undefined) node.parent.wanting = undefined;
  }
}

/** What it has, or what it is due, is not what it was. */
function noteChange(node: TreeNode): void {
  node.share = undefined;
  node.changed = true;
}

/** Removes a leaf, and then its ancestors as far as they are left without children. */
function prune(leaf: TreeNode): void {
  for (const node of pathOf(leaf)) {
    if (node.children.size > 0 || node.parent === undefined) return;
    node.parent.children.delete(node.name);
    node.parent.sorted = undefined;
  }
}

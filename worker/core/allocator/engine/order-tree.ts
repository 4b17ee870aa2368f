/**
 * The tree that policies order by: roles, within each role its subroles and one node for its own
 * frameworks, and the frameworks as leaves.
 *
 *     (root) ─ eng ─┬─ .       own frameworks of eng: f1, f2      weight 1
 *                   └─ eng/web ─ .  own frameworks of eng/web: f3
 *
 * 1. What a node has is the sum over its children; of the root nobody asks. 2. `wanting` counts the
 * wanting leaves at or below a node. 3. An inner node without children does not exist, but for the
 * root. 4. Siblings are told apart by name, so that an order does not depend on who came first.
 * Does not know how siblings are ordered: that is the policy's `Ranking`.
 */
import type { Quantities } from "../../../resources/resource.ts";
import { assert, defined } from "../../../std/assert.ts";
import type { Arrange, TreeNode } from "../policies/role-tree.ts";
import {
  type Allocation,
  type Client,
  DEFAULT_ROLE_SETTINGS,
  type OrderRequest,
  type PolicyState,
  type RoleSettings,
} from "../policy.ts";
import { Kinds } from "./kinds.ts";
import { NodeView } from "./node-view.ts";
import { type Compare, type SettleBy, Siblings } from "./siblings.ts";
import { Slots } from "./slots.ts";
import { NONE, TreeColumns } from "./tree-columns.ts";
import { Walk } from "./walk.ts";

/** No component of a role's name may be this. */
const OWN_NAME = ".";
const ROOT = 0;

/** How a policy orders siblings: by a comparison, whose order is kept, or anew every time. */
export type Ranking =
  | { readonly type: "COMPARED"; readonly compare: Compare }
  | { readonly type: "ARRANGED"; readonly arrange: Arrange };

export class OrderTree implements PolicyState {
  readonly kinds: Kinds;
  readonly ranking: Ranking;
  readonly columns = new TreeColumns();
  readonly #numbers = new Slots();
  /** By number; see `numberOf`. */
  readonly #clients: (Client | undefined)[] = [];
  readonly #leaves: number[] = [];
  readonly #siblings: (Siblings | undefined)[] = [];
  readonly #roles: string[] = [];
  readonly #names: string[] = [];
  readonly #views: (NodeView | undefined)[] = [];
  readonly #settings = new Map<string, RoleSettings>();
  readonly #total: number[] = [];
  totalVersion = 0;
  /** One object for all levels: they are settled for every agent. */
  readonly #settleBy: SettleBy;

  constructor(ranking: Ranking, kinds: Kinds = new Kinds()) {
    this.ranking = ranking;
    const compare = ranking.type === "COMPARED" ? ranking.compare : byName;
    const { columns, measure } = this;
    this.#settleBy = { columns, measure, compare, totalVersion: 0 };
    this.kinds = kinds;
    this.#makeNode({ name: "", role: "", parent: NONE, client: NONE });
  }

  setTotal(total: Quantities): void {
    this.#total.length = 0;
    for (const [name, thousandths] of Object.entries(total)) {
      this.#total[this.kinds.numberOf(name)] = thousandths;
    }
    this.totalVersion++;
  }

  totalOf(kind: number): number {
    return this.#total[kind] ?? 0;
  }

  setRole(role: string, settings: RoleSettings): void {
    assert(settings.weight > 0 && Number.isFinite(settings.weight), `weight of ${role} is above 0`);
    this.#settings.set(role, settings);
    const node = this.#findRole(role);
    if (node === undefined) return;
    this.columns.setSettings(node, settings);
    this.#noteChange(node);
  }

  add(client: Client): number {
    const { role, frameworkId } = client;
    let node = ROOT;
    for (const component of role.split("/")) {
      node = this.siblingsIn(node).byName.get(component) ?? this.#addRole(node, component);
    }
    const own =
      this.siblingsIn(node).byName.get(OWN_NAME) ??
      this.#makeNode({ name: OWN_NAME, role, parent: node, client: NONE });
    const isNew = !this.siblingsIn(own).byName.has(frameworkId);
    assert(isNew, `${frameworkId} is added to ${role} once`);
    const number = this.#numbers.take();
    this.#clients[number] = client;
    const leaf = this.#makeNode({ name: frameworkId, role, parent: own, client: number });
    this.#leaves[number] = leaf;
    this.#count(leaf, 1);
    return number;
  }

  remove(client: Client): void {
    const number = this.numberOf(client);
    const leaf = this.leafOf(number);
    const isEmpty = this.columns.allocated.isZero(leaf);
    assert(isEmpty, `${client.frameworkId} has nothing left in ${client.role}`);
    this.#count(leaf, -(this.columns.wanting[leaf] ?? 0));
    this.#clients[number] = undefined;
    this.#numbers.giveBack(number);
    this.#prune(leaf);
  }

  activate(client: Client): void {
    this.setWanting(this.numberOf(client), true);
  }

  deactivate(client: Client): void {
    this.setWanting(this.numberOf(client), false);
  }

  allocated({ client, quantities }: Allocation): void {
    this.#change(client, quantities, 1);
  }

  unallocated({ client, quantities }: Allocation): void {
    this.#change(client, quantities, -1);
  }

  tookTurn(client: Client): void {
    this.noteTurn(this.numberOf(client));
  }

  *order({ random, skipsTree }: OrderRequest): Generator<Client, void, undefined> {
    const walk = new Walk(this);
    walk.begin({ random, skipsTree });
    for (let number = walk.next(); number !== NONE; number = walk.next()) {
      yield this.clientAt(number);
    }
  }

  /** The client's number, by which everything below knows it; another's when it is removed. */
  numberOf({ role, frameworkId }: Client): number {
    const above = this.#findRole(role);
    const own = above === undefined ? undefined : this.#siblings[above]?.byName.get(OWN_NAME);
    const leaf = own === undefined ? undefined : this.#siblings[own]?.byName.get(frameworkId);
    const node = defined(leaf, `${frameworkId} is a client of ${role}`);
    return this.columns.client[node] ?? NONE;
  }

  clientAt(number: number): Client {
    return defined(this.#clients[number], "the client is there");
  }

  /** Of all clients that are there. */
  *clientNumbers(): Generator<number, void, undefined> {
    for (let number = 0; number < this.#numbers.end; number++) {
      if (this.#clients[number] !== undefined) yield number;
    }
  }

  /** All numbers in use are below this. */
  get clientsEnd(): number {
    return this.#numbers.end;
  }

  leafOf(number: number): number {
    return defined(this.#leaves[number], "the client has a leaf");
  }

  setWanting(number: number, wants: boolean): void {
    const leaf = this.leafOf(number);
    this.#count(leaf, Number(wants) - (this.columns.wanting[leaf] ?? 0));
  }

  /** The client has so much more, by kind; less with sign -1. For kinds that have a column. */
  addAll(number: number, thousandths: Float64Array, sign: 1 | -1): void {
    const { parent, allocated } = this.columns;
    const leaf = this.leafOf(number);
    for (let kind = 0; sign < 0 && kind < thousandths.length; kind++) {
      if (allocated.get(leaf, kind) < (thousandths[kind] ?? 0)) this.#assertHas(number, kind);
    }
    const { columns, stride } = allocated.reach(thousandths.length - 1);
    for (let node = leaf; node !== ROOT; node = parent[node] ?? ROOT) {
      const begin = node * stride;
      for (let kind = 0; kind < thousandths.length; kind++) {
        columns[begin + kind] = (columns[begin + kind] ?? 0) + sign * (thousandths[kind] ?? 0);
      }
      this.#noteChange(node);
    }
  }

  /** The client has so much more of the kind; less when it is negative. */
  addTo(number: number, kind: number, thousandths: number): void {
    if (thousandths === 0) return;
    const { parent, allocated } = this.columns;
    let node = this.leafOf(number);
    const left = allocated.get(node, kind) + thousandths;
    if (left < 0) this.#assertHas(number, kind);
    for (; node !== ROOT; node = parent[node] ?? ROOT) {
      allocated.set(node, kind, allocated.get(node, kind) + thousandths);
      this.#noteChange(node);
    }
  }

  noteTurn(number: number): void {
    const { parent, turns } = this.columns;
    for (let node = this.leafOf(number); node !== ROOT; node = parent[node] ?? ROOT) {
      turns[node] = (turns[node] ?? 0) + 1;
      this.#noteChange(node);
    }
  }

  turnsOf(number: number): number {
    return this.columns.turns[this.leafOf(number)] ?? 0;
  }

  /** Nobody has had a turn yet. */
  forgetTurns(): void {
    this.columns.turns.fill(0);
    for (const siblings of this.#siblings) siblings?.forgetOrder();
  }

  /** Brings the children of an inner node in order; see `Siblings`. */
  settled(node: number): Siblings {
    const siblings = this.siblingsIn(node);
    if (this.ranking.type === "COMPARED" && !siblings.isSettled(this.totalVersion)) {
      this.#settleBy.totalVersion = this.totalVersion;
      siblings.settle(this.#settleBy);
    }
    return siblings;
  }

  /** Node of a role at the top; undefined: there is none. */
  topNode(role: string): number | undefined {
    return this.siblingsIn(ROOT).byName.get(role);
  }

  siblingsIn(node: number): Siblings {
    return defined(this.#siblings[node], "the node is an inner one");
  }

  /** As a policy sees the node that arranges siblings itself. */
  viewOf(node: number): TreeNode {
    let view = this.#views[node];
    if (view === undefined) {
      view = new NodeView(this, node);
      this.#views[node] = view;
    }
    return view;
  }

  nameOf(node: number): string {
    return this.#names[node] ?? "";
  }

  roleOf(node: number): string {
    return this.#roles[node] ?? "";
  }

  /**
   * Dominant share: the largest fraction of any one kind of resource, divided by the weight. Result
   * ≥ 0, not capped at 1. A kind that the total does not have counts as 0.
   *
   * Source: Ghodsi et al., "Dominant Resource Fairness", NSDI 2011, section 4.
   */
  shareOf(node: number): number {
    const { allocated, weight } = this.columns;
    const due = weight[node] ?? 1;
    const { columns, stride } = allocated;
    let share = 0;
    for (let kind = 0; kind < stride; kind++) {
      const has = columns[node * stride + kind] ?? 0;
      const all = this.#total[kind] ?? 0;
      // One division, so that shares that are equal as fractions are equal as numbers too.
      if (has > 0 && all > 0) share = Math.max(share, has / (all * due));
    }
    for (const [kind, has] of allocated.others(node) ?? []) {
      const all = this.#total[kind] ?? 0;
      if (all > 0) share = Math.max(share, has / (all * due));
    }
    return share;
  }

  readonly measure = (node: number): void => {
    this.columns.share[node] = this.shareOf(node);
  };

  #change(client: Client, quantities: Quantities, sign: 1 | -1): void {
    const number = this.numberOf(client);
    for (const [name, thousandths] of Object.entries(quantities)) {
      this.addTo(number, this.kinds.numberOf(name), sign * thousandths);
    }
  }

  #assertHas(number: number, kind: number): void {
    const { role, frameworkId } = this.clientAt(number);
    const name = this.kinds.nameOf(kind);
    assert(false, `${frameworkId} has the ${name} of ${role} it gives back`);
  }

  #count(leaf: number, change: number): void {
    if (change === 0) return;
    const { parent, wanting } = this.columns;
    for (let node = leaf; node !== ROOT; node = parent[node] ?? ROOT) {
      wanting[node] = (wanting[node] ?? 0) + change;
      this.#noteChange(node);
    }
  }

  /** What it has, or what it is due, or whether it wants anything is not what it was. */
  #noteChange(node: number): void {
    const parent = this.columns.parent[node] ?? NONE;
    if (parent !== NONE) this.#siblings[parent]?.noteChange(this.columns, node);
  }

  #addRole(parent: number, name: string): number {
    const above = this.roleOf(parent);
    const role = above === "" ? name : `${above}/${name}`;
    const node = this.#makeNode({ name, role, parent, client: NONE });
    this.columns.setSettings(node, this.#settings.get(role) ?? DEFAULT_ROLE_SETTINGS);
    return node;
  }

  #findRole(role: string): number | undefined {
    if (!role.includes("/")) return this.siblingsIn(ROOT).byName.get(role);
    let node: number | undefined = ROOT;
    for (const component of role.split("/")) {
      node = node === undefined ? undefined : this.#siblings[node]?.byName.get(component);
    }
    return node;
  }

  #makeNode(facts: {
    readonly name: string;
    readonly role: string;
    readonly parent: number;
    readonly client: number;
  }): number {
    const node = this.columns.take(facts);
    this.#names[node] = facts.name;
    this.#roles[node] = facts.role;
    this.#siblings[node] = facts.client === NONE ? new Siblings() : undefined;
    if (facts.parent !== NONE) {
      this.siblingsIn(facts.parent).add(this.columns, facts.name, node);
    }
    return node;
  }

  /** Removes a leaf, and then its ancestors as far as they are left without children. */
  #prune(leaf: number): void {
    let node = leaf;
    while (node !== ROOT && (this.#siblings[node]?.named.length ?? 0) === 0) {
      const parent = this.columns.parent[node] ?? ROOT;
      this.siblingsIn(parent).remove(this.columns, this.nameOf(node), node);
      this.#siblings[node] = undefined;
      this.#views[node] = undefined;
      this.columns.giveBack(node);
      node = parent;
    }
  }
}

/** Of siblings that their policy arranges itself nobody asks for an order. */
function byName({ rank }: TreeColumns, a: number, b: number): number {
  return (rank[a] ?? 0) - (rank[b] ?? 0);
}

/** Which id of the live cluster stands for which recorded one; requests are rewritten with it. */

const UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}";
const ANY_ID = new RegExp(`${UUID}(?:-(?:S|O)?\\d+)?|"[A-Za-z0-9+/]{22}=="`, "g");

export class LiveIds {
  readonly #live = new Map<string, string>();

  set(recorded: string, live: string): void {
    this.#live.set(recorded, live);
  }

  get(recorded: string): string | undefined {
    return this.#live.get(recorded);
  }

  rewrite(text: string): string {
    return text.replaceAll(ANY_ID, (id) => {
      if (id.startsWith('"')) return `"${this.#live.get(id.slice(1, -1)) ?? id.slice(1, -1)}"`;
      const [, master = "", rest = ""] = new RegExp(`^(${UUID})(.*)$`).exec(id) ?? [];
      return this.#live.get(id) ?? `${this.#live.get(master) ?? master}${rest}`;
    });
  }
}

export function offerIdsIn(text: string): readonly string[] {
  return [...new Set(text.match(new RegExp(`${UUID}-O\\d+`, "g")) ?? [])];
}

export function base64IdsIn(text: string): readonly string[] {
  return [...text.matchAll(/"([A-Za-z0-9+/]{22}==)"/g)].map(([, id = ""]) => id);
}

/** JSON with its numbers as they are written: `4.0` and `4` are two formats of one value. */

export type JsonText =
  | { readonly kind: "object"; readonly members: ReadonlyMap<string, JsonText> }
  | { readonly kind: "array"; readonly items: readonly JsonText[] }
  | { readonly kind: "string"; readonly value: string }
  | { readonly kind: "number"; readonly text: string }
  | { readonly kind: "boolean"; readonly value: boolean }
  | { readonly kind: "null" };

/** Undefined when `text` is not JSON. */
export function parseJsonText(text: string): JsonText | undefined {
  try {
    JSON.parse(text);
  } catch {
    return undefined;
  }
  return new Parser(text).value();
}

export function shortJson(json: JsonText): string {
  const text = toText(json);
  return text.length > 120 ? `${text.slice(0, 120)}…` : text;
}

function toText(json: JsonText): string {
  switch (json.kind) {
    case "object":
      return `{${[...json.members].map(([key, each]) => `"${key}":${toText(each)}`).join(",")}}`;
    case "array":
      return `[${json.items.map(toText).join(",")}]`;
    case "number":
      return json.text;
    case "null":
      return "null";
    default:
      return JSON.stringify(json.value);
  }
}

const TOKEN = /\s*("(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*|true|false|null|[{}[\]:,])/y;

/** Of text that `JSON.parse` has accepted. */
class Parser {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  value(): JsonText {
    const token = this.#next();
    if (token === "{") return this.#object();
    if (token === "[") return this.#array();
    if (token === "null") return { kind: "null" };
    if (token === "true" || token === "false") return { kind: "boolean", value: token === "true" };
    if (token.startsWith('"')) return { kind: "string", value: String(JSON.parse(token)) };
    return { kind: "number", text: token };
  }

  #object(): JsonText {
    const members = new Map<string, JsonText>();
    if (this.#peek() === "}") this.#next();
    else
      do {
        const key = String(JSON.parse(this.#next()));
        this.#next();
        members.set(key, this.value());
      } while (this.#next() === ",");
    return { kind: "object", members };
  }

  #array(): JsonText {
    const items: JsonText[] = [];
    if (this.#peek() === "]") this.#next();
    else
      do items.push(this.value());
      while (this.#next() === ",");
    return { kind: "array", items };
  }

  #peek(): string {
    const at = this.#at;
    const token = this.#next();
    this.#at = at;
    return token;
  }

  #next(): string {
    TOKEN.lastIndex = this.#at;
    const token = TOKEN.exec(this.#text)?.[1] ?? "";
    this.#at = TOKEN.lastIndex;
    return token;
  }
}

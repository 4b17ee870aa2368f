/** The header `www-authenticate`, as far as registries use it. Pure. Source: RFC 9110, 11.6.1. */

export interface Challenge {
  readonly scheme: "basic" | "bearer";
  readonly parameters: Readonly<Partial<Record<string, string>>>;
}

/** Undefined: nothing that this agent can answer. */
export function parseChallenge(header: string | undefined): Challenge | undefined {
  const [, word = "", rest = ""] = /^\s*([A-Za-z]+)\s*(.*)$/s.exec(header ?? "") ?? [];
  const scheme = word.toLowerCase();
  if (scheme !== "basic" && scheme !== "bearer") return undefined;
  const parameters: Record<string, string> = {};
  for (const [, name = "", quoted, bare] of rest.matchAll(
    /([A-Za-z_-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))/g,
  )) {
    parameters[name.toLowerCase()] = quoted?.replace(/\\(.)/g, "$1") ?? bare ?? "";
  }
  return { scheme, parameters };
}

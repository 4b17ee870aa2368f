/**
 * Role names: `*`, or a path of components joined by `/` ("eng/web"); `eng` is an ancestor of
 * `eng/web`.
 */
import { ROLE_BYTES } from "../protocol/limits.ts";
import { utf8Length } from "../protocol/wire/utf8.ts";

/** The role of resources that are reserved for nobody, and of frameworks that name none. */
export const ANY_ROLE = "*";

/**
 * Checks a role's name. Returns what is wrong, as the rest of a sentence that begins with the name
 * ("must not begin with '/'"), or undefined when it is in order.
 * Source: http-semantics 15.2; the length is our own bound.
 */
export function checkRole(role: string): string | undefined {
  if (role === ANY_ROLE) return undefined;
  if (role === "") return "must not be empty";
  if (utf8Length(role) > ROLE_BYTES) return `must not be longer than ${ROLE_BYTES} bytes`;
  if (role.startsWith("/")) return "must not begin with '/'";
  if (role.endsWith("/")) return "must not end with '/'";
  for (const component of role.split("/")) {
    const problem = checkComponent(component);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function checkComponent(component: string): string | undefined {
  if (component === "") return "must not contain '//'";
  if (component === "." || component === ".." || component === ANY_ROLE) {
    return `must not have '${component}' as a component`;
  }
  if (component.startsWith("-")) return "must not have a component that begins with '-'";
  if (/[\t\n\v\f\r \x7f]/.test(component)) return "must not contain white space or DEL";
  return undefined;
}

/** "a/b/c" → ["a/b", "a"], nearest first. */
export function ancestorsOf(role: string): readonly string[] {
  const ancestors: string[] = [];
  for (let end = role.lastIndexOf("/"); end > 0; end = role.lastIndexOf("/", end - 1)) {
    ancestors.push(role.slice(0, end));
  }
  return ancestors;
}

/** "a/b" is strictly below "a"; no role is strictly below itself. */
export function isStrictlyBelow(role: string, ancestor: string): boolean {
  return role.startsWith(`${ancestor}/`);
}

/**
 * Whether frameworks of `role` may use what is reserved to `reservedRole`: the role itself or an
 * ancestor.
 */
export function mayUse(role: string, reservedRole: string): boolean {
  return role === reservedRole || isStrictlyBelow(role, reservedRole);
}

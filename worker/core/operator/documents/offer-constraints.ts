/**
 * `/allocator/offer_constraints_debug`: which agents each framework excludes, role by role, and
 * which of its roles are suppressed.
 */

import { strings } from "../../../protocol/wire/json-document.ts";
import { admits, storedConstraints } from "../../allocator/offer-constraints.ts";
import type { FrameworkRow } from "../../rows.ts";
import type { MasterState } from "../../state.ts";
import type { Snapshot } from "../snapshot.ts";
import { type LongMembers, type LongText, longDocument, objectPieces } from "./long-text.ts";

export function offerConstraintsDocument(state: MasterState): LongText {
  return longDocument(state, (snapshot) => ({
    frameworks: () =>
      objectPieces(
        Object.fromEntries(
          snapshot.frameworks.map((framework) => [
            framework.id,
            () => objectPieces(frameworkMembers(snapshot, framework)),
          ]),
        ),
      ),
  }));
}

function frameworkMembers({ agents }: Snapshot, framework: FrameworkRow): LongMembers {
  const { offerConstraints, suppressedRoles, roles } = framework;
  const set = offerConstraints === undefined ? undefined : storedConstraints(offerConstraints);
  const known = agents.filter(({ connection }) => connection.state === "CONNECTED");
  const excluded = (role: string): readonly string[] =>
    known.filter((agent) => set !== undefined && !admits(set, role, agent)).map(({ id }) => id);
  return {
    suppressed_roles: strings(suppressedRoles),
    excluded_by_attribute_constraints: () =>
      objectPieces(
        Object.fromEntries(roles.map((role) => [role, () => [strings(excluded(role))]])),
      ),
  };
}

/**
 * The JSON documents of Mesos' older HTTP interface, by path: one file each, and this table.
 *
 * A document is the text of one consistent moment between two steps, in one piece or, when it may
 * be long, made while it is read. Doubles keep their fraction
 * ("4.0"), times are seconds since 1970. Whether the answer is wrapped for `jsonp` is the HTTP
 * layer's business.
 */
import type { MasterState } from "../../state.ts";
import { flagsDocument } from "./flags.ts";
import { frameworksDocument } from "./frameworks.ts";
import type { LongText } from "./long-text.ts";
import { offerConstraintsDocument } from "./offer-constraints.ts";
import type { Query } from "./query.ts";
import { registryDocument } from "./registry.ts";
import { rolesDocument } from "./roles.ts";
import { slavesDocument } from "./slaves.ts";
import { stateDocument } from "./state.ts";
import { stateSummaryDocument } from "./state-summary.ts";
import { tasksDocument } from "./tasks.ts";
import { versionDocument } from "./version.ts";

export type Document = (state: MasterState, query: Query, nowMs: number) => string | LongText;

export type DocumentPath =
  | "/version"
  | "/state"
  | "/state-summary"
  | "/slaves"
  | "/frameworks"
  | "/tasks"
  | "/roles"
  | "/flags"
  | "/registrar(1)/registry"
  | "/allocator/offer_constraints_debug";

export const documents: { readonly [P in DocumentPath]: Document } = {
  "/version": versionDocument,
  "/state": stateDocument,
  "/state-summary": stateSummaryDocument,
  "/slaves": slavesDocument,
  "/frameworks": frameworksDocument,
  "/tasks": tasksDocument,
  "/roles": rolesDocument,
  "/flags": flagsDocument,
  "/registrar(1)/registry": registryDocument,
  "/allocator/offer_constraints_debug": offerConstraintsDocument,
};

/**
 * The JSON documents of Mesos' older HTTP interface, by path: one file each, and this table.
 *
 * A document is the text of one consistent moment between two steps. Doubles keep their fraction
 * ("4.0"), times are seconds since 1970. Whether the answer is wrapped for `jsonp` is the HTTP
 * layer's business.
 */
import type { MasterState } from "../../state.ts";
import { flagsDocument } from "./flags.ts";
import { frameworksDocument } from "./frameworks.ts";
import type { Query } from "./query.ts";
import { rolesDocument } from "./roles.ts";
import { slavesDocument } from "./slaves.ts";
import { stateDocument } from "./state.ts";
import { stateSummaryDocument } from "./state-summary.ts";
import { tasksDocument } from "./tasks.ts";
import { versionDocument } from "./version.ts";

export type Document = (state: MasterState, query: Query, nowMs: number) => string;

export type DocumentPath =
  | "/version"
  | "/state"
  | "/state-summary"
  | "/slaves"
  | "/frameworks"
  | "/tasks"
  | "/roles"
  | "/flags";

export const documents: { readonly [P in DocumentPath]: Document } = {
  "/version": versionDocument,
  "/state": stateDocument,
  "/state-summary": stateSummaryDocument,
  "/slaves": slavesDocument,
  "/frameworks": frameworksDocument,
  "/tasks": tasksDocument,
  "/roles": rolesDocument,
  "/flags": flagsDocument,
};

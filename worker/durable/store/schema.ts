/**
 * The SQLite tables of a master object: one per durable table of the core, and one per table of
 * cold texts.
 *
 * The key is the row's number (an SQLite rowid, so there is no second index whose writes would be
 * billed) and the row itself is one JSON text: the core alone knows what is in it, and adding a
 * field needs no migration. Migrations are generated from this file into `migrations/master` and
 * are append only.
 *
 * After a change: copy this file into an empty folder and `migrations/master` to `./master` there,
 * `npm i drizzle-kit@0.31.11 drizzle-orm@0.45.4` (drizzle-kit finds drizzle-orm only beside
 * itself), and run `npx drizzle-kit generate --dialect sqlite --driver durable-sqlite --schema
 * ./schema.ts
 * --out ./master`; then commit what is new in it.
 */
import { integer, sqliteTable, text } from "drizzle-orm/sqlite-core";

const rows = <Name extends string>(name: Name) =>
  sqliteTable(name, { seq: integer("seq").primaryKey(), row: text("row").notNull() });

const texts = <Name extends string>(name: Name) =>
  sqliteTable(name, { number: integer("number").primaryKey(), text: text("text").notNull() });

export const cluster = rows("cluster");
export const counter = rows("counter");
export const framework = rows("framework");
export const completedFramework = rows("completed_framework");
export const agent = rows("agent");
export const goneAgent = rows("gone_agent");
export const task = rows("task");
export const executor = rows("executor");
export const operation = rows("operation");
export const command = rows("command");
export const filter = rows("filter");
export const role = rows("role");
export const audit = rows("audit");
export const machine = rows("machine");
export const inverseAnswer = rows("inverse_answer");
export const relay = rows("relay");

export const taskBody = texts("task_body");
export const completedTask = texts("completed_task");

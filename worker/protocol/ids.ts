/**
 * The kinds of id. Each is a branded string: made where the id is made or decoded, never elsewhere.
 */
import type { Brand } from "../std/brand.ts";

export type ClusterId = Brand<string, "ClusterId">;
export type AgentId = Brand<string, "AgentId">;
export type FrameworkId = Brand<string, "FrameworkId">;
export type OfferId = Brand<string, "OfferId">;
export type TaskId = Brand<string, "TaskId">;
export type ExecutorId = Brand<string, "ExecutorId">;
/** One subscription of a framework: the value of the `Mesos-Stream-Id` header. */
export type StreamId = Brand<string, "StreamId">;
/** One life of an agent process, made by the agent; an older session's messages are refused. */
export type SessionId = Brand<string, "SessionId">;
export type RelayId = Brand<string, "RelayId">;
/** The master's own name of an offer operation: 16 bytes in base64. */
export type OperationUuid = Brand<string, "OperationUuid">;

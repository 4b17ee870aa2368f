/** The SDK's one entry, `rimrock/sdk`: what authors of frameworks import. */

export { isTerminal } from "../protocol/task-state.ts";
export type * as agent from "../protocol/v1/agent.ts";
export type * as master from "../protocol/v1/master.ts";
export type * as mesos from "../protocol/v1/mesos.ts";
export type * as scheduler from "../protocol/v1/scheduler.ts";
export type { BackOffOptions } from "./back-off.ts";
export {
  type DelayDecision,
  type DelayPolicy,
  DelayScheduling,
  decideDelay,
  type Locality,
  localityOf,
  type OfferPlace,
  type Preference,
} from "./delay-scheduling.ts";
export { SchedulerError, type SchedulerErrorCode } from "./error.ts";
export type { SchedulerEvent, SchedulerEventType } from "./event.ts";
export type { CallOptions } from "./master-client.ts";
export { Operator, type OperatorOptions } from "./operator.ts";
export {
  cpusOf,
  memOf,
  portCountOf,
  type Shortage,
  scalar,
  scalarOf,
  type TakeResult,
  takeResources,
  type Wanted,
} from "./resources.ts";
export { type FollowOptions, followFile, outputPath } from "./sandbox.ts";
export {
  type Handlers,
  SCHEDULER_DEFAULTS,
  Scheduler,
  type SchedulerOptions,
  type TaskToLaunch,
} from "./scheduler.ts";
export {
  type HttpTransportOptions,
  httpTransport,
  inProcessTransport,
  type RequestHandler,
  type Transport,
} from "./transport.ts";

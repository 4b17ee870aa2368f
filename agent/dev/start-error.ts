/** Why a local cluster does not start, and the one line that says so. */
import { unreachable } from "../../worker/std/assert.ts";

export type StartFailure =
  | { readonly code: "FOLDER_NOT_NAMED" }
  | { readonly code: "FOLDER_IN_USE"; readonly folder: string; readonly pid: number | undefined }
  | { readonly code: "FOLDER_UNUSABLE"; readonly folder: string; readonly errno: string }
  | { readonly code: "PORT_REFUSED_BY_CLIENTS"; readonly port: number }
  | { readonly code: "PORT_TAKEN"; readonly host: string; readonly port: number }
  | {
      readonly code: "ADDRESS_UNUSABLE";
      readonly host: string;
      readonly port: number;
      readonly errno: string;
    }
  | { readonly code: "CONTROL_PLANE_FAILED"; readonly why: string; readonly logFile: string }
  | { readonly code: "FRONT_DOOR_FAILED"; readonly why: string; readonly logFile: string };

export class StartError extends Error {
  override readonly name = "StartError";
  readonly failure: StartFailure;

  constructor(failure: StartFailure) {
    super(sentenceOf(failure));
    this.failure = failure;
  }
}

function sentenceOf(failure: StartFailure): string {
  switch (failure.code) {
    case "FOLDER_IN_USE": {
      const who = failure.pid === undefined ? "another process" : `process ${failure.pid}`;
      return (
        `a cluster already runs on ${failure.folder} (${who}): ` +
        "stop it, or choose another folder with --data"
      );
    }
    case "FOLDER_NOT_NAMED":
      return "--data names no folder: write one, or leave --data out";
    case "FOLDER_UNUSABLE":
      return `cannot write to ${failure.folder} (${failure.errno}): choose another folder with --data`;
    case "PORT_REFUSED_BY_CLIENTS":
      return (
        `port ${failure.port} belongs to another protocol: browsers and fetch refuse to call it; ` +
        "choose another with --port"
      );
    case "PORT_TAKEN":
      return `port ${failure.port} of ${failure.host} is taken: choose another with --port (0: any free one)`;
    case "ADDRESS_UNUSABLE":
      return (
        `cannot listen on ${failure.host}:${failure.port} (${failure.errno}): ` +
        "choose another address with --host or --port"
      );
    case "CONTROL_PLANE_FAILED":
      return `the control plane did not start (${failure.why}): see ${failure.logFile}`;
    case "FRONT_DOOR_FAILED":
      return `the front door did not start (${failure.why}): see ${failure.logFile}`;
    default:
      return unreachable(failure);
  }
}

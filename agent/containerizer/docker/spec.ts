/**
 * What a Docker container is made of beyond what every container has. Types only: the agent's pure
 * core makes such a spec from a task.
 */

export type DockerNetwork =
  | { readonly mode: "host" | "bridge" | "none" }
  /** One that `docker network create` made. */
  | { readonly mode: "user"; readonly name: string };

export interface DockerPortMapping {
  readonly hostPort: number;
  readonly containerPort: number;
  /** Like "tcp". */
  readonly protocol: string;
}

export interface DockerVolume {
  readonly source: /** Absolute; made by Docker when it is missing. */
    | { readonly type: "HOST"; readonly path: string }
    /** Below the sandbox. */
    | { readonly type: "SANDBOX"; readonly path: string }
    /** `driver`: "local" when absent. */
    | {
        readonly type: "NAMED";
        readonly name: string;
        readonly driver?: string;
        readonly options: Readonly<Record<string, string>>;
      };
  /** Absolute. */
  readonly containerPath: string;
  readonly readOnly: boolean;
}

/** Members of the Engine's create call, as the flags of `docker run` set them. */
export interface DockerOverrides {
  readonly config: Readonly<Record<string, unknown>>;
  readonly hostConfig: Readonly<Record<string, unknown>>;
  /** Of its one network. */
  readonly endpoint: Readonly<Record<string, unknown>>;
  /** Like "linux/arm64". */
  readonly platform?: string;
}

export interface DockerSpec {
  /** As the task names it: a name with a tag or a digest. */
  readonly image: string;
  /** Pulled even when this machine has it. */
  readonly forcePull: boolean;
  readonly network: DockerNetwork;
  readonly hostname?: string;
  readonly portMappings: readonly DockerPortMapping[];
  readonly volumes: readonly DockerVolume[];
  /** Whole GPUs. */
  readonly gpus: number;
  readonly privileged: boolean;
  /** What in it takes isolation away, each like "the parameter 'cap-add'". */
  readonly privileges: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly overrides: DockerOverrides;
}

/** Where a task's sandbox is in its container, as in Mesos. */
export const DOCKER_SANDBOX = "/mnt/mesos/sandbox";

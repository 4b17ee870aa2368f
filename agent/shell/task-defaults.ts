/** What the operator says for all tasks alike. */
export interface TaskDefaults {
  /** False: tasks run as the agent's own user, whatever their framework's user is. */
  readonly switchUser: boolean;
  /** Variables of tasks and executors that set none of these names themselves. */
  readonly environment: Readonly<Record<string, string>>;
  /** Where the paths of URIs begin that are relative; undefined: there is no such place. */
  readonly frameworksHome: string | undefined;
  /** Where Hadoop is, whose client fetches what else nobody can; undefined: on the PATH. */
  readonly hadoopHome: string | undefined;
}

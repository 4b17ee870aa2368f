/** Exit codes of the agent process that whoever started it has to know. */

/**
 * The master removed this agent: it was marked gone, or its machine was taken down. Starting it
 * again at once changes nothing; somebody has to do what the log says. (systemd:
 * `RestartPreventExitStatus=20`.) Not a number that Node, the shell or a signal gives.
 */
export const REMOVED_BY_MASTER = 20;

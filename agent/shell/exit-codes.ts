/** Exit codes of the agent process that whoever started it has to know. */

/**
 * The master removed this agent, and refuses it for ever: starting it again on the same work
 * directory changes nothing. (systemd: `RestartPreventExitStatus=20`.) Not a number that Node, the
 * shell or a signal gives.
 */
export const REMOVED_BY_MASTER = 20;

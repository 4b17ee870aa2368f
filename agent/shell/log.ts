/** One line on stderr for each important thing, with its time. */

export type Log = (message: string) => void;

/** `json`: one object per line, for machines that read logs. */
export function stderrLog({ json }: { json: boolean }): Log {
  return (message) => {
    const time = new Date().toISOString();
    const line = json ? JSON.stringify({ time, message }) : `${time} ${message}`;
    process.stderr.write(`${line}\n`);
  };
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** The first value that is neither false nor undefined; undefined when none comes in time. */
export async function until<T>(
  look: () => T | undefined | false,
  withinMs: number,
): Promise<T | undefined> {
  const deadlineMs = performance.now() + withinMs;
  for (;;) {
    const value = look();
    if (value !== undefined && value !== false) return value;
    if (performance.now() > deadlineMs) return undefined;
    await sleep(10);
  }
}

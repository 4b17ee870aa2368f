/** Texts as words of a POSIX shell. */

/** One word, whatever is in the text. A NUL byte has no place in it. */
export function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}

/** The words of one simple command. */
export function quotedAll(words: readonly string[]): string {
  return words.map(quoted).join(" ");
}

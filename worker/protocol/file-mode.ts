/** Modes of files, as stat(2) has them and FileInfo carries them (inode(7)). */

/** The kind of a file, as the mode's highest bits have it (inode(7)), by its letter. */
const kinds: ReadonlyMap<number, string> = new Map([
  [0o010000, "p"],
  [0o020000, "c"],
  [0o040000, "d"],
  [0o060000, "b"],
  [0o120000, "l"],
  [0o140000, "s"],
]);

/** Like `drwxr-xr-x`. */
export function modeText(mode: number): string {
  const bits = [..."rwxrwxrwx"].map((letter, at) => ((mode >> (8 - at)) & 1 ? letter : "-"));
  const marked = (at: number, bit: number, letter: string): void => {
    if ((mode & bit) !== 0) bits[at] = bits[at] === "x" ? letter : letter.toUpperCase();
  };
  marked(2, 0o4000, "s");
  marked(5, 0o2000, "s");
  marked(8, 0o1000, "t");
  return `${kindOf(mode)}${bits.join("")}`;
}

/** What a mode's highest bits say: "d", "-" (a regular file), "l" and so on. */
export function kindOf(mode: number): string {
  return kinds.get(mode & 0o170000) ?? "-";
}

/** Paths that stay beneath a folder. */

export function isFolderName(name: string): boolean {
  return name !== "" && name !== "." && name !== ".." && !/[/\0]/.test(name);
}

/**
 * The names of a relative path, outermost first; undefined when it is absolute, empty, or could
 * lead out of the folder that it is relative to.
 */
export function folderNames(path: string): readonly string[] | undefined {
  if (path.startsWith("/")) return undefined;
  const names = path.split("/").filter((name) => name !== "" && name !== ".");
  return names.length > 0 && names.every(isFolderName) ? names : undefined;
}

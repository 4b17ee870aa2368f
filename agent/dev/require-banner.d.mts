/** JavaScript that begins every bundle for Node. */
export const REQUIRE_BANNER: string;

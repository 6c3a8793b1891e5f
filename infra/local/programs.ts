import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** What serves the functions, and what a build runs. */
export interface Programs {
  functions: {
    /** Takes functions-framework's options. Default: its own program. */
    program?: string;
    /** Module that registers the functions, or an empty one where the program has them. */
    source: string;
    /**
     * Serves the function FUNCTION_TARGET on the socket PORT, as an image's entrypoint does.
     * Default: this Node, with the program.
     */
    entrypoint?: readonly string[];
  };
  /** A module for this Node, or else what an image has as its entrypoint. */
  runner: string | readonly string[];
  /**
   * Where Node keeps what it has compiled of them, which makes each start of one a third shorter.
   * Beside the modules that it is made of: who can write there can change those as well.
   */
  compiled: string;
}

/** As they stand in this repository. */
export const FROM_SOURCES: Programs = {
  functions: { source: repositoryFile("functions/index.ts") },
  runner: repositoryFile("infra/agent/main.ts"),
  compiled: repositoryFile("node_modules/.cache/runyard-compile"),
};

/** The programs in a folder of bundles. */
export function bundlesIn(folder: string): Programs {
  return {
    functions: {
      program: join(folder, "functions/main.cjs"),
      source: join(folder, "functions/registered.cjs"),
    },
    runner: join(folder, "runner/main.cjs"),
    compiled: join(folder, "compiled"),
  };
}

/** Has Node keep what it compiles, also of modules that are moved together with it. */
export const compiledOf = ({ compiled }: Programs) => ({
  NODE_COMPILE_CACHE: compiled,
  NODE_COMPILE_CACHE_PORTABLE: "1",
});

/** Path of a file that is started, or read, but never imported. */
export function repositoryFile(path: string): string {
  return fileURLToPath(new URL(`../../${path}`, import.meta.url));
}

import { readFileSync } from "node:fs";
import type { Loader, Plugin } from "esbuild";

/** A module that stands in a bundle otherwise than in its file. */
export interface Rewrite {
  /** The end of the file's path. */
  file: string;
  /** What stands in the bundle, from what stands in the file. */
  rewrite(text: string): string;
}

const LOADERS: Readonly<Record<string, Loader>> = { js: "js", json: "json", ts: "ts" };

/** Has esbuild put rewritten modules into a bundle; each that it met is added to `met`. */
export function rewriting(rewrites: readonly Rewrite[], met: Set<Rewrite>): Plugin {
  return {
    name: "rewriting",
    setup(build) {
      for (const one of rewrites) {
        build.onLoad({ filter: endingIn(one.file) }, ({ path }) => {
          met.add(one);
          const loader = LOADERS[path.slice(path.lastIndexOf(".") + 1)] ?? "default";
          return { contents: one.rewrite(readFileSync(path, "utf8")), loader };
        });
      }
    },
  };
}

function endingIn(file: string): RegExp {
  return new RegExp(`/${file.replaceAll(".", "\\.")}$`);
}

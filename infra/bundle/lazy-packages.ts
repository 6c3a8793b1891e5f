import { isBuiltin } from "node:module";
import type { Plugin } from "esbuild";

const NAMESPACE = "lazy-package";
/** Not a file. */
const PACKAGE = /^[@a-z]/;

/**
 * Has a CommonJS package that is loaded with `import()` give its names, as it does under Node:
 * esbuild alone gives a chunk of it the default export only.
 */
export function lazyPackages(): Plugin {
  return {
    name: "lazy-packages",
    setup(build) {
      build.onResolve({ filter: PACKAGE }, ({ kind, path, importer, resolveDir }) => {
        const isOurs = kind === "dynamic-import" && importer.endsWith(".ts");
        if (!isOurs || isBuiltin(path)) return undefined;
        return { path, namespace: NAMESPACE, pluginData: { resolveDir } };
      });
      build.onLoad({ filter: /^/, namespace: NAMESPACE }, async ({ path, pluginData }) => {
        const names = Object.keys(await import(path)).filter((name) =>
          /^(?!default$)\w+$/.test(name),
        );
        const { resolveDir } = pluginData as { resolveDir: string };
        return {
          contents: `export { ${names.join(", ")} } from ${JSON.stringify(path)};`,
          resolveDir,
        };
      });
    },
  };
}

const { dirname, relative, resolve } = require("node:path");

const ROOT = resolve(__dirname, "../..");
/** Imports, types too, and files beside the one that is read. */
const RELATIVE = /["'`](\.{1,2}\/[\w./-]+\.(?:ts|js|mjs))["'`]/g;
const OF_URL = /new URL\(\s*["'`]([\w./-]+\.(?:ts|js|mjs))["'`],\s*import\.meta\.url/g;
/** Files that are started as processes, by their place in the project. */
const OF_PROJECT =
  /["'`]((?:cli|client|examples|functions|infra|shared|test)\/[\w./-]+\.(?:ts|js|mjs))["'`]/g;

const named = (code, pattern) => [...code.matchAll(pattern)].map(([, path]) => path);
const fromHere = (path) => (path.startsWith(".") ? path : `./${path}`);

/**
 * Which files a file needs, so that `npm test -- -o` runs the tests of a change: jest itself sees no types and
 * nothing that is started. A test that starts a process names its file in quotes.
 */
module.exports = {
  extract(code, filePath) {
    const ofProject = named(code, OF_PROJECT).map((path) =>
      fromHere(relative(dirname(filePath), resolve(ROOT, path))),
    );
    return new Set([...named(code, RELATIVE), ...named(code, OF_URL).map(fromHere), ...ofProject]);
  },
  getCacheKey: () => "1",
};

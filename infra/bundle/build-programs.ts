import { cpSync, existsSync, renameSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type BuildOptions, build, type Plugin } from "esbuild";
import { type Rewrite, rewriting } from "./rewrites.ts";
import { WITHOUT_UNUSED_SURFACES } from "./unused-surfaces.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** The framework's program, which no package may import by name. */
const FRAMEWORK = join(
  dirname(createRequire(import.meta.url).resolve("@google-cloud/functions-framework")),
  "main.js",
);

/** Modules that look for others by their place: where those stand in a bundle. */
const MOVED: readonly Rewrite[] = [
  moved("functions/schemas/schema-checks.ts", "./worker.ts", "./worker.cjs"),
  moved("functions/triggers/expressions/expressions.ts", "./worker.ts", "./expressions-worker.cjs"),
  moved("functions/api/page/page.ts", "../../../dist/page/", "./page/"),
  moved(
    "infra/agent/engines/claude-code/output-check.ts",
    "output-worker.ts",
    "./output-worker.cjs",
  ),
];

function moved(file: string, from: string, to: string): Rewrite {
  const old = `new URL("${from}", import.meta.url)`;
  return {
    file,
    rewrite(text) {
      if (!text.includes(old)) throw new Error(`${file} has no ${old}`);
      return text.replace(old, `new URL("${to}", import.meta.url)`);
    },
  };
}

const REWRITES = [...MOVED, ...WITHOUT_UNUSED_SURFACES];

/** Where a module of ours looks from, in a program that is none. */
const ADDRESS = "addressOfProgram";
const WITH_ADDRESS = `const ${ADDRESS} = require("node:url").pathToFileURL(__filename).href;`;

/**
 * Builds the functions and the runner into `functions/` and `runner/` of a folder: a program each,
 * with its workers, that needs no `node_modules`, but for the agent's own command line. Only the
 * page, which the api serves from `functions/page/`, is not among it.
 *
 * @param options.pluginsOf further plugins of esbuild for each of them. Default: none
 * @param options.root where `functions/`, `shared/` and `infra/agent/` are. Default: those of this
 * tree; another revision may not have all that this one has
 * @throws {Error} if a file of this tree that is rewritten for a bundle is in none: it was renamed
 */
export async function buildPrograms(
  bundles: string,
  {
    pluginsOf = () => [],
    root = ROOT,
  }: { pluginsOf?(name: "functions" | "runner"): Plugin[]; root?: string } = {},
): Promise<void> {
  const met = new Set<Rewrite>();
  const from = { root, met };
  await Promise.all([
    buildFunctions(join(bundles, "functions"), pluginsOf("functions"), from),
    buildRunner(join(bundles, "runner"), pluginsOf("runner"), from),
  ]);
  const missed = REWRITES.filter((one) => !met.has(one)).map(({ file }) => file);
  if (missed.length > 0 && root === ROOT) {
    throw new Error(`no bundle has ${missed.join(", ")}: was it renamed?`);
  }
}

/** What is bundled, and which rewrites were met in it. */
interface From {
  root: string;
  met: Set<Rewrite>;
}

/** Programs of the functions beside their own, by their names in the bundle. */
const WORKERS = {
  worker: "functions/schemas/worker.ts",
  "expressions-worker": "functions/triggers/expressions/worker.ts",
};

async function buildFunctions(outdir: string, plugins: Plugin[], from: From): Promise<void> {
  const stdin = {
    contents: `import "./functions/index.ts"; import ${JSON.stringify(FRAMEWORK)};`,
    resolveDir: from.root,
  };
  const workers = Object.entries(WORKERS).filter(([, file]) => existsSync(join(from.root, file)));
  await bundle({ outdir, stdin, entryPoints: Object.fromEntries(workers), plugins }, from);
  renameSync(join(outdir, "stdin.cjs"), join(outdir, "program.cjs"));
  writeFileSync(join(outdir, "registered.cjs"), "");
}

async function buildRunner(outdir: string, plugins: Plugin[], from: From): Promise<void> {
  const entryPoints = {
    program: "infra/agent/main.ts",
    "output-worker": "infra/agent/engines/claude-code/output-worker.ts",
  };
  await bundle({ outdir, entryPoints, plugins }, from);
  cpSync(join(from.root, "infra/agent/sandbox/relay.mjs"), join(outdir, "relay.mjs"));
}

/** One file a program: what it does not need at its start is a function that is not called. */
async function bundle(options: BuildOptions & { outdir: string }, { root, met }: From) {
  await build({
    ...options,
    absWorkingDir: root,
    bundle: true,
    platform: "node",
    target: "node24",
    format: "cjs",
    outExtension: { ".js": ".cjs" },
    // Names stay: what fails says where.
    minifySyntax: true,
    minifyWhitespace: true,
    // An error that nobody catches shows its line.
    lineLimit: 200,
    legalComments: "none",
    define: { "import.meta.url": ADDRESS },
    banner: { js: WITH_ADDRESS },
    plugins: [rewriting(REWRITES, met), ...(options.plugins ?? [])],
    logLevel: "silent",
    logOverride: { "empty-import-meta": "error" },
  });
  cpSync(join(import.meta.dirname, "main.cjs"), join(options.outdir, "main.cjs"));
}

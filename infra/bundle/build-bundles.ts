import { cpSync, existsSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { cyclonedxEsbuildPlugin } from "@cyclonedx/cyclonedx-esbuild";
import { type BuildOptions, build, type Plugin } from "esbuild";
import type { Programs } from "../local/programs.ts";
import { buildPage, PAGE_OPTIONS } from "../page/build-page.ts";
import { lazyPackages } from "./lazy-packages.ts";
import { type Rewrite, rewriting } from "./rewrites.ts";
import { WITHOUT_UNUSED_SURFACES } from "./unused-surfaces.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
/** Where bundles are built in a checkout. */
export const BUNDLES = join(ROOT, "dist/bundle");

/** The programs in a folder of bundles. */
export function bundlesIn(folder: string): Programs {
  return {
    functions: {
      program: join(folder, "functions/main.mjs"),
      source: join(folder, "functions/registered.cjs"),
    },
    runner: join(folder, "runner/main.mjs"),
    compiled: join(folder, "compiled"),
  };
}

/**
 * Bundles whose packages are listed, each in `packages/NAME.json` of their folder, as CycloneDX has
 * it.
 */
export const LISTED = ["functions", "page", "runner"] as const;

/** The framework's program, which no package may import by name. */
const FRAMEWORK = join(
  dirname(createRequire(import.meta.url).resolve("@google-cloud/functions-framework")),
  "main.js",
);

/** Modules that look for others by their place: where those stand in a bundle. */
const MOVED: readonly Rewrite[] = [
  moved("functions/schemas/schema-checks.ts", "./worker.ts", "./worker.mjs"),
  moved("functions/triggers/expressions/expressions.ts", "./worker.ts", "./expressions-worker.mjs"),
  moved("functions/api/page/page.ts", "../../../dist/page/", "./page/"),
  moved(
    "infra/agent/engines/claude-code/output-check.ts",
    "output-worker.ts",
    "./output-worker.mjs",
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

/** What CommonJS modules expect, in a module that is none. */
const AS_COMMONJS = `import { createRequire as createRequireOfBundle } from "node:module";
const require = createRequireOfBundle(import.meta.url);
const { filename: __filename, dirname: __dirname } = import.meta;`;

/**
 * Builds what is deployed: the functions and the runner, each as a few files that need no
 * `node_modules`, but for the agent's own command line. Whoever reads the folder meanwhile finds
 * all of it or what was there before.
 *
 * @param folder where to. Default: {@link BUNDLES}
 * @param root where `functions/`, `shared/` and `infra/agent/` are. Default: those of this tree;
 * another revision may not have all that this one has
 * @throws {Error} if a file of this tree that is rewritten for a bundle is in none: it was renamed
 */
export async function buildBundles(
  folder: string = BUNDLES,
  root: string = ROOT,
): Promise<Programs> {
  const draft = `${folder}.${process.pid}`;
  try {
    const met = new Set<Rewrite>();
    const from = { root, met };
    await Promise.all([buildFunctions(draft, from), listPage(draft), buildRunner(draft, from)]);
    const missed = REWRITES.filter((one) => !met.has(one)).map(({ file }) => file);
    if (missed.length > 0 && root === ROOT)
      throw new Error(`no bundle has ${missed.join(", ")}: was it renamed?`);
    // What Node compiled of the same files is of use still.
    const { compiled } = bundlesIn(folder);
    if (existsSync(compiled)) renameSync(compiled, join(draft, "compiled"));
    rmSync(folder, { recursive: true, force: true });
    renameSync(draft, folder);
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
  return bundlesIn(folder);
}

/** Writes down which packages, and which versions of them, have gone into a bundle. */
function listing(name: (typeof LISTED)[number], bundles: string): Plugin {
  const outputFile = join(bundles, `packages/${name}.json`);
  return cyclonedxEsbuildPlugin({ outputFile, outputReproducible: true, validate: false });
}

/** The page itself is built without plugins, at once. */
async function listPage(bundles: string): Promise<void> {
  await build({ ...PAGE_OPTIONS, outdir: bundles, plugins: [listing("page", bundles)] });
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

async function buildFunctions(bundles: string, from: From): Promise<void> {
  const folder = join(bundles, "functions");
  const stdin = {
    contents: `import "./functions/index.ts"; import ${JSON.stringify(FRAMEWORK)};`,
    resolveDir: from.root,
  };
  const workers = Object.entries(WORKERS).filter(([, file]) => existsSync(join(from.root, file)));
  const plugins = [listing("functions", bundles)];
  const entryPoints = Object.fromEntries(workers);
  await bundle({ outdir: folder, stdin, entryPoints, plugins }, from);
  renameSync(join(folder, "stdin.mjs"), join(folder, "main.mjs"));
  writeFileSync(join(folder, "registered.cjs"), "");
  buildPage(join(folder, "page"));
}

async function buildRunner(bundles: string, from: From): Promise<void> {
  const folder = join(bundles, "runner");
  const entryPoints = {
    main: "infra/agent/main.ts",
    "output-worker": "infra/agent/engines/claude-code/output-worker.ts",
  };
  await bundle({ outdir: folder, entryPoints, plugins: [listing("runner", bundles)] }, from);
  cpSync(join(from.root, "infra/agent/sandbox/relay.mjs"), join(folder, "relay.mjs"));
}

async function bundle(options: BuildOptions, { root, met }: From): Promise<void> {
  await build({
    ...options,
    absWorkingDir: root,
    bundle: true,
    splitting: true,
    platform: "node",
    target: "node24",
    format: "esm",
    outExtension: { ".js": ".mjs" },
    // Names stay: what fails says where.
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: "none",
    banner: { js: AS_COMMONJS },
    plugins: [lazyPackages(), rewriting(REWRITES, met), ...(options.plugins ?? [])],
    logLevel: "silent",
  });
}

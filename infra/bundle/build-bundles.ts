import { cpSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { cyclonedxEsbuildPlugin } from "@cyclonedx/cyclonedx-esbuild";
import { type BuildOptions, build, type Plugin } from "esbuild";
import type { Programs } from "../local/programs.ts";
import { buildPage, PAGE_OPTIONS } from "../page/build-page.ts";
import { type Rewrite, rewriting } from "./rewrites.ts";
import { WITHOUT_UNUSED_SURFACES } from "./unused-surfaces.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
/** Where bundles are built in a checkout. */
export const BUNDLES = join(ROOT, "dist/bundle");

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
    const { compiled } = bundlesIn(folder);
    if (isSame(draft, folder) && existsSync(compiled)) {
      renameSync(compiled, join(draft, "compiled"));
    }
    rmSync(folder, { recursive: true, force: true });
    renameSync(draft, folder);
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
  return bundlesIn(folder);
}

/** Whether what was compiled of one folder's programs is of use for the other's. */
function isSame(one: string, other: string): boolean {
  return ["functions", "runner"].every((part) => {
    const [a, b] = [one, other].map((folder) => join(folder, part, "program.cjs"));
    return a && b && existsSync(b) && readFileSync(a).equals(readFileSync(b));
  });
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
  renameSync(join(folder, "stdin.cjs"), join(folder, "program.cjs"));
  writeFileSync(join(folder, "registered.cjs"), "");
  buildPage(join(folder, "page"));
}

async function buildRunner(bundles: string, from: From): Promise<void> {
  const folder = join(bundles, "runner");
  const entryPoints = {
    program: "infra/agent/main.ts",
    "output-worker": "infra/agent/engines/claude-code/output-worker.ts",
  };
  await bundle({ outdir: folder, entryPoints, plugins: [listing("runner", bundles)] }, from);
  cpSync(join(from.root, "infra/agent/sandbox/relay.mjs"), join(folder, "relay.mjs"));
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

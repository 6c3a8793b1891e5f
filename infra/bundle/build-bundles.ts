import { existsSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { cyclonedxEsbuildPlugin } from "@cyclonedx/cyclonedx-esbuild";
import { build, type Plugin } from "esbuild";
import { bundlesIn, type Programs } from "../local/programs.ts";
import { buildPage, PAGE_OPTIONS } from "../page/build-page.ts";
import { buildPrograms } from "./build-programs.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
/** Where bundles are built in a checkout. */
export const BUNDLES = join(ROOT, "dist/bundle");

/**
 * Bundles whose packages are listed, each in `packages/NAME.json` of their folder, as CycloneDX has
 * it.
 */
export const LISTED = ["functions", "page", "runner"] as const;

/**
 * Builds what is deployed: the functions and the runner, each as a few files that need no
 * `node_modules`, but for the agent's own command line. Whoever reads the folder meanwhile finds
 * all of it or what was there before.
 *
 * @param folder where to. Default: {@link BUNDLES}
 * @throws {Error} if a file that is rewritten for a bundle is in none: it was renamed
 */
export async function buildBundles(folder: string = BUNDLES): Promise<Programs> {
  const draft = `${folder}.${process.pid}`;
  try {
    await Promise.all([
      buildPrograms(draft, { pluginsOf: (name) => [listing(name, draft)] }),
      listPage(draft),
    ]);
    buildPage(join(draft, "functions/page"));
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

import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type BuildOptions, buildSync, type Metafile } from "esbuild";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** How esbuild makes the page's scripts and styles of their sources. */
export const PAGE_OPTIONS = {
  absWorkingDir: ROOT,
  entryPoints: { page: "page/main.tsx", style: "page/page.css" },
  bundle: true,
  splitting: true,
  minify: true,
  format: "esm",
  target: "es2023",
  tsconfig: "page/tsconfig.json",
  entryNames: "[name]-[hash]",
  chunkNames: "[name]-[hash]",
  legalComments: "eof",
  logLevel: "silent",
  write: false,
  metafile: true,
} as const satisfies BuildOptions;

/**
 * Builds the page: `index.html` and, in `assets/`, what it loads, each under a name that has its
 * content's hash in it.
 *
 * @param folder where to. Default: `dist/page` of the checkout, which the function `api` serves.
 */
export function buildPage(folder: string = join(ROOT, "dist/page")): void {
  const assets = join(folder, "assets");
  const { outputFiles, metafile } = buildSync({ ...PAGE_OPTIONS, outdir: assets });
  mkdirSync(assets, { recursive: true });
  const names = outputFiles.map(({ path }) => basename(path));
  for (const { path, contents } of outputFiles) if (!existsSync(path)) put(path, contents);
  const first = names.find((name) => /^page-.*\.js$/.test(name)) ?? "";
  put(join(folder, "index.html"), indexOf(names, sharedBy(metafile, first)));
  // What is neither is being written by somebody else who builds.
  for (const old of readdirSync(assets).filter((name) => /\.(js|css)$/.test(name))) {
    if (!names.includes(old)) rmSync(join(assets, old), { force: true });
  }
}

/** What a script imports at once because other parts, which are loaded later, share it. */
function sharedBy({ outputs }: Metafile, script: string): string[] {
  const entry = Object.entries(outputs).find(([path]) => basename(path) === script)?.[1];
  const imports = entry?.imports.filter(({ kind }) => kind === "import-statement") ?? [];
  return imports.map(({ path }) => basename(path));
}

/**
 * The page's HTML with the names that its assets have now; `shared` is fetched beside the script.
 */
function indexOf(names: readonly string[], shared: readonly string[]): string {
  const html = readFileSync(join(ROOT, "page/index.html"), "utf8");
  const links = shared.map((name) => `<link rel="modulepreload" href="/assets/${name}" />\n    `);
  const whole = html.replace("<script", `${links.join("")}<script`);
  return whole.replace(/\/assets\/(page|style)\.(js|css)/g, (whole, name, kind) => {
    const found = names.find((one) => one.startsWith(`${name}-`) && one.endsWith(`.${kind}`));
    if (found === undefined) throw new Error(`nothing was built for ${whole}`);
    return `/assets/${found}`;
  });
}

/** Whoever reads it meanwhile finds all of it or what was there before. */
function put(path: string, content: string | Uint8Array): void {
  const draft = `${path}.${process.pid}`;
  writeFileSync(draft, content);
  renameSync(draft, path);
}

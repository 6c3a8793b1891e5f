import { spawnSync } from "node:child_process";
import {
  cpSync,
  createWriteStream,
  existsSync,
  globSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import { createGzip } from "node:zlib";
import { packTar } from "modern-tar/fs";
import { buildPage } from "../page/build-page.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const TSC = join(ROOT, "node_modules/typescript/bin/tsc");
const WORKSPACES = ["shared", "functions", "infra", "infra/node", "page"];
/** What runs as it is, or is read by its path. */
const PLAIN = [
  "firestore.indexes.json",
  "firestore.rules",
  "package-lock.json",
  "infra/end-with-parent.js",
  "infra/launch.js",
  "infra/agent/sandbox/relay.mjs",
  // Installed and started apart, as it is.
  ...["package.json", "package-lock.json", "program.ts", "resources.ts"].map(
    (name) => `infra/deploy/stack/${name}`,
  ),
  "infra/local/functions-host/exit-with-parent.js",
  ...WORKSPACES.map((folder) => `${folder}/package.json`),
];
/** What the command line needs before it serves, beside its own: the text of a help. */
const OF_COMMAND_LINE = [
  "infra/local/serve-options.js",
  "infra/local/offline-model/minimal-instance.js",
  "infra/local/offline-model/script.js",
  "shared/attempt/handed-back-words.js",
  "shared/hash.js",
];
/** A module that is named by its address or path; what is imported `tsc` rewrites itself. */
const NAMED = /((?:new URL|repositoryFile)\("[\w./-]+)\.ts"/g;

/**
 * Builds what the package has: in `dist/` the client and the command line, and as `server.tar.gz`
 * all that serves, laid out as a checkout, which the command line unpacks when it is first asked to
 * serve.
 */
async function build(): Promise<void> {
  const draft = join(ROOT, `dist/.draft-${process.pid}`);
  const server = join(draft, "server");
  const made = join(draft, "made");
  try {
    compile(["--project", "tsconfig.build.json", "--outDir", server]);
    compile(["--project", "client/tsconfig.build.json", "--outDir", made]);
    for (const path of globSync("**/*.js", { cwd: server })) rewriteNamed(join(server, path));
    for (const path of PLAIN) cpSync(join(ROOT, path), join(server, path));
    writeFileSync(join(server, "package.json"), serverPackage());
    buildPage(join(server, "dist/page"));
    cpSync(join(server, "dist/page"), join(made, "page"), { recursive: true });
    for (const path of ["cli", "client", ...OF_COMMAND_LINE]) {
      cpSync(join(server, path), join(made, path), { recursive: true });
    }
    await pack(server, join(made, "server.tar.gz"));
    for (const name of ["cli", "client", "infra", "page", "shared", "server.tar.gz"]) {
      replace(join(ROOT, "dist", name), join(made, name));
    }
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

function compile(args: readonly string[]): void {
  const { status } = spawnSync(process.execPath, [TSC, ...args], { cwd: ROOT, stdio: "inherit" });
  if (status !== 0) throw new Error(`tsc ${args.join(" ")} failed`);
}

function rewriteNamed(path: string): void {
  const code = readFileSync(path, "utf8");
  const rewritten = code.replace(NAMED, '$1.js"');
  if (rewritten !== code) writeFileSync(path, rewritten);
}

/** The project's own, without what belongs to a checkout or a package. */
function serverPackage(): string {
  const own = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
  const { bin: _bin, exports: _exports, files: _files, scripts: _scripts, ...rest } = own;
  return JSON.stringify({ ...rest, private: true }, null, 2);
}

/** The same files make the same archive. */
async function pack(folder: string, archive: string): Promise<void> {
  const files = globSync("**/*", { cwd: folder, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  const sources = files.map((source) => ({
    type: "file" as const,
    source,
    target: source.slice(folder.length + 1),
    mtime: new Date(0),
    mode: 0o644,
  }));
  await pipeline(packTar(sources), createGzip({ level: 9 }), createWriteStream(archive));
}

function replace(path: string, made: string): void {
  rmSync(path, { recursive: true, force: true });
  mkdirSync(dirname(path), { recursive: true });
  renameSync(made, path);
}

// Who installs a checkout without its development packages serves from it, and imports nothing.
const isPacked = process.env["npm_lifecycle_event"] === "prepack";
if (isPacked || existsSync(TSC)) await build();

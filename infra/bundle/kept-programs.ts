import { createHash } from "node:crypto";
import {
  existsSync,
  globSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
} from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { bundlesIn, type Programs } from "../local/programs.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
/**
 * Among the modules that bundles are made of: who can write there can change those as well, and no
 * sandbox shows it.
 */
const KEPT = join(ROOT, "node_modules/.cache/runyard-bundles");
/** What a bundle's content follows from. */
const SOURCES = [
  "package-lock.json",
  "{functions,infra/agent,infra/bundle,shared}/**/*.{cjs,json,mjs,ts}",
];
/** What nobody has touched for so long is used by nobody: see {@link keepPrograms}. */
const UNUSED_MS = 15 * 60_000;

/** Programs of this checkout's sources. */
export interface KeptPrograms {
  programs: Programs;
  /** Says that they are in use; to be called every few minutes. Never throws. */
  touch(): void;
}

/**
 * The functions and the runner as they stand in this checkout, bundled, which makes each start of
 * one cost a third of the processor time. They are built when the sources have changed, and kept
 * for the next who asks.
 *
 * @param kept where. Default: in `node_modules`
 * @returns undefined where nothing can be built or kept, for whatever reason: the sources serve too
 */
export async function keepPrograms(kept: string = KEPT): Promise<KeptPrograms | undefined> {
  const folder = join(kept, hashOfSources());
  const touch = () => {
    try {
      const now = new Date();
      utimesSync(folder, now, now);
    } catch {
      // Somebody else's, who touches it, or gone with all that is kept.
    }
  };
  try {
    mkdirSync(kept, { recursive: true });
    if (existsSync(folder)) touch();
    else await build(folder);
    removeUnused(kept);
  } catch {
    if (!existsSync(folder)) return undefined;
  }
  return { programs: bundlesIn(folder), touch };
}

/** Of their contents, names and places. */
function hashOfSources(): string {
  const hash = createHash("sha256");
  const exclude = (name: string) => name === "node_modules";
  for (const path of globSync(SOURCES, { cwd: ROOT, exclude }).sort()) {
    hash
      .update(`${path}\0`)
      .update(readFileSync(join(ROOT, path)))
      .update("\0");
  }
  return hash.digest("hex").slice(0, 32);
}

/** Whoever is first keeps it. */
async function build(folder: string): Promise<void> {
  const draft = `${folder}.${process.pid}`;
  try {
    const { buildPrograms } = await import("./build-programs.ts");
    await buildPrograms(draft);
    // It is built by itself, and anew at each start.
    symlinkSync(join(ROOT, "dist/page"), join(draft, "functions/page"));
    renameSync(draft, folder);
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

function removeUnused(kept: string): void {
  for (const name of readdirSync(kept)) {
    const path = join(kept, name);
    const found = statSync(path, { throwIfNoEntry: false });
    if (found && found.mtimeMs < Date.now() - UNUSED_MS) {
      rmSync(path, { recursive: true, force: true });
    }
  }
}

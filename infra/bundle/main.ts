import { globSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { parseArgs } from "node:util";
import { complain, say } from "../../cli/terminal.ts";
import { serve } from "../local/serve.ts";
import { serveOptions } from "../local/serve-options.ts";
import { BUNDLES } from "./build-bundles.ts";

const HELP = `npm run bundle

Builds what is deployed into dist/bundle: functions/, runner/, and in compiled/ what this very version of Node
has compiled of them while one sample run went through, which makes each start shorter. The folder can be
moved; the runner looks for Claude Code in node_modules beside it or further out.`;

/**
 * Runs the sample through the bundles, so that Node compiles what a run needs; true if it
 * succeeded.
 */
async function bundle(): Promise<boolean> {
  const state = mkdtempSync(join(tmpdir(), "bundle-"));
  try {
    // No sandbox: where images are built there is none, and the sample's script executes no
    // command.
    const flags = { bundled: true, once: true, sandbox: "none", state };
    if (!(await serve(serveOptions(flags), {}))) return false;
  } finally {
    rmSync(state, { recursive: true, force: true });
  }
  say(`\n${relative(process.cwd(), BUNDLES)}/`);
  for (const part of ["functions", "runner", "compiled"]) {
    const files = globSync("**/*", { cwd: join(BUNDLES, part), withFileTypes: true });
    const sizes = files
      .filter((file) => file.isFile())
      .map((file) => statSync(join(file.parentPath, file.name)).size);
    const megabytes = sizes.reduce((sum, size) => sum + size, 0) / 1e6;
    say(`  ${part.padEnd(10)} ${megabytes.toFixed(1).padStart(5)} MB in ${sizes.length} files`);
  }
  return true;
}

try {
  const { values } = parseArgs({ options: { help: { type: "boolean" } } });
  if (values.help) say(HELP);
  else if (!(await bundle())) process.exitCode = 1;
} catch (error) {
  complain(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}

// Runs a command with a Node that is new enough: the running one, else the one that npm installed
// with this project. With --npm before the command it ends when its parent does: the scripts of
// package.json say so, and take the shell's place (exec) so that the parent is npm itself and npm's
// signals arrive here. Plain JavaScript, because it must also run on the Node that is too old.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const OLDEST = [24, 12];
const LOOK_EVERY_MS = 500;

function isNewEnough(version) {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1]);
}

function installedNode() {
  try {
    const require = createRequire(import.meta.url);
    return require.resolve(`node-${process.platform}-${process.arch}/bin/node`);
  } catch {
    return undefined;
  }
}

/**
 * Has Node keep what it compiles in a checkout, which halves a command's start. Beside the modules
 * that it is made of: who can write there can change those as well.
 */
function environment() {
  const modules = fileURLToPath(new URL("../node_modules", import.meta.url));
  if (!existsSync(modules)) return process.env;
  return { NODE_COMPILE_CACHE: `${modules}/.cache/runyard-compile`, ...process.env };
}

const parent = process.ppid;
const isOfNpm = process.argv[2] === "--npm";
const command = process.argv.slice(isOfNpm ? 3 : 2);
const node = isNewEnough(process.versions.node) ? process.execPath : installedNode();
if (node === undefined) {
  process.stderr.write(
    `Runyard needs Node ${OLDEST.join(".")} or newer; this is ${process.versions.node}: install it from https://nodejs.org and try again.\n`,
  );
  process.exit(1);
}
const endWithParent = new URL(`./end-with-parent.js?${process.pid}`, import.meta.url);
const flags = ["--disable-warning=ExperimentalWarning", `--import=${endWithParent}`];
const child = spawn(node, [...flags, ...command], { stdio: "inherit", env: environment() });

let isTold = false;
function tell(signal) {
  isTold = true;
  child.kill(signal);
}
// A terminal's Ctrl-C reaches both processes, so the child may see it twice.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => tell(signal));

// An npm that is killed, or hung up on, tells nobody. Of another parent, such as a shell that
// started this process in the background, nothing is to be concluded.
if (isOfNpm) {
  setInterval(() => {
    if (process.ppid !== parent && !isTold) tell("SIGTERM");
  }, LOOK_EVERY_MS).unref();
}

child.on("exit", (code, signal) => {
  if (signal === null) process.exit(code ?? 1);
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
});

// Runs a command with a Node that is new enough: the running one, else the one that npm installed
// with this project. Plain JavaScript, because it must also run on the Node that is too old.
import { spawn } from "node:child_process";
import { createRequire } from "node:module";

const OLDEST = [24, 12];

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

const node = isNewEnough(process.versions.node) ? process.execPath : installedNode();
if (node === undefined) {
  process.stderr.write(
    `Runyard needs Node ${OLDEST.join(".")} or newer; this is ${process.versions.node}: install it from https://nodejs.org and try again.\n`,
  );
  process.exit(1);
}
const child = spawn(node, ["--disable-warning=ExperimentalWarning", ...process.argv.slice(2)], {
  stdio: "inherit",
});
// A terminal's Ctrl-C reaches both processes, so the child may see it twice.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
child.on("exit", (code, signal) => {
  if (signal === null) process.exit(code ?? 1);
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
});

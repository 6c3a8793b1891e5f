// Runs between the runner and the agent, in the sandbox if there is one. Plain JavaScript without
// imports of ours, because the sandbox shows it this one file. Descriptor 3 is a socket to the runner:
//   in   first line: {command, directory, environment, addressed, mergesOutput, mayLeave, modelSocket,
//        egressSocket}
//        later lines: "interrupt" (SIGINT to the agent)
//        its end: the runner is gone, so the agent has to go too
//   out  one line: {started: true, model: HOST:PORT of the way to the model}, then one: {exitCode, signal} or {error}
// It ends with the agent, and a sandbox around it with all that is in it; with mayLeave it stays until it
// is killed.
import { spawn } from "node:child_process";
import { closeSync, readdirSync, readFileSync } from "node:fs";
import { createConnection, createServer, Socket } from "node:net";

/** As in `fcntl.h`: closed when another program takes the process over. */
const O_CLOEXEC = 0o2000000;

/**
 * Closes what whoever started the runner left open without knowing: all of Node's own, and all of
 * the runner's, has that mark.
 */
function closeInherited() {
  for (const name of readdirSync("/proc/self/fdinfo").filter((fd) => Number(fd) > 3)) {
    try {
      const info = readFileSync(`/proc/self/fdinfo/${name}`, "utf8");
      const flags = Number.parseInt(/^flags:\s+(\d+)/m.exec(info)?.[1] ?? "0", 8);
      if ((flags & O_CLOEXEC) === 0) closeSync(Number(name));
    } catch {
      // It was the one by which the folder was read.
    }
  }
}

if (process.platform === "linux") closeInherited();
const control = new Socket({ fd: 3, readable: true, writable: true });
const say = (message, then) => control.write(`${JSON.stringify(message)}\n`, then);

/**
 * A loopback port that leads to a unix socket: command lines speak TCP, the sandbox has no network.
 */
function openPort(socketPath) {
  const server = createServer({ allowHalfOpen: true }, (local) => {
    const far = createConnection({ path: socketPath, allowHalfOpen: true });
    local.pipe(far).pipe(local);
    for (const [end, other] of [
      [local, far],
      [far, local],
    ]) {
      end.on("error", () => other.destroy());
      end.once("close", () => other.destroy());
    }
  });
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => resolve(`http://127.0.0.1:${server.address().port}`));
  });
}

/** Ports of ours, by what stands for them in variables. */
const openPorts = async ({ modelSocket, egressSocket }) => ({
  "{model}": await openPort(modelSocket),
  "{egress}": await openPort(egressSocket),
});

/** Ends this process and its group; a sandbox around it goes with it. */
function endEverything() {
  try {
    process.kill(-process.pid, "SIGKILL");
  } catch {
    process.exit(1);
  }
}

let agent;

/** Time for the agent to end what it started, in milliseconds. */
const LAST_GRACE = 1000;

/** The runner is gone: the agent ends its own children when it is told to end. */
function endAgent() {
  agent?.kill("SIGTERM");
  setTimeout(endEverything, agent === undefined ? 0 : LAST_GRACE);
}

async function startAgent(plan) {
  const [file, ...rest] = plan.command;
  const addresses = await openPorts(plan);
  const env = { ...plan.environment };
  for (const [name, value] of Object.entries(plan.addressed)) env[name] = addresses[value] ?? value;
  agent = spawn(file, rest, { cwd: plan.directory, env, stdio: [0, 1, plan.mergesOutput ? 1 : 2] });
  const model = new URL(addresses["{model}"]).host;
  agent.once("spawn", () => say({ started: true, model }));
  agent.once("error", (error) => say({ error: error.message }, () => process.exit(1)));
  agent.once("exit", (exitCode, signal) => {
    agent = undefined;
    say({ exitCode, signal }, () => plan.mayLeave || process.exit(exitCode ?? 1));
  });
}

let text = "";
control.setEncoding("utf8");
control.on("data", (chunk) => {
  text += chunk;
  for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n")) {
    const line = text.slice(0, end);
    text = text.slice(end + 1);
    if (line === "interrupt") agent?.kill("SIGINT");
    else
      startAgent(JSON.parse(line)).catch((error) => say({ error: error.message }, endEverything));
  }
});
control.once("end", endAgent);
control.once("error", endAgent);

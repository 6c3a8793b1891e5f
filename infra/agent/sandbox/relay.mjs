// Runs between the runner and the agent, in the sandbox if there is one. Plain JavaScript without
// imports of ours, because the sandbox shows it this one file. Descriptor 3 is a socket to the runner:
//   in   first line: {command, directory, environment, addressed, mergesOutput, modelSocket, egressSocket}
//        later lines: "interrupt" (SIGINT to the agent)
//        its end: the runner is gone, so the agent has to go too
//   out  one line: {started: true}, then one: {exitCode, signal} or {error}
import { spawn } from "node:child_process";
import { createConnection, createServer, Socket } from "node:net";

const control = new Socket({ fd: 3, readable: true, writable: true });
const say = (message, then) => control.write(`${JSON.stringify(message)}\n`, then);

/** A loopback port that leads to a unix socket: command lines speak TCP, the sandbox has no network. */
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

/** The variables that hold an address: `{model}` and `{egress}` are ports of ours. */
async function addressesIn({ addressed, modelSocket, egressSocket }) {
  const addresses = {
    "{model}": await openPort(modelSocket),
    "{egress}": await openPort(egressSocket),
  };
  return Object.fromEntries(
    Object.entries(addressed).map(([name, value]) => [name, addresses[value] ?? value]),
  );
}

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
  const env = { ...plan.environment, ...(await addressesIn(plan)) };
  agent = spawn(file, rest, { cwd: plan.directory, env, stdio: [0, 1, plan.mergesOutput ? 1 : 2] });
  agent.once("spawn", () => say({ started: true }));
  agent.once("error", (error) => say({ error: error.message }, () => process.exit(1)));
  agent.once("exit", (exitCode, signal) =>
    say({ exitCode, signal }, () => process.exit(exitCode ?? 1)),
  );
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

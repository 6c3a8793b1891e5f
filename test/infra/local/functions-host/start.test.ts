import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { startFunctionsHost } from "../../../../infra/local/functions-host/start.ts";
import { differsTest } from "../../../contract/declared.ts";
import { eventually } from "../../../support/eventually.ts";
import { startFunctions } from "../../../support/functions.ts";
import { isAlive } from "../../../support/processes.ts";

const TIMEOUT_MS = 180_000;

/** Functions that tell their process, crash, or take their time, with our guard in front. */
const SOURCE = `
import { http } from "@google-cloud/functions-framework";
import { installGuard } from "ROOT/functions/guard.ts";
installGuard({ bodyBytes: () => 100, host: "127.0.0.1" });
let held = 0;
http("whoami", (request, response) => {
  if (request.path === "/crash") process.kill(process.pid, "SIGKILL");
  const busyUntil = Date.now() + (request.path === "/busy" ? 2000 : 0);
  while (Date.now() < busyUntil);
  if (request.path === "/slow") setTimeout(() => response.send("slow " + process.pid), 500);
  else if (request.path === "/held") {
    held += 1;
    process.once("SIGTERM", () => setTimeout(() => response.send("held " + process.pid), 500));
  } else if (request.path === "/count") response.send(String(held));
  else response.send(process.env.NAME + " " + process.pid + " " + request.method);
});
`;

async function startHost() {
  const world = await startFunctions(SOURCE, ["whoami"]);
  const get = async (path: string) => (await fetch(`${world.host.urlOf("whoami")}${path}`)).text();
  return { ...world, get };
}

test(
  "a function is started by its first request, and serves the next in the same process",
  async () => {
    await using world = await startHost();
    expect(world.host.pidOf("whoami")).toBeUndefined();
    const first = await world.get("/a?b=c");
    expect(first).toBe(`at 127.0.0.1 ${world.host.pidOf("whoami")} GET`);
    expect(await world.get("/")).toBe(first);
  },
  TIMEOUT_MS,
);

differsTest(
  "Differs: one instance a function: it takes a hundred requests at once",
  async () => {
    await using world = await startHost();
    await world.host.warm();
    const startedAt = performance.now();
    const answers = await Promise.all(Array.from({ length: 100 }, () => world.get("/slow")));
    expect(new Set(answers)).toEqual(new Set([`slow ${world.host.pidOf("whoami")}`]));
    // One after the other they would take fifty seconds.
    expect(performance.now() - startedAt).toBeLessThan(40_000);
  },
  TIMEOUT_MS,
);

test(
  "connections that come faster than its process takes them start no other one",
  async () => {
    await using world = await startHost();
    await world.host.warm();
    const pid = world.host.pidOf("whoami");
    const port = Number(new URL(world.host.urlOf("whoami")).port);
    const busy = world.get("/busy");
    const held = Array.from({ length: 3000 }, () => connect(port, "127.0.0.1"));
    for (const socket of held) socket.on("error", () => {});
    expect(await world.get("/")).toBe(`at 127.0.0.1 ${pid} GET`);
    expect(await busy).toBe(`at 127.0.0.1 ${pid} GET`);
    expect(world.host.pidOf("whoami")).toBe(pid);
    for (const socket of held) socket.destroy();
  },
  TIMEOUT_MS,
);

test(
  "a function that crashed is started again by the next request",
  async () => {
    await using world = await startHost();
    const first = await world.get("/");
    await expect(world.get("/crash")).rejects.toThrow();
    // While the system takes a killed process apart its port may still take a connection, for
    // nothing.
    await eventually(() => expect(world.host.pidOf("whoami")).toBeUndefined());
    const second = await world.get("/");
    expect(second).toMatch(/^at 127/);
    expect(second).not.toBe(first);
  },
  TIMEOUT_MS,
);

test(
  "on SIGTERM requests in hand are finished and new ones go to a new process",
  async () => {
    await using world = await startHost();
    await world.host.warm();
    const pid = world.host.pidOf("whoami") as number;
    const inHand = Promise.all(Array.from({ length: 20 }, () => world.get("/held")));
    inHand.catch(() => {});
    await eventually(async () => expect(await world.get("/count")).toBe("20"));
    process.kill(pid, "SIGTERM");
    const later = await eventually(async () => {
      const answer = await world.get("/");
      expect(answer).not.toContain(` ${pid} `);
      return answer;
    });
    expect(later).toMatch(/^at 127/);
    expect(await inHand).toEqual(Array.from({ length: 20 }, () => `held ${pid}`));
    await eventually(() => expect(isAlive(pid)).toBe(false));
  },
  TIMEOUT_MS,
);

test(
  "a function that cannot start is told in the answer and tried again",
  async () => {
    const logs: string[] = [];
    await using host = await startFunctionsHost({
      source: "/nowhere/index.mjs",
      functions: [{ target: "none", port: 0 }],
      env: async () => ({}),
      onLog: (_target, line) => void logs.push(line),
    });
    for (let attempt = 0; attempt < 2; attempt += 1) {
      const answer = await fetch(host.urlOf("none"));
      expect([answer.status, await answer.text()]).toEqual([
        503,
        expect.stringContaining("none ended"),
      ]);
    }
    expect(logs.join("\n")).toContain("/nowhere/index.mjs");
  },
  TIMEOUT_MS,
);

test.each([
  ["is taken", (taken: number) => taken],
  ["is none", () => 70_000],
])("a port that was only preferred gives way if it %s, another fails", async (_what, portOf) => {
  const foreign = createServer().listen(0, "127.0.0.1");
  await once(foreign, "listening");
  const port = portOf((foreign.address() as AddressInfo).port);
  const start = (orAny: boolean) =>
    startFunctionsHost({
      source: "/nowhere/index.mjs",
      functions: [{ target: "none", port, orAny }],
      env: async () => ({}),
    });
  try {
    await using host = await start(true);
    expect(Number(new URL(host.urlOf("none")).port)).not.toBe(port);
    await expect(start(false)).rejects.toThrow(/EADDRINUSE|port/);
  } finally {
    foreign.close();
  }
});

test(
  "nothing is left after close",
  async () => {
    const world = await startHost();
    await world.host.warm();
    const pid = world.host.pidOf("whoami") as number;
    expect(world.host.urlOf("whoami")).toMatch(/:\d+$/);
    await world[Symbol.asyncDispose]();
    expect(isAlive(pid)).toBe(false);
    // Whether it listens itself: its port may be another's by now.
    expect(() => world.host.urlOf("whoami")).toThrow(/no function whoami is hosted/);
  },
  TIMEOUT_MS,
);

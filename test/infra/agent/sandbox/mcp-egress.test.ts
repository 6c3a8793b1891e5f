import { once } from "node:events";
import { mkdtempSync } from "node:fs";
import { rm } from "node:fs/promises";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import {
  claudeArguments,
  claudeEnvironment,
  claudeInput,
  installedClaudeCode,
} from "../../../../infra/agent/engines/claude-code/command.ts";
import { agentEnvironment } from "../../../../infra/agent/environment.ts";
import { openModelAccess } from "../../../../infra/agent/model/access.ts";
import { readPrices } from "../../../../infra/agent/model/prices.ts";
import { startEgressProxy } from "../../../../infra/agent/sandbox/egress-proxy.ts";
import { launchSandboxed, socketsIn } from "../../../../infra/agent/sandbox/launch.ts";
import { arrange, makeFolders } from "../../../../infra/agent/sandbox/place.ts";
import { startOfflineModel } from "../../../../infra/local/offline-model/start.ts";
import { resolveAgent } from "../../../../shared/agent/settings.ts";
import { systemClock } from "../../../../shared/clock.ts";
import { memoryStore } from "../../../security/model-world.ts";

const PATH = process.env["PATH"] ?? "";
const HOST = "mcp.example.com";
const HANDSHAKE = 0x16;
const SESSION = { id: "00000000-0000-4000-8000-000000000000", isRestored: false };

/** A host that only takes note of what it is sent first. */
async function startHost() {
  const received: Buffer[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.once("data", (chunk: Buffer) => {
      received.push(chunk);
      socket.destroy();
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    received,
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

test.each([
  [
    "reaches its allowed host through the proxy, encrypted",
    [HOST],
    [{ isHandshake: true, names: HOST }],
  ],
  ["reaches no host that is not allowed", ["example.com"], []],
] as const)(
  "a remote MCP server %s",
  async (_name, allowedHosts, reached) => {
    const root = mkdtempSync(join(tmpdir(), "runyard-mcp-"));
    try {
      await using host = await startHost();
      await using model = await startOfflineModel();
      const agent = resolveAgent({
        allowedHosts: [...allowedHosts],
        mcpServers: { far: { type: "http", url: `https://${HOST}/mcp` } },
      });
      const folders = await makeFolders(root, "bubblewrap");
      const installed = installedClaudeCode();
      const arrangement = await arrange(folders, {
        isolation: "bubblewrap",
        installed,
        agent,
        path: PATH,
        memoryBytes: Number.POSITIVE_INFINITY,
        log: () => {},
      });
      const { place, plan, directory, sockets } = arrangement;
      if (plan === undefined) throw new Error("no sandbox is planned");
      const { modelSocket, egressSocket } = socketsIn(folders.sockets);
      const access = await openModelAccess({
        socketPath: modelSocket,
        baseUrl: model.url,
        apiKey: "k",
        prices: readPrices(undefined),
        budgetUsd: 1,
        store: memoryStore(new Map()),
        clock: systemClock,
        hide: (said) => said,
        onEvent: () => {},
      });
      await using _model = await access.open();
      const egressProxy = await startEgressProxy({
        socketPath: egressSocket,
        allowedHosts,
        resolve: async () => [{ address: "93.184.215.14", family: 4 }],
        open: () => connect(host.port, "127.0.0.1"),
      });
      const command = [place.program, ...claudeArguments(agent, SESSION, place)];
      const engine = claudeEnvironment(place, access.placeholderKey);
      const environment = agentEnvironment({ given: {}, place, engine });
      const process = launchSandboxed({ command, directory, environment, ...sockets }, plan, PATH);
      process.stdin.end(claudeInput(Buffer.from("echo")));
      const [said, end] = await Promise.all([text(process.stdout), process.ended]);
      await egressProxy.close();
      expect(end).toEqual({ exitCode: 0, signal: null });
      expect(said).toMatch(/"mcp_servers":\[\{"name":"far","status":"failed"/);
      const hellos = host.received.map((bytes) => ({
        isHandshake: bytes[0] === HANDSHAKE,
        names: bytes.includes(HOST) ? HOST : "another host",
      }));
      expect(hellos.slice(0, 1)).toEqual(reached);
    } finally {
      await rm(root, { recursive: true });
    }
  },
  180_000,
);

import type { ClientHttp2Stream } from "node:http2";
import { loadProtos } from "../../../infra/emulators/wire/grpc-server.ts";
import { standInTest } from "../declared.ts";
import type { Measure } from "../host.ts";
import { sleep } from "../target.ts";
import { brokenConnections } from "./frames.ts";
import { BROKEN_BODIES, message, openCall, outcomeOf, session } from "./grpc.ts";
import { type Host, startHost } from "./host.ts";
import { attack, bytes, open } from "./raw.ts";

const COMMIT = "/google.firestore.v1.Firestore/Commit";
const LISTEN = "/google.firestore.v1.Firestore/Listen";
const PULL = "/google.pubsub.v1.Subscriber/StreamingPull";
const CREATE_BUILD = "/google.devtools.cloudbuild.v1.CloudBuild/CreateBuild";

const SERVICES = ["firestore", "pubsub", "storage", "cloud-build"] as const;

let host: Host;
beforeAll(async () => {
  host = await startHost();
});
afterAll(() => host[Symbol.asyncDispose]());

async function expectUnharmed(): Promise<void> {
  host.expectAlive();
  for (const service of SERVICES) await host.probe(service);
}

/** Connections that the process has; its listening ports are none. */
function sockets({ resources }: Measure): number {
  return Object.entries(resources)
    .filter(([kind]) => /Wrap|Http2/.test(kind) && !/Server/.test(kind))
    .reduce((sum, [, count]) => sum + count, 0);
}

/**
 * Waits until the process holds no more connections than before, and returns what it holds then.
 */
async function settled(before: Measure): Promise<Measure> {
  const end = Date.now() + 10_000;
  for (;;) {
    const now = await host.measure();
    if (sockets(now) <= sockets(before) || Date.now() > end) return now;
    await sleep(50);
  }
}

type Rpc = { requestSerialize(request: object): Buffer };
const rpc = (protos: string, service: string, name: string) =>
  (loadProtos(protos)[service] as unknown as Record<string, Rpc>)[name] as Rpc;
const listen = rpc(
  "@google-cloud/firestore/build/protos/v1.json",
  "google.firestore.v1.Firestore",
  "Listen",
);
const pull = rpc(
  "@google-cloud/pubsub/build/protos/protos.json",
  "google.pubsub.v1.Subscriber",
  "StreamingPull",
);

const database = "projects/p/databases/(default)";
const structuredQuery = { from: [{ collectionId: "c" }] };
const addTarget = { query: { parent: `${database}/documents`, structuredQuery }, targetId: 2 };
const LISTEN_REQUEST = message(listen.requestSerialize({ database, addTarget }));

/** Resolves when the stream has said something, or is over. */
function answered(call: ClientHttp2Stream): Promise<unknown> {
  return new Promise((resolve) => call.once("data", resolve).once("close", resolve));
}

/** Opens streams, gets what there is on them, and goes without a word. */
async function abandonStreams(count: number): Promise<void> {
  const clients = [session(host.ports.firestore), session(host.ports.pubsub)] as const;
  const { subscription } = host;
  const first = { subscription, streamAckDeadlineSeconds: 10, protocolVersion: 1 };
  const opened = Array.from({ length: count }, () => {
    const listening = openCall(clients[0], LISTEN);
    listening.write(LISTEN_REQUEST);
    const pulling = openCall(clients[1], PULL);
    pulling.write(message(pull.requestSerialize(first)));
    // It is answered with a sign of life.
    pulling.write(message(Buffer.alloc(0)));
    return [answered(listening), answered(pulling)];
  });
  await Promise.all(opened.flat());
  for (const client of clients) client.destroy();
}

const GRPC_PORTS = (
  [
    ["firestore", COMMIT],
    ["pubsub", PULL],
    ["cloud-build", CREATE_BUILD],
  ] as const
).map(([service, path]) => {
  return { service, path, attacks: Object.values(brokenConnections(path)).flat() };
});
const BODIES = Object.values(BROKEN_BODIES).flat();

/** Of everything that is wrong the next three, at each port. */
async function round(seed: number): Promise<void> {
  const body = BODIES[seed % BODIES.length] ?? Buffer.alloc(0);
  const leave = seed % 2 === 0 ? "reset" : "destroy";
  const next = (attacks: Buffer[][]) =>
    [0, 1, 2].map((step) => attacks[(seed * 3 + step) % attacks.length] ?? []);
  await Promise.all([
    ...GRPC_PORTS.flatMap(({ service, attacks }) =>
      next(attacks).map((pieces) => attack(host.ports[service], pieces, { leave })),
    ),
    ...GRPC_PORTS.map(async ({ service, path }) => {
      const client = session(host.ports[service]);
      await outcomeOf(openCall(client, path), body);
      client.destroy();
    }),
    abandonStreams(3),
    attack(host.ports.storage, [bytes(500, seed + 1)], { leave }),
    attack(
      host.ports.storage,
      [Buffer.from("POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n")],
      { leave },
    ),
  ]);
}

standInTest("after 200 rounds of everything the process holds what it held before", async () => {
  for (let seed = 0; seed < 30; seed += 1) await round(seed);
  await expectUnharmed();
  const before = await host.measure();
  for (let seed = 0; seed < 200; seed += 1) await round(seed);
  await expectUnharmed();
  const after = await settled(before);
  expect(sockets(after)).toBeLessThanOrEqual(sockets(before));
  expect(after.resources["Timeout"] ?? 0).toBeLessThanOrEqual(
    (before.resources["Timeout"] ?? 0) + 5,
  );
  expect(after.heapBytes).toBeLessThan(before.heapBytes + 8 * 1024 * 1024);
  expect(host.complaints()).toBe("");
});

standInTest.each(SERVICES)(
  "%s forgets a thousand connections that say nothing",
  async (service) => {
    const before = await host.measure();
    for (let batch = 0; batch < 4; batch += 1) {
      const opened = await Promise.all(
        Array.from({ length: 250 }, () => open(host.ports[service])),
      );
      if (batch % 2 === 0) for (const socket of opened) socket.write("P");
      await host.probe(service);
      for (const [index, socket] of opened.entries()) {
        if (index % 2 === 0) socket.destroy();
        else socket.resetAndDestroy();
      }
    }
    const after = await settled(before);
    expect(sockets(after)).toBeLessThanOrEqual(sockets(before));
    await expectUnharmed();
  },
);

standInTest.each(SERVICES)(
  "%s serves others while clients are slow or half gone",
  async (service) => {
    const before = await host.measure();
    const slow = await Promise.all(Array.from({ length: 50 }, () => open(host.ports[service])));
    const start = service === "storage" ? "GET / HTTP/1.1\r\nX: " : "PRI * HTTP/2.0\r\n";
    for (const character of start) {
      for (const socket of slow) socket.write(character);
      await sleep(2);
    }
    await host.probe(service);
    for (const socket of slow) socket.end();
    await host.probe(service);
    for (const socket of slow) socket.destroy();
    expect(sockets(await settled(before))).toBeLessThanOrEqual(sockets(before));
  },
);

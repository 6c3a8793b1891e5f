import { standInTest } from "../declared.ts";
import { brokenConnections } from "./frames.ts";
import {
  BROKEN_BODIES,
  BROKEN_HEADERS,
  message,
  openCall,
  outcomeOf,
  packedBomb,
  session,
  UNKNOWN_PATHS,
} from "./grpc.ts";
import { type Host, startHost } from "./host.ts";
import { attack } from "./raw.ts";

/** Of each port a method that takes one message, and one that takes a stream. */
const PORTS = [
  {
    service: "firestore",
    unary: "/google.firestore.v1.Firestore/Commit",
    stream: "/google.firestore.v1.Firestore/Listen",
  },
  {
    service: "pubsub",
    unary: "/google.pubsub.v1.Publisher/Publish",
    stream: "/google.pubsub.v1.Subscriber/StreamingPull",
  },
  {
    service: "cloud-build",
    unary: "/google.devtools.cloudbuild.v1.CloudBuild/CreateBuild",
    stream: undefined,
  },
] as const;

type Service = (typeof PORTS)[number]["service"];

const RESOURCE_EXHAUSTED = 8;

let host: Host;
beforeAll(async () => {
  host = await startHost();
});
afterAll(() => host[Symbol.asyncDispose]());

/** The process is there, and serves whoever behaves. */
async function expectUnharmed(service: Service): Promise<void> {
  host.expectAlive();
  await host.probe(service);
}

const connections = PORTS.flatMap(({ service, unary }) =>
  Object.entries(brokenConnections(unary)).map(([what, attacks]) => ({ service, what, attacks })),
);

standInTest.each(connections)("$service survives $what", async ({ service, attacks }) => {
  const port = host.ports[service];
  for (const leave of ["destroy", "end"] as const) {
    await Promise.all(attacks.map((pieces) => attack(port, pieces, { leave })));
    await expectUnharmed(service);
  }
});

const bodies = PORTS.flatMap(({ service, unary, stream }) =>
  Object.entries(BROKEN_BODIES).map(([what, sent]) => ({
    service,
    what,
    sent,
    unary,
    paths: stream === undefined ? [unary] : [unary, stream],
  })),
);

standInTest.each(bodies)("$service refuses $what", async ({ service, sent, unary, paths }) => {
  const client = session(host.ports[service]);
  for (const path of paths) {
    for (const body of sent) {
      const outcome = await outcomeOf(openCall(client, path), body);
      // A stream may end without a message; nothing else is well.
      expect(outcome.grpc).toBeGreaterThanOrEqual(path === unary ? 1 : 0);
    }
  }
  client.close();
  await expectUnharmed(service);
});

const headers = PORTS.flatMap(({ service, unary }) =>
  Object.entries(BROKEN_HEADERS).map(([what, sent]) => ({ service, what, sent, path: unary })),
);

standInTest.each(headers)("$service survives $what", async ({ service, sent, path }) => {
  const client = session(host.ports[service]);
  const outcome = await outcomeOf(openCall(client, path, sent), message(Buffer.alloc(0)));
  expect(outcome.http === 415 || (outcome.grpc ?? 0) > 0).toBe(true);
  client.close();
  await expectUnharmed(service);
});

standInTest.each(PORTS)("$service answers methods that nobody has", async ({ service }) => {
  const client = session(host.ports[service]);
  for (const path of UNKNOWN_PATHS) {
    const outcome = await outcomeOf(openCall(client, path), message(Buffer.alloc(0)));
    expect([path, outcome.grpc]).toEqual([path, 12]);
  }
  client.close();
  await expectUnharmed(service);
});

standInTest.each(PORTS)(
  "$service refuses messages over the limit, packed ones by what they unpack to",
  async ({ service, unary }) => {
    const client = session(host.ports[service]);
    const large = message(Buffer.alloc(64 * 1024 * 1024 + 1));
    expect((await outcomeOf(openCall(client, unary), large, 10_000)).grpc).toBe(RESOURCE_EXHAUSTED);
    const packed = openCall(client, unary, { "grpc-encoding": "gzip" });
    expect((await outcomeOf(packed, packedBomb(), 10_000)).grpc).toBe(RESOURCE_EXHAUSTED);
    client.close();
    await expectUnharmed(service);
  },
);

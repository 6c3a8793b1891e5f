import { connect } from "node:http2";
import { startOfflineModel } from "../../infra/local/offline-model/start.ts";
import { startWorld, type World } from "../support/world.ts";
import { FOREIGN_HEADS, FOREIGN_TARGETS, OWN_HEADS, statusesOf } from "./raw-http.ts";

const CROSS_SITE = [["Host: 127.0.0.1:PORT", "Sec-Fetch-Site: cross-site"]];
const FOREIGN = [...FOREIGN_HEADS, ...CROSS_SITE];

let world: World;
beforeAll(async () => {
  world = await startWorld({ sandbox: "none" });
}, 180_000);
afterAll(async () => {
  await world[Symbol.asyncDispose]();
});

const portOf = (url: string) => Number(new URL(url.includes("://") ? url : `http://${url}`).port);

/** Everything of a local server that speaks HTTP/1.1 beside its API, and a path that it knows. */
function fronts(): [string, number, string][] {
  const { clients } = world.local.address;
  const { functions } = world.local;
  return [
    ["storage", portOf(clients["STORAGE_EMULATOR_HOST"] ?? ""), "/storage/v1/b/runyard-local/o"],
    ["submitBuild", portOf(functions.urlOf("submitBuild")), "/"],
    ["recordBuildStatus", portOf(functions.urlOf("recordBuildStatus")), "/"],
    ["sweep", portOf(functions.urlOf("sweep")), "/"],
  ];
}

const COUNT = 4 * (FOREIGN.length + FOREIGN_TARGETS.length);
test(`storage and the functions' fronts answer nobody else (${COUNT} attempts)`, async () => {
  for (const [name, port, path] of fronts()) {
    const asked = { heads: FOREIGN, targets: FOREIGN_TARGETS };
    for (const [request, status] of await statusesOf(port, path, asked)) {
      expect([name, request, [400, 403].includes(status), status]).toEqual([
        name,
        request,
        true,
        status,
      ]);
    }
    for (const [request, status] of await statusesOf(port, path, { heads: OWN_HEADS })) {
      expect([name, request, status]).not.toEqual([name, request, 403]);
    }
  }
}, 120_000);

test(`the offline model answers nobody else (${FOREIGN.length} attempts)`, async () => {
  await using model = await startOfflineModel();
  const port = portOf(model.url);
  for (const [request, status] of await statusesOf(port, "/", { heads: FOREIGN })) {
    expect([request, [400, 403].includes(status)]).toEqual([request, true]);
  }
  for (const [request, status] of await statusesOf(port, "/", { heads: OWN_HEADS })) {
    expect([request, status]).toEqual([request, 200]);
  }
});

const AUTHORITIES = [
  "evil.example",
  "evil.example:PORT",
  "evil@localhost",
  "localhost.evil.example",
  "localhost/x",
  "127.1",
  "169.254.169.254",
  "localhost.",
  "[::]",
];
const METHODS = {
  FIRESTORE_EMULATOR_HOST: "/google.firestore.v1.Firestore/GetDocument",
  PUBSUB_EMULATOR_HOST: "/google.pubsub.v1.Publisher/ListTopics",
  CLOUD_BUILD_EMULATOR_HOST: "/google.devtools.cloudbuild.v1.CloudBuild/ListBuilds",
};

test(`Firestore, Pub/Sub and Cloud Build answer nobody else (${3 * AUTHORITIES.length} attempts)`, async () => {
  for (const [name, path] of Object.entries(METHODS)) {
    const address = world.local.address.clients[name] ?? "";
    for (const authority of AUTHORITIES) {
      const status = await grpcStatus(address, path, authority);
      expect([name, authority, ["7", "none"].includes(status)]).toEqual([name, authority, true]);
    }
    for (const authority of [address, "localhost", "[::1]:1"]) {
      const status = await grpcStatus(address, path, authority);
      expect([name, authority, ["7", "none"].includes(status)]).toEqual([name, authority, false]);
    }
  }
}, 60_000);

/**
 * The status of gRPC that an empty message to a method is answered with; `none` if it is no HTTP/2.
 */
async function grpcStatus(address: string, path: string, authority: string): Promise<string> {
  const session = connect(`http://${address}`);
  try {
    const stream = session.request({
      ":method": "POST",
      ":path": path,
      ":authority": authority.replace("PORT", address.split(":")[1] ?? ""),
      "content-type": "application/grpc",
      te: "trailers",
    });
    const status = new Promise<string>((resolve) => {
      const look = (headers: Record<string, unknown>) => {
        if (headers["grpc-status"] !== undefined) resolve(String(headers["grpc-status"]));
      };
      stream
        .on("response", look)
        .on("trailers", look)
        .on("error", () => resolve("none"));
    });
    stream.end(Buffer.alloc(5));
    stream.resume();
    return await status;
  } finally {
    session.destroy();
  }
}

import { startWorld, type World } from "../../support/world.ts";
import { standInTest } from "../declared.ts";
import { sleep } from "../target.ts";
import { type Host, startHost } from "./host.ts";
import { attack, bytes, open } from "./raw.ts";

const head = (lines: string[]) => Buffer.from(`${lines.join("\r\n")}\r\n\r\n`);
const post = (path: string, headers: string[]) =>
  head([`POST ${path} HTTP/1.1`, "Host: x", ...headers]);

/** What is sent to a port that expects HTTP/1.1, by what is wrong with it. */
function brokenRequests(path: string): Record<string, Buffer[][]> {
  const whole = Buffer.concat([post(path, ["Content-Length: 5"]), Buffer.from("hello")]);
  return {
    "requests that are cut off": Array.from({ length: 12 }, (_, index) => [
      whole.subarray(0, index * 6),
    ]),
    "two lengths that differ": [
      [post(path, ["Content-Length: 5", "Content-Length: 6"]), Buffer.from("hello")],
      [post(path, ["Content-Length: 5", "Transfer-Encoding: chunked"]), Buffer.from("hello")],
      [post(path, ["Content-Length: -1"])],
      [post(path, ["Content-Length: 99999999999999999999"])],
    ],
    "chunks that are none": [
      [post(path, ["Transfer-Encoding: chunked"]), Buffer.from("zz\r\nhello\r\n")],
      [post(path, ["Transfer-Encoding: chunked"]), Buffer.from("ffffffffffffffff\r\nhello\r\n")],
      [post(path, ["Transfer-Encoding: gzip, chunked"]), bytes(200, 1)],
      [
        post(path, ["Transfer-Encoding: chunked"]),
        Buffer.from(`1;${"x".repeat(100_000)}\r\nh\r\n`),
      ],
    ],
    "headers without an end": [
      [Buffer.from(`GET ${path} HTTP/1.1\r\nHost: x\r\n${"X: y\r\n".repeat(50_000)}`)],
      [Buffer.from(`GET /${"x".repeat(300_000)} HTTP/1.1\r\n`)],
    ],
    "wrong content types and bodies": [
      [
        post(path, ["Content-Type: multipart/form-data; boundary=", "Content-Length: 3"]),
        Buffer.from("---"),
      ],
      [
        post(path, [
          "Content-Type: application/json",
          "Content-Encoding: gzip",
          "Content-Length: 50",
        ]),
        bytes(50, 2),
      ],
      [
        post(path, ["Content-Type: application/json; charset=utf-99", "Content-Length: 4"]),
        Buffer.from("null"),
      ],
      [
        post(path, ["Content-Type: application/json", "Content-Length: 40000"]),
        Buffer.alloc(40_000, "["),
      ],
    ],
    "requests upon requests, unread": [
      [Buffer.from(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`.repeat(200))],
    ],
    "upgrades and another protocol": [
      [head([`GET ${path} HTTP/1.1`, "Host: x", "Connection: Upgrade", "Upgrade: websocket"])],
      [head([`CONNECT other:443 HTTP/1.1`, "Host: other"])],
      [Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), bytes(100, 3)],
      [Buffer.from([0x16, 3, 1, 2, 0, 1]), bytes(500, 4)],
    ],
    "bytes at random": Array.from({ length: 20 }, (_, seed) => [bytes(2000, seed + 100)]),
  };
}

let host: Host;
let world: World;
beforeAll(async () => {
  [host, world] = await Promise.all([startHost(), startWorld({ sandbox: "none" })]);
}, 180_000);
afterAll(async () => {
  await Promise.all([host[Symbol.asyncDispose](), world[Symbol.asyncDispose]()]);
}, 180_000);

const OBJECTS = "/upload/storage/v1/b/hostile-probes/o?uploadType=media&name=x";

standInTest.each(Object.keys(brokenRequests(OBJECTS)))("storage survives %s", async (what) => {
  for (const leave of ["end", "destroy", "reset"] as const) {
    const attacks = brokenRequests(OBJECTS)[what] ?? [];
    await Promise.all(attacks.map((pieces) => attack(host.ports.storage, pieces, { leave })));
    host.expectAlive();
    await host.probe("storage");
  }
});

/** The functions whose fronts are open on loopback, with what each is called with. */
const FRONTS = [
  ["api", "/v1/runs"],
  ["submitBuild", "/projects/runyard-local/topics/run-requests"],
  ["recordBuildStatus", "/projects/runyard-local/topics/cloud-builds"],
  ["sweep", "/"],
] as const;

const portOf = (target: string) => Number(new URL(world.local.functions.urlOf(target)).port);

/** The API answers whoever behaves, the front does, and its function is still the same process. */
async function expectServing(target: string, pid: number | undefined): Promise<void> {
  const response = await world.call("/health");
  await response.arrayBuffer();
  expect(response.status).toBe(200);
  const refusal = await fetch(`${world.local.functions.urlOf(target)}/%`);
  await refusal.arrayBuffer();
  expect([target, world.local.functions.pidOf(target)]).toEqual([target, pid]);
}

const atFronts = FRONTS.flatMap(([target, path]) =>
  Object.keys(brokenRequests(path)).map((what) => ({ target, path, what })),
);

standInTest.each(atFronts)(
  "the front of $target survives $what",
  async ({ target, path, what }) => {
    const pid = world.local.functions.pidOf(target);
    for (const leave of ["end", "reset"] as const) {
      const attacks = brokenRequests(path)[what] ?? [];
      await Promise.all(attacks.map((pieces) => attack(portOf(target), pieces, { leave })));
    }
    await expectServing(target, pid);
  },
);

standInTest.each(FRONTS)("the front of %s serves others while clients are slow", async (target) => {
  const pid = world.local.functions.pidOf(target);
  const slow = await Promise.all(Array.from({ length: 200 }, () => open(portOf(target))));
  for (const character of "GET / HTTP/1.1\r\nX: ") {
    for (const socket of slow) socket.write(character);
    await sleep(2);
  }
  await expectServing(target, pid);
  for (const [index, socket] of slow.entries()) {
    if (index % 2 === 0) socket.end();
    else socket.resetAndDestroy();
  }
  await expectServing(target, pid);
  for (const socket of slow) socket.destroy();
});

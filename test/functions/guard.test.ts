import { connect, createConnection } from "node:net";
import { gzipSync } from "node:zlib";
import { eventually } from "../support/eventually.ts";
import { startFunctions } from "../support/functions.ts";
import { isAlive } from "../support/processes.ts";

/**
 * The guard in front of functions-framework, and of a listener of our own: of `api`, and of `late`,
 * which cannot be loaded at first.
 */
const SOURCE = `
import { cloudEvent, http } from "@google-cloud/functions-framework";
import { BodyRoom } from "ROOT/functions/api/http/body-room.ts";
import { apiListener } from "ROOT/functions/api/http/listener.ts";
import { receiveBody } from "ROOT/functions/api/http/receive-body.ts";
import { installGuard } from "ROOT/functions/guard.ts";
import { proveConnection } from "ROOT/functions/connections.ts";
import { systemClock } from "ROOT/shared/clock.ts";

const target = process.env.FUNCTION_TARGET;
let loads = 0;
let slow = 0;
const answerApi = apiListener(async () => {
  loads += 1;
  if (target === "late" && loads === 1) throw new Error("cannot load yet");
  return async (request, response) => {
    const { authorization } = request.headers;
    if (authorization) proveConnection(request.socket, authorization);
    const receiving = { response, sender: "a", room: new BodyRoom(), timers: systemClock };
    if (!(await receiveBody(request, receiving))) return;
    if (request.path === "/slow") slow += 1;
    const answer = {
      pid: process.pid,
      slow,
      body: request.rawBody.toString("latin1"),
      type: request.headers["content-type"],
      path: request.path,
      hasDomain: Boolean(process.domain),
    };
    setTimeout(() => response.json(answer), request.path === "/slow" ? 500 : 0);
  };
});
http(target === "late" || target === "few" ? target : "api", answerApi);

http("plain", (request, response) => {
  if (request.path === "/throws") setImmediate(() => { throw new Error("thrown later"); });
  else response.json({ body: request.body, raw: request.rawBody?.toString(), pid: process.pid });
});

cloudEvent("event", (event) => {
  if (event.type === "fails") throw new Error("not this one");
  console.log("got " + JSON.stringify(event.data.message.data));
});

const serve = ["api", "few", "late"].includes(target) ? answerApi : undefined;
const connections = target === "few" ? 20 : undefined;
installGuard({ bodyBytes: () => 1000, host: "127.0.0.1", serve, connections });
`;

type World = Awaited<ReturnType<typeof startFunctions>>;

let world: World;
beforeAll(async () => {
  world = await startFunctions(SOURCE, ["plain", "api", "event", "few", "late"]);
  await world.host.warm();
}, 180_000);
afterAll(async () => {
  await world[Symbol.asyncDispose]();
});

const JSON_TYPE = { "content-type": "application/json" };

interface Rest {
  path?: string;
  headers?: Record<string, string>;
}

const post = (
  target: string,
  body: string | Uint8Array<ArrayBuffer>,
  { path = "/", headers = {} }: Rest = {},
) =>
  fetch(world.host.urlOf(target) + path, {
    method: "POST",
    body,
    headers: { ...JSON_TYPE, ...headers },
  });

/** Sends bytes as they are and returns all that comes back. */
function raw(target: string, text: string): Promise<string> {
  const socket = createConnection(Number(new URL(world.host.urlOf(target)).port), "127.0.0.1");
  let answer = "";
  socket.setEncoding("utf8").on("data", (chunk: string) => {
    answer += chunk;
  });
  socket.write(text);
  return new Promise((resolve, reject) =>
    socket.on("close", () => resolve(answer)).on("error", reject),
  );
}

describe.each(["plain", "api", "event"])("in front of %s the guard", (target) => {
  test.each([
    [
      "a compressed body",
      () => post(target, gzipSync("{}"), { headers: { "content-encoding": "gzip" } }),
      "unsupported_media_type",
    ],
    ["a body that is too large", () => post(target, "x".repeat(1001)), "too_large"],
  ])("refuses %s", async (_name, send, code) => {
    const answer = await send();
    expect(answer.headers.get("content-type")).toBe("application/problem+json");
    expect(await answer.json()).toMatchObject({ status: answer.status, code });
  });

  test("answers what is no HTTP with a problem", async () => {
    const answer = await raw(target, "POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n");
    expect(answer).toMatch(/^HTTP\/1\.1 400 .*application\/problem\+json.*"invalid_request"/s);
  });
});

test("a request without Host is told so, and an expectation that nobody knows is not waited for", async () => {
  const get = "GET / HTTP/1.1\r\nConnection: close\r\n";
  const refused = await raw("api", `${get}\r\n`);
  expect(refused).toMatch(/^HTTP\/1\.1 400 [\s\S]*the request has no Host/);
  const answered = await raw("api", `${get}Host: a\r\nExpect: wonders\r\n\r\n`);
  expect(answered).toMatch(/^HTTP\/1\.1 200 /);
});

describe("functions-framework behind the guard", () => {
  test("parses a body and keeps its bytes", async () => {
    const answer = await post("plain", '{"a": 1}');
    expect(await answer.json()).toMatchObject({ body: { a: 1 }, raw: '{"a": 1}' });
  });

  test("answers for a function that throws after it has returned, and lives on", async () => {
    const pid = world.host.pidOf("plain");
    expect((await post("plain", "{}", { path: "/throws" })).status).toBe(500);
    expect(await (await post("plain", "{}")).json()).toMatchObject({ pid });
  });

  test("turns a push of Pub/Sub into an event, and a failure of the function into a 500", async () => {
    const body = JSON.stringify({ message: { data: "aGk=" } });
    const common = { "ce-id": "1", "ce-source": "test", "ce-specversion": "1.0" };
    const event = (type: string) =>
      post("event", body, { headers: { ...common, "ce-type": type } });
    expect((await event("works")).status).toBe(204);
    await eventually(() => expect(world.logs).toContain('event: got "aGk="'));
    expect((await event("fails")).status).toBe(500);
  });
});

describe("a listener of our own behind the guard", () => {
  test("that cannot be loaded is a problem, and is loaded by the next request", async () => {
    const first = await post("late", "{}");
    expect([first.status, await first.json()]).toEqual([
      500,
      expect.objectContaining({ code: "internal" }),
    ]);
    await eventually(() => expect(world.logs.join()).toContain("cannot load yet"));
    expect((await post("late", "{}")).status).toBe(200);
  });

  test("gets the bytes and the type as they were sent, outside of any domain", async () => {
    const answer = await post("api", "{broken", { path: "/robots.txt" });
    expect(await answer.json()).toMatchObject({
      body: "{broken",
      type: "application/json",
      path: "/robots.txt",
      hasDomain: false,
    });
    expect(answer.headers.get("x-powered-by")).toBeNull();
    expect(answer.headers.get("etag")).toBeNull();
  });

  test("gets an empty body where there is none", async () => {
    const answer = await fetch(world.host.urlOf("api"));
    expect(await answer.json()).toMatchObject({ body: "", path: "/" });
  });

  test("is not troubled by a client that goes away in the middle of its body", async () => {
    const pid = world.host.pidOf("api");
    const port = Number(new URL(world.host.urlOf("api")).port);
    const errors = () => world.logs.filter((line) => /ERROR|aborted/.test(line)).length;
    const before = errors();
    const socket = connect(port, "127.0.0.1");
    const request = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc";
    await new Promise<void>((resolve) => void socket.write(request, () => resolve()));
    socket.destroy();
    expect(await (await post("api", "x")).json()).toMatchObject({ pid });
    expect(errors()).toBe(before);
  });

  test("finishes what is in hand on SIGTERM", async () => {
    const pid = world.host.pidOf("api") as number;
    const slow = Array.from({ length: 80 }, () => post("api", "x", { path: "/slow" }));
    await eventually(async () =>
      expect(await (await post("api", "x")).json()).toMatchObject({ slow: slow.length }),
    );
    process.kill(pid, "SIGTERM");
    const answers = await Promise.all(slow.map(async (answer) => (await answer).json()));
    expect(answers).toEqual(Array(80).fill(expect.objectContaining({ pid })));
    await eventually(() => expect(isAlive(pid)).toBe(false));
    expect((await post("api", "x")).status).toBe(200);
  });
});

describe("connections", () => {
  /** A connection that has sent `bytes` and stays; how it is now. */
  function hold(bytes: string) {
    const socket = connect(Number(new URL(world.host.urlOf("few")).port), "127.0.0.1");
    const held = { socket, text: "", isOpen: true };
    socket.on("data", (chunk) => {
      held.text += chunk;
    });
    socket.on("error", () => {});
    socket.on("close", () => {
      held.isOpen = false;
    });
    socket.write(bytes);
    return held;
  }
  const get = (owner: string) => `GET / HTTP/1.1\r\nhost: x\r\nauthorization: ${owner}\r\n\r\n`;
  const openOf = (all: { isOpen: boolean }[]) => all.filter(({ isOpen }) => isOpen).length;
  const answered = (one: { text: string }) =>
    eventually(() => expect(one.text).toContain("200 OK"));

  test("who has no key takes no place from those who have one", async () => {
    const ann = hold(get("ann"));
    await answered(ann);
    const forms = [
      "",
      "GET / HTTP/1.1\r\n",
      "POST /slow HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n",
    ];
    const strangers = Array.from({ length: 60 }, (_, index) => hold(forms[index % 3] ?? ""));
    await eventually(() => expect(openOf(strangers)).toBe(19));
    const bob = hold(get("bob"));
    await answered(bob);
    strangers.push(...Array.from({ length: 60 }, () => hold("")));
    await eventually(() => expect(openOf(strangers)).toBe(18));
    expect([ann.isOpen, bob.isOpen]).toEqual([true, true]);
    for (const { socket } of [ann, bob, ...strangers]) socket.destroy();
  });

  test("nor does one owner take all of them", async () => {
    const greedy: ReturnType<typeof hold>[] = [];
    for (let count = 0; count < 30; count += 1) {
      const one = hold(get("ann"));
      await answered(one);
      greedy.push(one);
    }
    const others = Array.from({ length: 9 }, (_, index) => hold(get(`owner-${index}`)));
    for (const one of others) await answered(one);
    expect(openOf(others)).toBe(9);
    for (const { socket } of [...greedy, ...others]) socket.destroy();
  });
});

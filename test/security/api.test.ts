import { connect, type Socket } from "node:net";
import { BodyRoom } from "../../functions/api/http/body-room.ts";
import { jsonShape } from "../../functions/api/http/json-shape.ts";
import { submitBuild } from "../../functions/attempts/submit-build.ts";
import { readConfig } from "../../functions/config.ts";
import { type SecretRule, secretFaults } from "../../shared/agent/environment.ts";
import { outputSchemaBoundFault } from "../../shared/agent/output-schema.ts";
import { type ApiServer, startApiServer } from "../support/api-server.ts";
import { attemptOf } from "../support/attempts.ts";
import {
  BODIES,
  ORDINARY,
  own,
  PREFIXES,
  SCHEMAS,
  STEERING,
  STOLEN,
  UNREAD,
} from "./api-attempts.ts";
import {
  FOREIGN_HEADS,
  FOREIGN_TARGETS,
  OWN_HEADS,
  rawAnswer,
  statusesOf,
  statusOf,
} from "./raw-http.ts";

let server: ApiServer;
let bearer: string;
beforeAll(async () => {
  server = await startApiServer({ env: { RUNYARD_SECRET_PREFIXES: JSON.stringify(PREFIXES) } });
  bearer = await server.newKey();
}, 180_000);
afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

const port = () => Number(new URL(server.url).port);
describe("hosts and origins", () => {
  const count = FOREIGN_HEADS.length + FOREIGN_TARGETS.length;
  test(`the API answers to its own names alone (${count} attempts)`, async () => {
    const foreign = { heads: FOREIGN_HEADS, targets: FOREIGN_TARGETS };
    for (const [request, status] of await statusesOf(port(), "/v1/health", foreign)) {
      expect([request, status === 400 || status === 403]).toEqual([request, true]);
    }
    for (const [request, status] of await statusesOf(port(), "/v1/health", { heads: OWN_HEADS })) {
      expect([request, status]).toEqual([request, 200]);
    }
  });
});

const RULE: SecretRule = {
  prefixes: new Map(Object.entries(PREFIXES)),
  projectId: "pipeline",
  modelKeySecret: "projects/p/secrets/key/versions/1",
};
describe("secrets", () => {
  test(`belong to whom the operator's table gives them (${STOLEN.length} attempts)`, () => {
    for (const [owner, secret] of STOLEN) {
      const faults = secretFaults({ environment: { TOKEN: { secret } } }, owner, RULE);
      expect([owner, secret, faults.length]).toEqual([owner, secret, 1]);
      const repository = { url: "https://git.example/r", credential: { secret } };
      const [fault, ...more] = secretFaults({ repository }, owner, RULE);
      expect([owner, secret, fault?.pointer, more]).toEqual([
        ...[owner, secret, "/repository/credential/secret", []],
      ]);
    }
    for (const [owner, id] of [
      ["owner", "runyard-token"],
      ["a", "a-token"],
      ["ab", "ab-token"],
      ["ab", "a-b-token"],
      ["team", "team-token"],
      ["team2", "team2-token"],
    ] as const) {
      const environment = { TOKEN: { secret: own(id, "7") } };
      expect([id, secretFaults({ environment }, owner, RULE)]).toEqual([id, []]);
    }
  });

  const odd = [
    "../key",
    "runyard-a/../key",
    "runyard-a%2f",
    "runyard-a\n",
    "runyard-a b",
    "runyard-ä",
  ];
  test(`with odd names are none (${odd.length} attempts)`, async () => {
    for (const id of odd) {
      const settings = { environment: { TOKEN: { secret: own(id) } } };
      const json = { prompt: "x", agent: { settings } };
      expect([id, (await server.call("/v1/runs", { bearer, json })).status]).toEqual([id, 422]);
    }
  });

  test("are asked for wherever settings come from, with the caller's own rows (5 ways)", async () => {
    const settings = { environment: { TOKEN: { secret: own("runyard-token") } } };
    const send = async (path: string, json: object, key = bearer) =>
      (await server.call(path, { bearer: key, json })).status;
    const stranger = await server.newKey({ owner: "a" });
    const statuses = [
      await send("/v1/runs", { prompt: "x", agent: { settings } }, stranger),
      await send("/v1/agents", { name: "x", settings }, stranger),
    ];
    expect(statuses).toEqual([422, 422]);
    const made = await server.call("/v1/runs", {
      bearer,
      json: { prompt: "x", agent: { settings } },
    });
    const agent = await server.call("/v1/agents", { bearer, json: { name: "x", settings } });
    expect([made.status, agent.status]).toEqual([202, 201]);
    const { id: runId, conversation } = (await made.json()) as {
      id: string;
      conversation: { id: string };
    };
    const { id: agentId } = (await agent.json()) as { id: string };
    await using other = await startApiServer({
      on: server,
      services: { secretRule: { ...RULE, prefixes: new Map() } },
    });
    const later = async (path: string, json: object) =>
      (await other.call(path, { bearer, json })).status;
    expect(await later("/v1/runs", { prompt: "x", agent: agentId })).toBe(422);
    expect(await later(`/v1/runs/${runId}/rerun`, {})).toBe(422);
    expect(
      await later(`/v1/conversations/${conversation.id}/runs`, { prompt: "x", onBusy: "queue" }),
    ).toBe(422);
    const { services, record } = server.pipeline;
    await submitBuild(
      { ...services, secretRule: { ...RULE, prefixes: new Map() } },
      attemptOf(await record(runId)),
    );
    expect((await record(runId)).run).toMatchObject({
      status: "failed",
      error: { code: "secret_refused" },
    });
    expect(await server.pipeline.builds()).toEqual([]);
  }, 60_000);

  const tables = [
    "x",
    "[]",
    "null",
    '{"a": "b-"}',
    '{"a": [1]}',
    '{"a": ["b c"]}',
    '{"a": ["projects/p"]}',
  ];
  test(`have no rows in a table that cannot be read (${tables.length} attempts)`, () => {
    for (const RUNYARD_SECRET_PREFIXES of tables) {
      const names = [
        "GOOGLE_CLOUD_PROJECT",
        "RUNYARD_BUCKET",
        "RUNYARD_PUBLIC_URL",
        "RUNYARD_IMAGE",
      ];
      const rest = [
        "RUNYARD_BUILD_SERVICE_ACCOUNT",
        "RUNYARD_LOGS_BUCKET",
        "RUNYARD_MODEL_KEY_SECRET",
      ];
      const required = {
        ...Object.fromEntries([...names, ...rest].map((name) => [name, "x"])),
        FUNCTION_TARGET: "api",
      };
      expect(() => readConfig({ ...required, RUNYARD_SECRET_PREFIXES })).toThrow(
        /must be JSON like/,
      );
      expect(readConfig(required).secretRule.prefixes.size).toBe(0);
    }
  });
});

const steering = STEERING.split(" ");
test(`names that steer programs are refused (${steering.length} attempts), ordinary ones are not`, () => {
  const faults = (name: string) =>
    secretFaults({ environment: { [name]: { secret: own("runyard-x") } } }, "owner", RULE);
  expect(steering.filter((name) => faults(name).length === 0)).toEqual([]);
  expect(ORDINARY.split(" ").filter((name) => faults(name).length > 0)).toEqual([]);
});

describe("output schemas", () => {
  const names = Object.keys(SCHEMAS);
  test(`nobody waits for another's (${names.length} attempts)`, async () => {
    for (const name of names) {
      const outputSchema = SCHEMAS[name];
      const json = { prompt: "x", agent: { settings: { outputSchema } } };
      const bytes = JSON.stringify(json).length;
      let isOver = false;
      const answer = server.call("/v1/runs", { bearer, json }).finally(() => {
        isOver = true;
      });
      let longest = 0;
      while (!isOver) {
        const before = process.threadCpuUsage();
        await new Promise((resolve) => setTimeout(resolve, 5));
        const { user, system } = process.threadCpuUsage(before);
        longest = Math.max(longest, (user + system) / 1000);
      }
      const { status } = await answer;
      process.stdout.write(
        `${name}: ${bytes} B in, ${status}, others waited for ${Math.round(longest)} ms of work\n`,
      );
      expect([202, 422]).toContain(status);
      // Not a measurement: the worst of them held everybody for nine seconds and more.
      expect(longest).toBeLessThan(2500);
    }
  }, 120_000);

  test("what is given up says so, and the next is served", async () => {
    const { schemas } = server.pipeline.services;
    const slow = SCHEMAS["all of it, unevaluated"] as Record<string, unknown>;
    expect(await schemas.fault("a", slow)).toMatch(/make it simpler|call stack/);
    expect(await schemas.fault("b", { type: "object" })).toBeUndefined();
  }, 60_000);

  test("the bound counts values times references, without compiling", () => {
    const refused = Object.entries(SCHEMAS).flatMap(([name, schema]) =>
      outputSchemaBoundFault({ ...schema })?.includes("references") ? [name] : [],
    );
    expect(refused).toEqual([
      "definitions that refer on",
      "1000 references to 1000",
      "references to all",
      "dynamic references",
      "one definition by many spellings",
    ]);
  });
});

const bodies = Object.keys(BODIES);

test(`a body costs what it has (${bodies.length} attempts)`, async () => {
  for (const name of bodies) {
    const body = BODIES[name] ?? "";
    const start = process.cpuUsage();
    const headers = { "content-type": "application/json" };
    const { status } = await server.call("/v1/agents", { bearer, method: "POST", headers, body });
    const costMs = Math.round(process.cpuUsage(start).user / 1000);
    process.stdout.write(`${name}: ${body.length} B in, ${status} for ${costMs} ms of work\n`);
    expect([name, status === 400 || status === 422]).toEqual([name, true]);
    expect(costMs).toBeLessThan(5000);
  }
}, 120_000);

test("what a text would make is counted without making it", () => {
  const shapes = ["", "1", "[1,2]", '{"a":[1,{"b":"],[\\""}]}', '"[[["', "[[["].map((json) =>
    jsonShape(Buffer.from(json)),
  );
  expect(shapes).toEqual([
    { depth: 0, values: 1 },
    { depth: 0, values: 1 },
    { depth: 1, values: 3 },
    { depth: 3, values: 5 },
    { depth: 0, values: 1 },
    { depth: 3, values: 4 },
  ]);
});

test(`headers are judged before a body is there (${UNREAD.length} attempts)`, async () => {
  for (const [name, head, expected] of UNREAD) {
    // The body never comes: only who reads none of it can answer.
    const request = `${head.replace("KEY", bearer)}\r\nContent-Length: 1000000\r\n\r\n`;
    expect([name, statusOf(await rawAnswer(port(), request))]).toEqual([name, expected]);
  }
}, 30_000);

test("bodies have so much room, and an owner a share of it", () => {
  const room = new BodyRoom({ total: 100, share: 60 });
  const release = room.take("a", 60);
  expect([room.take("a", 1), room.take("b", 61)]).toEqual([undefined, undefined]);
  const other = room.take("b", 40);
  expect([release, other, room.take("c", 1)]).toEqual([
    expect.any(Function),
    expect.any(Function),
    undefined,
  ]);
  release?.();
  release?.();
  expect(room.take("a", 60)).toEqual(expect.any(Function));
  expect(room.take("c", 1)).toBeUndefined();
});

test("200 connections without a key, each with 2 MB, take no memory", async () => {
  const before = process.memoryUsage().rss;
  const sockets: Socket[] = [];
  const head =
    "POST /v1/runs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 2000000\r\n\r\n";
  for (let at = 0; at < 200; at += 1) {
    const socket = connect(port(), "127.0.0.1")
      .on("error", () => {})
      .on("data", () => {});
    socket.write(head + "x".repeat(100_000));
    sockets.push(socket);
  }
  await Promise.all(
    sockets.map((socket) => new Promise((resolve) => socket.once("data", resolve))),
  );
  const grown = (process.memoryUsage().rss - before) / 1e6;
  process.stdout.write(`200 connections without a key: +${Math.round(grown)} MB\n`);
  for (const socket of sockets) socket.destroy();
  expect(grown).toBeLessThan(120);
}, 60_000);

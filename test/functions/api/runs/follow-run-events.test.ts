import { Timestamp } from "@google-cloud/firestore";
import { injectFaults } from "../../../../infra/emulators/wire/faults.ts";
import { type EventDocument, eventsIn } from "../../../../shared/documents/event.ts";
import type { Run } from "../../../../shared/documents/run.ts";
import { eventually } from "../../../support/eventually.ts";
import { type Message, messagesOf } from "../../../support/server-sent-events.ts";
import { startWorld, type World } from "../../../support/world.ts";

let world: World;
beforeAll(async () => {
  world = await startWorld();
}, 180_000);
afterAll(async () => {
  await world[Symbol.asyncDispose]();
});

async function send(prompt: string, headers: Record<string, string> = {}): Promise<Run> {
  return (await (await world.call("/runs", { json: { prompt }, headers })).json()) as Run;
}

const finished = (prompt = "Create hello.txt") => send(prompt, { prefer: "wait=60" });

const follow = (id: string, lastEventId?: string): Promise<Response> =>
  world.call(`/runs/${id}/events`, {
    headers: lastEventId === undefined ? {} : { "last-event-id": lastEventId },
  });

async function all(response: Response): Promise<Message[]> {
  return Array.fromAsync(messagesOf(response));
}

/** The ids of the events that Firestore has. */
async function storedIds(id: string, { firestore } = world): Promise<string[]> {
  const { docs } = await firestore.collection(`runs/${id}/events`).get();
  return docs.flatMap((each) => eventsIn(each.data() as EventDocument)).map((event) => event.id);
}

describe("following a run", () => {
  test("gives every event in order, each once, then done, and closes", async () => {
    const { id } = await send("Create hello.txt");
    const response = await follow(id);
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe("text/event-stream");
    const messages = await all(response);
    expect(messages.at(-1)).toEqual({ event: "done", data: { id, status: "succeeded" } });
    const events = messages.slice(0, -1);
    expect(events.map((message) => message.id)).toEqual(await storedIds(id));
    expect(events[0]).toMatchObject({
      id: "1-000001",
      event: "status",
      data: { runId: id, event: { type: "status", status: "pending" } },
    });
    expect(events.at(-1)?.data).toMatchObject({ event: { status: "succeeded" } });
    expect(events.every(({ event, data }) => data.event?.type === event)).toBe(true);
    expect(new Set(events.map(({ event }) => event))).toContain("tool");
    const state = await world.firestore.doc(`runState/${id}`).get();
    // Its build is told to report often for so long.
    expect(state.get("followedUntil")).toBeInstanceOf(Timestamp);
  }, 180_000);

  test("goes on after the last event that the client has seen, to the end and beyond", async () => {
    const { id } = await finished();
    const whole = await all(await follow(id));
    const { docs } = await world.firestore.collection(`runs/${id}/events`).get();
    // Several are in one document: wherever somebody stopped, nothing is told twice or left out.
    expect(docs.length).toBeLessThan(whole.length - 1);
    const rests = await Promise.all(
      whole.slice(0, -1).map(async (seen) => all(await follow(id, seen.id))),
    );
    expect(rests).toEqual(whole.slice(0, -1).map((_, at) => whole.slice(at + 1)));
  }, 180_000);

  test("fifty at once see the same", async () => {
    const { id } = await send("Create hello.txt");
    const streams = await Promise.all(
      Array.from({ length: 50 }, async () => all(await follow(id))),
    );
    const ids = await storedIds(id);
    for (const messages of streams) {
      expect(messages.slice(0, -1).map((message) => message.id)).toEqual(ids);
      expect(messages.at(-1)?.event).toBe("done");
    }
  }, 120_000);

  test("goes on elsewhere when the process that streams is told to end", async () => {
    const { id } = await send("wait 8 seconds");
    const pid = world.local.functions.pidOf("api") as number;
    const before: Message[] = [];
    for await (const message of messagesOf(await follow(id))) {
      before.push(message);
      if (before.length === 1) process.kill(pid, "SIGTERM");
    }
    expect(before.map(({ event }) => event)).not.toContain("done");
    const after = await all(await follow(id, before.at(-1)?.id));
    const ids = [...before, ...after.slice(0, -1)].map((message) => message.id);
    expect(ids).toEqual(await storedIds(id));
    expect(after.at(-1)?.event).toBe("done");
    await eventually(() => expect(world.local.functions.pidOf("api")).not.toBe(pid));
  }, 180_000);

  test("sees a cancelled run to its end", async () => {
    const { id } = await send("wait 60 seconds");
    const messages: Message[] = [];
    for await (const message of messagesOf(await follow(id))) {
      messages.push(message);
      const { status } = (message.data.event ?? {}) as { status?: string };
      if (status === "running") await world.call(`/runs/${id}/cancel`, { method: "POST" });
    }
    expect(messages.at(-1)).toEqual({ event: "done", data: { id, status: "cancelled" } });
  }, 180_000);
});

test("a listener that Firestore breaks off again and again loses and doubles nothing", async () => {
  const method = "google.firestore.v1.Firestore/Listen";
  const once = { count: 1 };
  const faults = injectFaults([
    { method, when: once, do: { type: "failBefore", status: "UNAVAILABLE" } },
    { method, when: once, do: { type: "failAfter", status: "UNAVAILABLE" } },
    { method, when: once, do: { type: "cut", at: "after" } },
  ]);
  await using broken = await startWorld({ faults });
  const json = { prompt: "wait 5 seconds" };
  const { id } = (await (await broken.call("/runs", { json })).json()) as Run;
  const messages = await all(await broken.call(`/runs/${id}/events`));
  expect(messages.slice(0, -1).map((message) => message.id)).toEqual(await storedIds(id, broken));
  expect(messages.at(-1)?.event).toBe("done");
  faults.assertFired();
}, 120_000);

describe("what cannot be followed", () => {
  // One for all: each is a build, and nobody waits for its end but the last.
  let run: Run;
  beforeAll(async () => {
    run = await send("echo");
  });

  const problemOf = async (response: Response) => {
    expect(response.headers.get("content-type")).toBe("application/problem+json");
    return (await response.json()) as { status: number; code: string; detail: string };
  };

  test.each(["", "x", "1", "1-1", "0-000001", "1-0000001", "1-00000१", "१-000001"])(
    "Last-Event-ID %j is refused",
    async (lastEventId) => {
      const response = await follow(run.id, Buffer.from(lastEventId).toString("latin1"));
      expect(await problemOf(response)).toMatchObject({ status: 422, code: "invalid" });
    },
    30_000,
  );

  test.each(["1-999999", "2-000001", "9-000001"])("event %s, which is none of it", async (id) => {
    const problem = await problemOf(await follow(run.id, id));
    expect(problem).toMatchObject({ status: 422, code: "invalid" });
    expect(problem.detail).toContain(id);
  });

  test("a run that is not there", async () => {
    expect(await problemOf(await follow(`run_${"0".repeat(22)}`))).toMatchObject({ status: 404 });
  });

  test("a run that was over more than thirty days ago", async () => {
    const { id } = run;
    await eventually(async () => {
      expect((await world.firestore.doc(`runs/${id}`).get()).get("finishedAt")).not.toBeNull();
    });
    const monthAgo = Timestamp.fromMillis(Date.now() - 30 * 24 * 3600 * 1000 - 1000);
    await world.firestore.doc(`runs/${id}`).update({ finishedAt: monthAgo });
    const problem = await problemOf(await follow(id));
    expect(problem).toMatchObject({ status: 410, code: "events_expired" });
    expect(problem.detail).toContain(id);
  }, 180_000);

  test("HEAD says what GET would, without a body", async () => {
    const { id } = await send("echo");
    const there = await world.call(`/runs/${id}/events`, { method: "HEAD" });
    expect([there.status, there.headers.get("content-type")]).toEqual([200, "text/event-stream"]);
    const absent = await world.call(`/runs/run_${"0".repeat(22)}/events`, {
      method: "HEAD",
    });
    expect(absent.status).toBe(404);
  });
});

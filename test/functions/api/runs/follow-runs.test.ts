import type { Run } from "../../../../shared/documents/run.ts";
import { type ApiServer, startApiServer } from "../../../support/api-server.ts";
import { eventually } from "../../../support/eventually.ts";
import { type Message, messagesOf } from "../../../support/server-sent-events.ts";

let server: ApiServer;
beforeAll(async () => {
  server = await startApiServer();
}, 60_000);
afterAll(() => server[Symbol.asyncDispose]());

/** Somebody with runs of their own, who follows their list. */
async function somebody() {
  const bearer = await server.newKey({ owner: `owner-${Math.random()}` });
  const call = (path: string, init: object = {}) => server.call(`/v1${path}`, { bearer, ...init });
  return {
    call,
    create: async (json: object = {}) =>
      (await (await call("/runs", { json: { prompt: "echo", ...json } })).json()) as Run,
    cancel: (id: string) => call(`/runs/${id}/cancel`, { method: "POST" }),
    /** The messages of a stream as they come; aborts the request at the end. */
    async follow(query = "", lastEventId?: string) {
      const controller = new AbortController();
      const headers = lastEventId === undefined ? {} : { "last-event-id": lastEventId };
      const response = await call(`/runs?follow${query}`, { headers, signal: controller.signal });
      const seen: Message[] = [];
      const reading = (async () => {
        for await (const message of messagesOf(response)) seen.push(message);
      })().catch(() => {});
      await eventually(() => expect(seen[0]?.event).toBe("ready"));
      return {
        response,
        seen,
        /** What is known of a run by the last message about it. */
        of: (id: string) => seen.findLast(({ data }) => data["id"] === id),
        async [Symbol.asyncDispose]() {
          controller.abort();
          await reading;
        },
      };
    },
  };
}

const isTold = (stream: { of(id: string): Message | undefined }, id: string, what: object) =>
  eventually(() => expect(stream.of(id)).toMatchObject(what));

describe("a list that is followed", () => {
  test("tells of runs that are new, change, are archived and are erased, to nobody else", async () => {
    const [one, other] = [await somebody(), await somebody()];
    const before = await one.create();
    await using stream = await one.follow();
    await using strangers = await other.follow();
    expect(stream.response.headers.get("content-type")).toBe("text/event-stream");
    const { id } = await one.create({ labels: { team: "a" } });
    await isTold(stream, id, { event: "run", data: { status: "pending", labels: { team: "a" } } });
    await one.cancel(id);
    await isTold(stream, id, { event: "run", data: { status: "cancelled", done: true } });
    await one.call(`/runs/${id}/archive`, { method: "POST" });
    await isTold(stream, id, { event: "gone" });
    await one.call(`/runs/${id}/unarchive`, { method: "POST" });
    await isTold(stream, id, { event: "run", data: { archivedAt: null } });
    await one.cancel(before.id);
    await isTold(stream, before.id, { event: "run", data: { status: "cancelled" } });
    expect((await one.call(`/runs/${before.id}`, { method: "DELETE" })).status).toBe(204);
    await isTold(stream, before.id, { event: "gone" });
    expect(strangers.seen.map(({ event }) => event)).toEqual(["ready"]);
  }, 120_000);

  test("tells of those that fit its filter, and that one no longer does", async () => {
    const { create, cancel, follow } = await somebody();
    await using stream = await follow("&status=pending&label=team:a");
    const [fits, does] = [await create({ labels: { team: "a" } }), await create()];
    await isTold(stream, fits.id, { event: "run" });
    await cancel(fits.id);
    await isTold(stream, fits.id, { event: "gone" });
    expect(stream.of(does.id)).toBeUndefined();
  }, 60_000);

  test("says nothing of what an agent does", async () => {
    const { create, follow } = await somebody();
    await using stream = await follow();
    const { id } = await create();
    await isTold(stream, id, { event: "run" });
    const count = stream.seen.length;
    const progress = { text: "Write a", turn: 1, at: new Date() };
    await server.firestore.doc(`runs/${id}`).update({ progress, updatedAt: new Date() });
    await server.firestore.doc(`runs/${id}`).update({ why: "Because.", updatedAt: new Date() });
    await isTold(stream, id, { data: { why: "Because.", progress: null } });
    expect(stream.seen).toHaveLength(count + 1);
  }, 60_000);

  test("goes on after the last message, with what changed and was erased meanwhile", async () => {
    const { create, cancel, call, follow } = await somebody();
    const [kept, erased] = [await create(), await create()];
    let last: string | undefined;
    {
      await using stream = await follow();
      await isTold(stream, erased.id, { event: "run" });
      last = stream.seen.at(-1)?.id;
    }
    await cancel(kept.id);
    await cancel(erased.id);
    await call(`/runs/${erased.id}`, { method: "DELETE" });
    await using stream = await follow("", last);
    await isTold(stream, kept.id, { event: "run", data: { status: "cancelled" } });
    await isTold(stream, erased.id, { event: "gone" });
  }, 60_000);

  test("refuses a position of more than two days ago", async () => {
    const { call } = await somebody();
    const daysAgo = (days: number) => ({
      headers: { "last-event-id": String(Date.now() - days * 24 * 3600 * 1000) },
    });
    const response = await call("/runs?follow", daysAgo(2.1));
    expect(response.status).toBe(410);
    expect(await response.json()).toMatchObject({ code: "events_expired" });
    const { status, body } = await call("/runs?follow", daysAgo(1.9));
    await body?.cancel();
    expect(status).toBe(200);
  });

  test("refuses what is no position", async () => {
    const { call } = await somebody();
    const response = await call("/runs?follow", { headers: { "last-event-id": "1-000001" } });
    expect(response.status).toBe(422);
    expect(((await response.json()) as { detail: string }).detail).toContain("Last-Event-ID");
  });
});

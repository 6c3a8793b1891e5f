import { createConnection, type Socket } from "node:net";
import type { RunWatch } from "../../../../functions/services/runs.ts";
import type { Services } from "../../../../functions/services/services.ts";
import { systemClock as clock } from "../../../../shared/clock.ts";
import type { Event } from "../../../../shared/documents/event.ts";
import { STREAMS } from "../../../../shared/limits.ts";
import { COLLECTIONS } from "../../../../shared/names.ts";
import { type ApiServer, startApiServer } from "../../../support/api-server.ts";
import { eventually } from "../../../support/eventually.ts";
import { type Message, messagesOf } from "../../../support/server-sent-events.ts";

/** What the listeners of a server did. */
interface Tally {
  open: number;
  /** Events that they have seen. */
  seen: number;
}

/** A server whose listeners are counted, and a key for it. */
async function startCounted(services: Partial<Services> = {}) {
  const tally: Tally = { open: 0, seen: 0 };
  const stack = new AsyncDisposableStack();
  const first = stack.use(await startApiServer());
  const real = first.pipeline.services.watch;
  const watch: RunWatch = {
    watchRun: (id, observer) => real.watchRun(id, observer),
    watchList: (list, observer) => real.watchList(list, observer),
    watchEvents(page, observer) {
      tally.open += 1;
      const stop = real.watchEvents(page, {
        ...observer,
        next: (events) => {
          tally.seen += events.length;
          observer.next(events);
        },
      });
      return () => {
        tally.open -= 1;
        stop();
      };
    },
  };
  const server = stack.use(await startApiServer({ on: first, services: { watch, ...services } }));
  const bearer = await server.newKey();
  // Those that a test has left read no more.
  stack.defer(() => eventually(() => expect(tally.open).toBe(0)));
  return { server, tally, bearer, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

/** Gives a run `count` more events, of four KiB each. */
async function addEvents({ firestore }: ApiServer, runId: string, count: number): Promise<void> {
  const writer = firestore.bulkWriter();
  for (let number = 2; number < count + 2; number += 1) {
    const id = `1-${String(number).padStart(6, "0")}`;
    const at = new Date();
    const event: Event = {
      id,
      schemaVersion: 1,
      owner: "owner",
      runId,
      at,
      expireAt: at,
      event: { type: "text", text: "x".repeat(4000) },
    };
    void writer.create(firestore.doc(`runs/${runId}/events/${id}`), event);
  }
  await writer.close();
  await firestore.doc(`runState/${runId}`).update({ events: count + 1 });
}

/** A follower that reads nothing until it is resumed. */
function followUnread({ url }: ApiServer, path: string, bearer: string): Socket {
  const { host, port } = new URL(url);
  const head = `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${bearer}\r\n\r\n`;
  const socket = createConnection(Number(port), "127.0.0.1", () => socket.write(head));
  socket.on("error", () => {});
  return socket.pause();
}

describe("an event stream", () => {
  test("ends its listener when the client hangs up", async () => {
    await using counted = await startCounted();
    const { server, tally, bearer } = counted;
    const { run } = await server.pipeline.accept();
    const hangingUp = new AbortController();
    const { signal } = hangingUp;
    const path = `/v1/runs/${run.id}/events`;
    await Promise.all(Array.from({ length: 20 }, () => server.call(path, { bearer, signal })));
    await eventually(() => expect(tally).toEqual({ open: 20, seen: 20 }));
    hangingUp.abort();
    await eventually(() => expect(tally.open).toBe(0));
    expect(server.logged).not.toContainEqual(expect.objectContaining({ severity: "ERROR" }));
  }, 180_000);

  test("ends, without done, when the process is told to end", async () => {
    const closing = new AbortController();
    await using counted = await startCounted({ closing: closing.signal });
    const { server, tally, bearer } = counted;
    const { run } = await server.pipeline.accept();
    const messages: Message[] = [];
    const response = await server.call(`/v1/runs/${run.id}/events`, { bearer });
    for await (const message of messagesOf(response)) {
      messages.push(message);
      closing.abort();
    }
    expect(messages.map(({ id }) => id)).toEqual(["1-000001"]);
    expect(tally.open).toBe(0);
  }, 180_000);

  test("of many events comes page by page, each event once", async () => {
    await using counted = await startCounted();
    const { server, bearer } = counted;
    const { run } = await server.pipeline.accept();
    const count = STREAMS.eventPage * 3;
    await addEvents(server, run.id, count);
    const ids: (string | undefined)[] = [];
    const response = await server.call(`/v1/runs/${run.id}/events`, { bearer });
    for await (const { id } of messagesOf(response)) {
      ids.push(id);
      if (ids.length === count + 1) break;
    }
    expect(ids).toEqual(
      Array.from({ length: count + 1 }, (_, index) => `1-${String(index + 1).padStart(6, "0")}`),
    );
  }, 180_000);

  test("reads no further ahead of a client that reads nothing, and drops it in the end", async () => {
    const timers: Services["timers"] = {
      after: (ms, act) => clock.after(ms / 10, act),
      every: clock.every,
    };
    await using counted = await startCounted({ timers });
    const { server, tally, bearer } = counted;
    const { run } = await server.pipeline.accept();
    const count = 5000;
    await addEvents(server, run.id, count);
    const socket = followUnread(server, `/v1/runs/${run.id}/events`, bearer);
    // A connection that the server has closed answers a byte with a reset.
    const isDropped = () => {
      socket.write("\n");
      expect(socket.destroyed).toBe(true);
    };
    const start = performance.now();
    await eventually(isDropped, STREAMS.stallSeconds + 20);
    expect(performance.now() - start).toBeGreaterThan(STREAMS.stallSeconds * 100 - 100);
    // What the system's buffers hold on the way, and not all of it.
    expect(tally.seen).toBeLessThan(count);
    expect(tally.open).toBe(0);
  }, 180_000);

  test("of a run that was erased while it was read ends", async () => {
    await using counted = await startCounted();
    const { server, bearer } = counted;
    const { run } = await server.pipeline.accept();
    const response = await server.call(`/v1/runs/${run.id}/events`, { bearer });
    const ids: (string | undefined)[] = [];
    for await (const { id } of messagesOf(response)) {
      ids.push(id);
      await server.firestore.doc(`runs/${run.id}`).delete();
      await server.firestore.doc(`runs/${run.id}/events/${id}`).delete();
    }
    expect(ids).toEqual(["1-000001"]);
  }, 180_000);

  test("says that it lives while nothing happens", async () => {
    await using counted = await startCounted();
    const { server, bearer } = counted;
    const { run } = await server.pipeline.accept();
    const response = await server.call(`/v1/runs/${run.id}/events`, { bearer });
    let text = "";
    const decoder = new TextDecoder();
    for await (const piece of response.body ?? []) {
      text += decoder.decode(piece, { stream: true });
      if (text.includes(": heartbeat\n\n")) break;
    }
    expect(text).toMatch(/^retry: 1000\n\n/);
  }, 180_000);

  test("says where in its line a run stands that waits for a slot, and no longer once it is over", async () => {
    const timers: Services["timers"] = {
      after: clock.after,
      every: (ms, beat) => clock.every(ms / 100, beat),
    };
    await using counted = await startCounted({ timers });
    const { server, bearer } = counted;
    const { run } = await server.pipeline.accept();
    await server.firestore.doc(`${COLLECTIONS.runStates}/${run.id}`).update({ line: "a-line" });
    const messages: Message[] = [];
    for await (const message of messagesOf(
      await server.call(`/v1/runs/${run.id}/events`, { bearer }),
    )) {
      messages.push(message);
      if (messages.length === 3)
        await server.call(`/v1/runs/${run.id}/cancel`, { bearer, method: "POST" });
    }
    expect(messages[0]).toMatchObject({ id: "1-000001" });
    expect(messages[1]).toEqual({ event: "queue", data: { position: 1, startsAt: null } });
    expect(messages.at(-1)).toEqual({ event: "done", data: { id: run.id, status: "cancelled" } });
  }, 180_000);
});

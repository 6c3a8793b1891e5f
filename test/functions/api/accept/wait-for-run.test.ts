import { waitForRun } from "../../../../functions/api/accept/wait-for-run.ts";
import type { Observer, RunWatch } from "../../../../functions/services/runs.ts";
import { systemClock } from "../../../../shared/clock.ts";
import type { Run } from "../../../../shared/documents/run.ts";
import { startApiServer } from "../../../support/api-server.ts";
import { makeRunsInEveryPhase } from "../../../support/make-run.ts";
import { startWorld, type World } from "../../../support/world.ts";

let world: World;
beforeAll(async () => {
  world = await startWorld();
}, 180_000);
afterAll(async () => {
  await world[Symbol.asyncDispose]();
});

const send = (prompt: string, prefer: string, headers: Record<string, string> = {}) =>
  world.call("/runs", { json: { prompt }, headers: { prefer, ...headers } });

describe("Prefer: wait", () => {
  test("holds the answer until the run is done and gives it", async () => {
    const response = await send("echo", "wait=60");
    const run = (await response.json()) as Run;
    expect(response.status).toBe(200);
    expect(run).toMatchObject({ status: "succeeded", done: true });
    expect(response.headers.get("preference-applied")).toBe("wait=60");
    expect(response.headers.get("location")).toBe(`/v1/runs/${run.id}`);
  }, 180_000);

  test("answers 202 with the run as it is when the time is over", async () => {
    const start = performance.now();
    const response = await send("wait 60 seconds", "wait=1");
    const run = (await response.json()) as Run;
    expect(response.status).toBe(202);
    expect(performance.now() - start).toBeGreaterThan(990);
    expect(response.headers.get("preference-applied")).toBeNull();
    expect(run.done).toBe(false);
    await world.call(`/runs/${run.id}/cancel`, { method: "POST" });
  }, 180_000);

  test("works on a replay as well, while the run is at work and after", async () => {
    const key = { "idempotency-key": crypto.randomUUID() };
    const accepted = await send("echo", "respond-async", key);
    expect(accepted.status).toBe(202);
    const replayed = await send("echo", "wait=60", key);
    expect([replayed.status, replayed.headers.get("idempotency-replayed")]).toEqual([200, "true"]);
    const again = await send("echo", "wait=60", key);
    expect(again.status).toBe(200);
    expect(await again.json()).toEqual(await replayed.json());
    expect((await send("echo", "", key)).status).toBe(202);
  }, 180_000);

  test("works for a rerun and for the next turn of a conversation", async () => {
    const { id, conversation } = (await (await send("echo", "wait=60")).json()) as Run;
    const prefer = { prefer: "wait=60" };
    const rerun = await world.call(`/runs/${id}/rerun`, { method: "POST", headers: prefer });
    expect([rerun.status, ((await rerun.json()) as Run).done]).toEqual([200, true]);
    const turn = await world.call(`/conversations/${conversation.id}/runs`, {
      json: { prompt: "echo" },
      headers: prefer,
    });
    expect([turn.status, ((await turn.json()) as Run).done]).toEqual([200, true]);
  }, 180_000);

  test("a process that is told to end answers with the run as it is", async () => {
    const pid = world.local.functions.pidOf("api") as number;
    const waiting = send("wait 61 seconds", "wait=300");
    const id = await seen("wait 61 seconds");
    process.kill(pid, "SIGTERM");
    const response = await waiting;
    expect(response.status).toBe(202);
    expect(((await response.json()) as Run).id).toBe(id);
    await world.call(`/runs/${id}/cancel`, { method: "POST" });
  }, 180_000);
});

test("a run stays accepted when it cannot be waited for", async () => {
  const watch: RunWatch = {
    watchRun(_id, { failed }) {
      queueMicrotask(() => failed(new Error("no listener today")));
      return () => {};
    },
    watchEvents: () => () => {},
    watchList: () => () => {},
  };
  await using server = await startApiServer({ services: { watch } });
  const response = await server.call("/v1/runs", {
    bearer: await server.newKey(),
    json: { prompt: "echo" },
    headers: { prefer: "wait=60" },
  });
  expect([response.status, ((await response.json()) as Run).status]).toEqual([202, "pending"]);
  expect(server.logged).toContainEqual(
    expect.objectContaining({ message: expect.stringContaining("no listener today") }),
  );
}, 180_000);

/** The id of the run with this prompt, once it is there. */
function seen(prompt: string): Promise<string> {
  const runs = world.firestore.collection("runs").where("done", "==", false);
  return new Promise((resolve, reject) => {
    const stop = runs.onSnapshot(({ docs }) => {
      const found = docs.find((document) => document.get("promptPreview") === prompt);
      if (found === undefined) return;
      stop();
      resolve(found.id);
    }, reject);
  });
}

describe("waitForRun", () => {
  const { running, succeeded } = makeRunsInEveryPhase();

  /** A watch whose listener the test plays, and whether it is still open. */
  function played() {
    const { promise: opened, resolve } = Promise.withResolvers<Observer<Run | undefined>>();
    const listening = { isOpen: false };
    const watch = {
      watchRun(_id: string, observer: Observer<Run | undefined>) {
        listening.isOpen = true;
        resolve(observer);
        return () => {
          listening.isOpen = false;
        };
      },
    };
    const closing = new AbortController();
    const signal = new AbortController();
    const services = {
      watch: { ...watch, watchEvents: () => () => {}, watchList: () => () => {} },
      closing: closing.signal,
      timers: systemClock,
    };
    const wait = (seconds: number) =>
      waitForRun(services, "id", { seconds, signal: signal.signal });
    return { opened, listening, closing, signal, wait };
  }

  test("ends its listener when the run is done", async () => {
    const { opened, listening, wait } = played();
    const waiting = wait(100);
    const observer = await opened;
    observer.next(running.run);
    observer.next(succeeded.run);
    expect(await waiting).toBe(succeeded.run);
    expect(listening.isOpen).toBe(false);
  });

  test.each(["signal", "closing"] as const)("ends its listener when %s aborts", async (which) => {
    const parts = played();
    const waiting = parts.wait(100);
    (await parts.opened).next(running.run);
    parts[which].abort();
    expect(await waiting).toBe(running.run);
    expect(parts.listening.isOpen).toBe(false);
  });

  test("gives the run as it is when the time is over", async () => {
    const { opened, listening, wait } = played();
    const waiting = wait(0.05);
    (await opened).next(running.run);
    expect(await waiting).toBe(running.run);
    expect(listening.isOpen).toBe(false);
  });

  test("gives nothing for a run that is not there", async () => {
    const { opened, wait } = played();
    const waiting = wait(100);
    (await opened).next(undefined);
    expect(await waiting).toBeUndefined();
  });

  test("throws what ends the listener", async () => {
    const { opened, listening, wait } = played();
    const waiting = wait(100);
    const error = new Error("no more");
    (await opened).failed(error);
    await expect(waiting).rejects.toBe(error);
    expect(listening.isOpen).toBe(false);
  });

  test("opens no listener for one who has hung up", async () => {
    const { listening, signal, wait } = played();
    signal.abort();
    expect(await wait(100)).toBeUndefined();
    expect(listening.isOpen).toBe(false);
  });
});

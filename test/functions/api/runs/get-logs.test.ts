import { recordBuildStatus } from "../../../../functions/attempts/record-build-status.ts";
import { applyEvent } from "../../../../functions/attempts/settle-attempt.ts";
import { submitBuild } from "../../../../functions/attempts/submit-build.ts";
import type { Run } from "../../../../shared/documents/run.ts";
import { type ApiServer, startApiServer } from "../../../support/api-server.ts";
import { attemptOf, submittedRun } from "../../../support/attempts.ts";
import { eventually } from "../../../support/eventually.ts";
import { shellImage } from "../../../support/pipeline.ts";
import { startWorld, type World } from "../../../support/world.ts";

async function send(world: World, prompt: string, headers = {}): Promise<Run> {
  return (await (await world.call("/runs", { json: { prompt }, headers })).json()) as Run;
}

/** The log of the run's one build, as Cloud Build wrote it. */
async function written(world: World, { id }: Run): Promise<string> {
  const state = await world.firestore.doc(`runState/${id}`).get();
  const bucket = world.storage.bucket("runyard-local");
  const [content] = await bucket.file(`log-${state.get("build").id}.txt`).download();
  return content.toString();
}

describe("the log of a run", () => {
  let world: World;
  beforeAll(async () => {
    world = await startWorld();
  }, 180_000);
  afterAll(async () => {
    await world[Symbol.asyncDispose]();
  });

  const detailOf = async (response: Response) => {
    expect(response.status).toBe(404);
    return ((await response.json()) as { detail: string }).detail;
  };

  test("is what its build has written, as text that nobody takes for a page", async () => {
    const run = await send(world, "Create hello.txt", { prefer: "wait=60" });
    const log = await written(world, run);
    expect(log).toContain("DONE");
    for (const query of ["", "?follow", "?follow=true", "?follow=false"]) {
      const response = await world.call(`/runs/${run.id}/logs${query}`);
      expect(response.status).toBe(200);
      expect(response.headers.get("content-type")).toBe("text/plain; charset=utf-8");
      expect(response.headers.get("x-content-type-options")).toBe("nosniff");
      expect(await response.text()).toBe(log);
    }
    const head = await world.call(`/runs/${run.id}/logs`, { method: "HEAD" });
    expect([head.status, await head.text()]).toEqual([200, ""]);
  }, 180_000);

  test("is followed while it is written, to its end", async () => {
    const run = await send(world, "wait 9 seconds");
    const response = await world.call(`/runs/${run.id}/logs?follow`);
    expect(response.status).toBe(200);
    let text = "";
    let wasDone: boolean | undefined;
    const decoder = new TextDecoder();
    for await (const piece of response.body ?? []) {
      wasDone ??= ((await (await world.call(`/runs/${run.id}`)).json()) as Run).done;
      text += decoder.decode(piece, { stream: true });
    }
    expect(wasDone).toBe(false);
    expect(text).toBe(await written(world, run));
    expect(text).toContain("DONE");
  }, 180_000);

  test("breaks off when the process that sends it is told to end", async () => {
    const run = await send(world, "wait 60 seconds");
    const response = await world.call(`/runs/${run.id}/logs?follow`);
    process.kill(world.local.functions.pidOf("api") as number, "SIGTERM");
    await expect(response.text()).rejects.toThrow();
    await world.call(`/runs/${run.id}/cancel`, { method: "POST" });
  }, 180_000);

  test("is not there before there is a build, nor without one, and why is said", async () => {
    const first = await send(world, "wait 60 seconds");
    const json = { prompt: "echo", onBusy: "queue" };
    const path = `/conversations/${first.conversation.id}/runs`;
    const waiting = (await (await world.call(path, { json })).json()) as Run;
    const logs = () => world.call(`/runs/${waiting.id}/logs`);
    expect(await detailOf(await logs())).toBe(
      `run ${waiting.id} has no build yet: Waiting for the turn before it to end.`,
    );
    const following = await world.call(`/runs/${waiting.id}/logs?follow`);
    await world.call(`/runs/${waiting.id}/cancel`, { method: "POST" });
    expect([following.status, await following.text()]).toEqual([200, ""]);
    const never = `run ${waiting.id} has no log: it never had a build`;
    expect(await detailOf(await logs())).toBe(never);
    expect(await detailOf(await world.call(`/runs/${waiting.id}/logs?follow`))).toBe(never);
    await world.call(`/runs/${first.id}/cancel`, { method: "POST" });
  }, 180_000);

  test.each(["?follow=maybe", "?since=1", "?follow=true&follow=true"])(
    "%s is refused",
    async (query) => {
      const { id } = await send(world, "echo");
      const response = await world.call(`/runs/${id}/logs${query}`);
      expect(response.status).toBe(422);
    },
  );
});

describe("the logs of a run with several attempts", () => {
  /** A run in its third attempt, which waits; its builds ended without a claim. */
  async function retried(server: ApiServer): Promise<{ id: string; builds: string[] }> {
    const { services, messages, record } = server.pipeline;
    const { run } = await submittedRun(server.pipeline);
    await over(server, 1);
    await recordBuildStatus(services, messages.at(-1));
    await submitBuild(services, attemptOf(await record(run.id)));
    await over(server, 2);
    await recordBuildStatus(services, messages.at(-1));
    const { state } = await record(run.id);
    return { id: run.id, builds: state.pastBuilds.map(({ id }) => id) };
  }

  const over = ({ pipeline }: ApiServer, count: number) =>
    eventually(() => {
      const ended = pipeline.messages.filter(({ status }) => status === "FAILURE");
      expect(ended).toHaveLength(count);
    });

  async function logOf({ pipeline }: ApiServer, build = ""): Promise<string> {
    const { objects } = pipeline.services;
    const object = await objects.find("bucket", `log-${build}.txt`);
    if (object === undefined) throw new Error(`no log of ${build}`);
    const pieces = await Array.fromAsync(
      objects.read(object, { start: 0, end: object.sizeBytes - 1 }),
    );
    return Buffer.concat(pieces).toString();
  }

  const images = shellImage("echo a line; exit 1");

  test("come one after the other, each later one after a line that says whose it is", async () => {
    await using server = await startApiServer({ images });
    const bearer = await server.newKey();
    const { id, builds } = await retried(server);
    expect(builds).toHaveLength(2);
    const answer = await server.call(`/v1/runs/${id}/logs`, { bearer });
    const separator = `--- attempt 2, build ${builds[1]} ---\n`;
    const [first, second] = [await logOf(server, builds[0]), await logOf(server, builds[1])];
    expect(first).toContain("a line");
    expect(await answer.text()).toBe(`${first}${separator}${second}`);
  }, 180_000);

  test("are followed over the attempts, until the run is over", async () => {
    await using server = await startApiServer({ images });
    const bearer = await server.newKey();
    const { services, messages, record } = server.pipeline;
    const { run } = await submittedRun(server.pipeline);
    const following = await server.call(`/v1/runs/${run.id}/logs?follow`, { bearer });
    const text = following.text();
    await over(server, 1);
    await recordBuildStatus(services, messages.at(-1));
    await submitBuild(services, attemptOf(await record(run.id)));
    await over(server, 2);
    await recordBuildStatus(services, messages.at(-1));
    await applyEvent(services, run.id, { type: "cancel" });
    const builds = (await record(run.id)).state.pastBuilds;
    expect(await text).toBe(
      `${await logOf(server, builds[0]?.id)}--- attempt 2, build ${builds[1]?.id} ---\n${await logOf(server, builds[1]?.id)}`,
    );
  }, 180_000);
});

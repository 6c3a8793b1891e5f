import { createHash } from "node:crypto";
import { applyEvent } from "../../../../functions/attempts/settle-attempt.ts";
import { submitBuild } from "../../../../functions/attempts/submit-build.ts";
import { type ApiServer, startApiServer } from "../../../support/api-server.ts";
import { answering, attemptOf, submittedRun } from "../../../support/attempts.ts";
import { eventually } from "../../../support/eventually.ts";
import { shellImage } from "../../../support/pipeline.ts";

const TOKEN = "token";

/** A run that was cancelled, with its claim sealed, while nobody knew of the build that it has. */
async function overWithLiveBuild({ pipeline, firestore }: ApiServer) {
  const run = await pipeline.accept();
  await submitBuild(answering(pipeline.services, "unknown", true), attemptOf(run));
  const { id } = run.run;
  const progressTokenHash = createHash("sha256").update(TOKEN).digest("hex");
  await firestore.doc(`runState/${id}`).update({ progressTokenHash });
  await applyEvent(pipeline.services, id, { type: "cancel" });
  expect((await pipeline.record(id)).run.status).toBe("cancelled");
  const [build] = await pipeline.builds();
  return { id, buildId: build?.id ?? "" };
}

describe("a build that reports on a run that is over", () => {
  test.each([
    ["that its agent starts", { text: "", turn: 0 }],
    ["what its agent does", { text: "Write hello.txt", turn: 1 }],
  ])("%s: is refused, and cancelled", async (_name, said) => {
    await using server = await startApiServer({ images: shellImage("sleep 600") });
    const { id, buildId } = await overWithLiveBuild(server);
    const before = await server.pipeline.record(id);
    const answer = await server.call(`/v1/runs/${id}/progress`, {
      bearer: TOKEN,
      json: { attempt: 1, buildId, ...said },
    });
    expect(answer.status).toBe(409);
    expect(await answer.json()).toMatchObject({ code: "conflict", detail: `run ${id} is over` });
    await eventually(async () =>
      expect((await server.pipeline.builds())[0]?.status).toBe("CANCELLED"),
    );
    expect(await server.pipeline.record(id)).toEqual(before);
  });

  test("and names another run's build: is refused, and that build goes on", async () => {
    await using server = await startApiServer({ images: shellImage("sleep 600") });
    const { id } = await overWithLiveBuild(server);
    const other = await submittedRun(server.pipeline);
    const { build } = (await server.pipeline.record(other.run.id)).state;
    const answer = await server.call(`/v1/runs/${id}/progress`, {
      bearer: TOKEN,
      json: { attempt: 1, buildId: build?.id, text: "Write hello.txt", turn: 1 },
    });
    expect(answer.status).toBe(409);
    const found = (await server.pipeline.builds()).find((one) => one.id === build?.id);
    expect(found?.status).toMatch(/^(QUEUED|WORKING)$/);
  });

  test("without the token of the run's attempt: is refused, and left as it is", async () => {
    await using server = await startApiServer({ images: shellImage("sleep 600") });
    const { id, buildId } = await overWithLiveBuild(server);
    const report = { attempt: 1, buildId, text: "Write hello.txt", turn: 1 };
    for (const [bearer, json] of [
      ["another", report],
      [TOKEN, { ...report, attempt: 2 }],
    ] as const) {
      const answer = await server.call(`/v1/runs/${id}/progress`, { bearer, json });
      expect(answer.status).toBe(401);
    }
    expect((await server.pipeline.builds())[0]?.status).not.toBe("CANCELLED");
  });
});

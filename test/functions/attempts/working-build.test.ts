import { recordBuildStatus } from "../../../functions/attempts/record-build-status.ts";
import { putClaim, submittedRun } from "../../support/attempts.ts";
import { eventually } from "../../support/eventually.ts";
import { shellImage, startPipeline } from "../../support/pipeline.ts";

test("a build that works and has not claimed says so, once, and how long the run has waited", async () => {
  await using pipeline = await startPipeline({ images: shellImage("sleep 600") });
  const run = await submittedRun(pipeline);
  const told = async () => {
    await recordBuildStatus(pipeline.services, (await pipeline.builds())[0]);
    return pipeline.record(run.run.id);
  };
  await eventually(async () => expect((await pipeline.builds())[0]?.status).toBe("WORKING"));
  const { run: queued, state } = await told();
  const queue = { name: "queue", ms: expect.any(Number) };
  expect(queued).toMatchObject({ status: "queued", phases: [queue] });
  expect(queued.why).toMatch(/image is being fetched/);
  expect((await told()).state.version).toBe(state.version);
  const [build] = await pipeline.builds();
  await putClaim(pipeline, run, build?.id ?? "");
  expect((await told()).run).toMatchObject({
    status: "running",
    phases: [queue, { name: "image", ms: expect.any(Number) }],
  });
});

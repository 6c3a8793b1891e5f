import { type Message, PubSub, type Subscription } from "@google-cloud/pubsub";
import { CloudEvent } from "cloudevents";
import { applyEvent } from "../../../functions/attempts/settle-attempt.ts";
import { submitBuild } from "../../../functions/attempts/submit-build.ts";
import { sweep } from "../../../functions/attempts/sweep.ts";
import { statusEvent } from "../../../shared/documents/status-event.ts";
import { TIMING } from "../../../shared/limits.ts";
import { TOPICS } from "../../../shared/names.ts";
import { attemptOf, claimedRun, pass } from "../../support/attempts.ts";
import { eventually } from "../../support/eventually.ts";
import { at, makeRunsInEveryPhase } from "../../support/make-run.ts";
import { type Pipeline, shellImage, startPipeline } from "../../support/pipeline.ts";

/** Takes the events as a subscriber does, by CloudEvents' binding for Pub/Sub. */
async function subscribed({ config: { projectId } }: Pipeline) {
  const pubsub = new PubSub({ projectId });
  const subscription: Subscription = pubsub.subscription(TOPICS.runEvents);
  const messages: Message[] = [];
  subscription.on("message", (message: Message) => {
    messages.push(message);
    message.ack();
  });
  return {
    messages,
    events: () => messages.map(eventOf),
    [Symbol.asyncDispose]: async () => {
      await subscription.close();
      await pubsub.close();
    },
  };
}

function eventOf({ attributes, data }: Pick<Message, "attributes" | "data">): CloudEvent<unknown> {
  const own = Object.entries(attributes).flatMap(([name, value]) =>
    name.startsWith("ce-") ? [[name.slice("ce-".length), value]] : [],
  );
  const datacontenttype = attributes["content-type"];
  // Refuses what is no CloudEvent.
  return new CloudEvent({
    ...Object.fromEntries(own),
    datacontenttype,
    data: JSON.parse(`${data}`),
  });
}

test("each change of a run's status is a CloudEvent, with the run as its data", async () => {
  await using pipeline = await startPipeline({ images: shellImage("sleep 600") });
  await using subscriber = await subscribed(pipeline);
  const { run } = await claimedRun(pipeline);
  await applyEvent(pipeline.services, run.id, { type: "cancel" });
  await eventually(() => expect(subscriber.messages).toHaveLength(3));
  const [pending, , cancelling] = subscriber.events();
  expect(pending).toMatchObject({
    id: `${run.id}-1`,
    source: "//runyard/projects/pipeline",
    type: "runyard.run.pending.v1",
    subject: run.id,
    sequence: "0000000001",
    time: run.createdAt.toISOString(),
    data: { id: run.id, owner: "owner", promptPreview: "Do it" },
  });
  expect(cancelling?.data).toMatchObject({ status: "cancelling", done: false });
  expect(subscriber.events().map(({ type }) => type.split(".")[2])).toEqual([
    "pending",
    "queued",
    "cancelling",
  ]);
  expect(subscriber.messages[0]?.attributes["done"]).toBe("false");
  const { run: now, state } = await pipeline.record(run.id);
  expect(state).toMatchObject({ told: now.history.at(-1)?.version, tellAt: null });
});

test("what Pub/Sub has not taken stands in nobody's way, and the sweep tells it", async () => {
  await using pipeline = await startPipeline({ images: shellImage("sleep 600") });
  await using subscriber = await subscribed(pipeline);
  const { publisher } = pipeline.services;
  const away = {
    ...pipeline.services,
    publisher: {
      publishAttempt: () => Promise.reject(new Error("not asked for here")),
      publishAdmission: () => Promise.reject(new Error("not asked for here")),
      publishDeadLetter: () => Promise.reject(new Error("not asked for here")),
      publishRunDelivery: () => Promise.reject(new Error("not asked for here")),
      publishDelivery: () => Promise.reject(new Error("not asked for here")),
      publishFires: () => Promise.reject(new Error("not asked for here")),
      publishEvent: () => Promise.reject(new Error("as the test wants it")),
    } satisfies typeof publisher,
  };
  const run = await pipeline.accept();
  await submitBuild(away, attemptOf(run));
  expect((await pipeline.record(run.run.id)).run.status).toBe("queued");
  expect(pipeline.log).toContainEqual(
    expect.stringMatching(/^WARNING not told, the sweep does it/),
  );
  await pass(pipeline, TIMING.tell + 1);
  await sweep(pipeline.services);
  await eventually(() => expect(subscriber.messages).toHaveLength(2));
  const { state } = await pipeline.record(run.run.id);
  expect(state).toMatchObject({ told: 3, tellAt: null });
});

test("of a long answer the event has the beginning", () => {
  const { run } = makeRunsInEveryPhase().succeeded;
  const output = {
    text: "ä".repeat(5000),
    structured: JSON.stringify(["b".repeat(3000)]),
    truncated: false,
    changedFiles: [],
    moreChangedFiles: 0,
  };
  const change = { version: 5, status: "succeeded", at: at(9), cause: "done" } as const;
  const { attributes, json } = statusEvent({ ...run, output }, change, {
    source: "//runyard/projects/p",
  });
  expect(json).toMatchObject({
    output: { text: "ä".repeat(1024), structured: null, truncated: true },
  });
  expect(attributes["done"]).toBe("true");
});

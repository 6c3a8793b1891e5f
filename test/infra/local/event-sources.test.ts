import { FieldPath } from "@google-cloud/firestore";
import type { Message } from "@google-cloud/pubsub";
import { incomingEvent } from "../../../functions/events/incoming.ts";
import { COLLECTIONS, TOPICS } from "../../../shared/names.ts";
import type { IncomingEvent } from "../../../shared/triggers/incoming-event.ts";
import { eventually } from "../../support/eventually.ts";
import { startWorld } from "../../support/world.ts";

/** A message as it would be pushed. */
function pushed({ id, data, attributes }: Message): IncomingEvent {
  const message = { messageId: id, data: data.toString("base64"), attributes };
  const body = Buffer.from(JSON.stringify({ message }));
  return incomingEvent({ headers: { "content-type": "application/json" }, body });
}

test("objects and documents that are not ours are told of, as Eventarc tells it", async () => {
  await using world = await startWorld({ sandbox: "none" });
  const { firestore, pubsub, storage } = world;
  const events: IncomingEvent[] = [];
  const [subscription] = await pubsub.topic(TOPICS.triggerEvents).createSubscription("looks");
  subscription.on("message", (message: Message) => {
    events.push(pushed(message));
    message.ack();
  });
  const [bucket] = await storage.createBucket("invoices");
  await storage.bucket("runyard-local").file("ours.txt").save("ours");
  await firestore.doc(`${COLLECTIONS.lines}/ours`).set({ ours: true });
  await bucket.file("in/1.txt").save("one", { contentType: "text/plain" });
  const order = firestore.doc("orders/1");
  await order.set({ status: "open", "odd name": 1, same: [{ a: 1 }] });
  await order.update("status", "paid", new FieldPath("odd name"), 2);
  await order.delete();
  await eventually(() => expect(events).toHaveLength(7));
  await subscription.close();
  const finalized = events.find(({ type }) => type.startsWith("google.cloud.storage"));
  expect(finalized).toMatchObject({
    id: expect.stringMatching(/^\d+$/),
    source: "//storage.googleapis.com/projects/_/buckets/invoices",
    type: "google.cloud.storage.object.v1.finalized",
    subject: "objects/in/1.txt",
    extensions: { bucket: "invoices" },
    data: { bucket: "invoices", name: "in/1.txt", contentType: "text/plain", size: "3" },
  });
  const changes = events
    .filter(({ type }) => !type.endsWith("written") && type.includes("firestore"))
    .toSorted((a, b) => `${a.time}`.localeCompare(`${b.time}`));
  const name = "projects/runyard-local/databases/(default)/documents/orders/1";
  const [open, paid] = [
    { name, fields: { status: "open", "odd name": 1, same: [{ a: 1 }] } },
    { name, fields: { status: "paid", "odd name": 2, same: [{ a: 1 }] } },
  ];
  const common = {
    source: "//firestore.googleapis.com/projects/runyard-local/databases/(default)",
    subject: "documents/orders/1",
    datacontenttype: "application/protobuf",
  };
  const kind = (verb: string) => ({
    ...common,
    type: `google.cloud.firestore.document.v1.${verb}`,
  });
  expect(changes).toMatchObject([
    { ...kind("created"), data: { value: open, oldValue: null } },
    {
      ...kind("updated"),
      data: { value: paid, oldValue: open, updateMask: { fieldPaths: ["`odd name`", "status"] } },
    },
    { ...kind("deleted"), data: { value: null, oldValue: paid } },
  ]);
}, 120_000);

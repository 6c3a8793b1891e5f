import { randomUUID } from "node:crypto";
import { CloudBuildClient } from "@google-cloud/cloudbuild";
import { Firestore } from "@google-cloud/firestore";
import { http } from "@google-cloud/functions-framework";
import { PubSub } from "@google-cloud/pubsub";
import { Storage } from "@google-cloud/storage";

// What one would write first: every client at the top, one document and one message a request.
const firestore = new Firestore();
const topic = new PubSub().topic("run-requests", { batching: { maxMessages: 1 } });
export const unused = [new Storage(), new CloudBuildClient()];

http("naive", async (request, response) => {
  const id = randomUUID();
  await firestore.doc(`naive/${id}`).create({ ...request.body, status: "pending" });
  await topic.publishMessage({ json: { runId: id, attempt: 1 } });
  response.status(202).json({ id });
});

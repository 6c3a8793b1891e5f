import { randomUUID } from "node:crypto";
import { CloudBuildClient } from "@google-cloud/cloudbuild";
import { Firestore } from "@google-cloud/firestore";
import { http } from "@google-cloud/functions-framework";
import { PubSub } from "@google-cloud/pubsub";
import { Storage } from "@google-cloud/storage";
import { Ajv2020 } from "ajv/dist/2020.js";

// What one would write first: every client at the top; a body that is checked, one document and one
// message a request.
const isOrder = new Ajv2020().compile({
  type: "object",
  required: ["prompt"],
  properties: {
    prompt: { type: "string", minLength: 1, maxLength: 100_000 },
    agent: {
      type: "object",
      properties: {
        settings: {
          type: "object",
          properties: {
            model: { type: "string" },
            maxTurns: { type: "integer", minimum: 1 },
            tools: { type: "array", items: { type: "string" } },
          },
        },
      },
    },
    labels: { type: "object", additionalProperties: { type: "string" } },
  },
});
const firestore = new Firestore();
const topic = new PubSub().topic("run-requests", { batching: { maxMessages: 1 } });
export const unused = [new Storage(), new CloudBuildClient()];

http("naive", async (request, response) => {
  if (!isOrder(request.body)) {
    response.status(400).json({ errors: isOrder.errors });
    return;
  }
  const id = randomUUID();
  await firestore.doc(`naive/${id}`).create({ ...request.body, status: "pending" });
  await topic.publishMessage({ json: { runId: id, attempt: 1 } });
  response.status(202).json({ id });
});

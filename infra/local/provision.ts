import { randomBytes } from "node:crypto";
import { Firestore } from "@google-cloud/firestore";
import { type CreateSubscriptionOptions, PubSub } from "@google-cloud/pubsub";
import { keyHash, newKeyRecord } from "../../shared/documents/key.ts";
import { RETRY_LIMITS, TIMING } from "../../shared/limits.ts";
import { COLLECTIONS, PUSH_TARGETS, TOPICS } from "../../shared/names.ts";

/** ALREADY_EXISTS */
const EXISTS = 6;

/**
 * Makes the topics and push subscriptions that the pipeline needs, as they stand in the cloud, and points
 * the subscriptions at where the functions are now.
 */
export async function provisionPubsub({
  address,
  projectId,
  endpointOf,
}: {
  /** `host:port` of Pub/Sub. */
  address: string;
  projectId: string;
  /** Base URL of a function. */
  endpointOf(target: string): string;
}): Promise<void> {
  const pubsub = new PubSub({ projectId, apiEndpoint: address, emulatorMode: true });
  try {
    await createTopic(pubsub, TOPICS.deadLetters);
    // Its subscription keeps what no function could handle.
    await subscribe(pubsub, TOPICS.deadLetters, {
      messageRetentionDuration: { seconds: TIMING.deadLetterRetention },
    });
    for (const [topic, target] of Object.entries(PUSH_TARGETS)) {
      await createTopic(pubsub, topic);
      // functions-framework takes the topic's name from the path.
      const pushEndpoint = `${endpointOf(target)}/projects/${projectId}/topics/${topic}`;
      await subscribe(pubsub, topic, {
        ackDeadlineSeconds: TIMING.ackDeadline,
        pushEndpoint,
        retryPolicy: {
          minimumBackoff: { seconds: TIMING.minRedelivery },
          maximumBackoff: { seconds: TIMING.maxRedelivery },
        },
        deadLetterPolicy: {
          deadLetterTopic: `projects/${projectId}/topics/${TOPICS.deadLetters}`,
          maxDeliveryAttempts: RETRY_LIMITS.maxDeliveryAttempts,
        },
      });
    }
  } finally {
    await pubsub.close();
  }
}

async function createTopic(pubsub: PubSub, topic: string): Promise<void> {
  await ifMissing(() => pubsub.createTopic(topic));
}

/** A subscription of the topic's own name; an existing one is pointed at the endpoint of today. */
async function subscribe(
  pubsub: PubSub,
  topic: string,
  options: CreateSubscriptionOptions,
): Promise<void> {
  const created = await ifMissing(() => pubsub.topic(topic).createSubscription(topic, options));
  const { pushEndpoint } = options;
  if (created || pushEndpoint === undefined) return;
  await pubsub.subscription(topic).modifyPushConfig({ pushEndpoint });
}

/** Whether `create` made the thing; false: it was there. */
async function ifMissing(create: () => Promise<unknown>): Promise<boolean> {
  try {
    await create();
    return true;
  } catch (error) {
    if ((error as { code?: unknown }).code !== EXISTS) throw error;
    return false;
  }
}

/**
 * Lets an owner in with a key for everything: its hash, never the key, is stored. A key that is there already stays as
 * it is, so that one that was revoked stays so.
 */
export async function storeKey({
  address,
  projectId,
  key,
  owner,
}: {
  /** `host:port` of Firestore. */
  address: string;
  projectId: string;
  key: string;
  owner: string;
}): Promise<void> {
  const firestore = new Firestore({ projectId, host: address, ssl: false });
  const record = newKeyRecord(key, {
    owner,
    name: "first start",
    scopes: ["admin"],
    expiresAt: null,
    now: new Date(),
    id: randomBytes(16),
  });
  try {
    await ifMissing(() => firestore.doc(`${COLLECTIONS.keys}/${keyHash(key)}`).create(record));
  } finally {
    await firestore.terminate();
  }
}

import { createHash, randomBytes } from "node:crypto";
import { Firestore } from "@google-cloud/firestore";
import { type CreateSubscriptionOptions, PubSub } from "@google-cloud/pubsub";

/** ALREADY_EXISTS */
const EXISTS = 6;

/**
 * Topics, and for each the function that its messages are pushed to. The dead letter topic has a
 * subscription that keeps what no function could handle.
 */
const PUSHES = { "run-requests": "submitBuild", "cloud-builds": "recordBuildStatus" } as const;
const DEAD_LETTERS = "dead-letters";

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
    await createTopic(pubsub, DEAD_LETTERS);
    await subscribe(pubsub, DEAD_LETTERS, { messageRetentionDuration: { seconds: 7 * 24 * 3600 } });
    for (const [topic, target] of Object.entries(PUSHES)) {
      await createTopic(pubsub, topic);
      // functions-framework takes the topic's name from the path.
      const pushEndpoint = `${endpointOf(target)}/projects/${projectId}/topics/${topic}`;
      await subscribe(pubsub, topic, {
        ackDeadlineSeconds: 60,
        pushEndpoint,
        retryPolicy: { minimumBackoff: { seconds: 10 }, maximumBackoff: { seconds: 600 } },
        deadLetterPolicy: {
          deadLetterTopic: `projects/${projectId}/topics/${DEAD_LETTERS}`,
          maxDeliveryAttempts: 20,
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

/** A new API key: 256 random bits. */
export function newKey(): string {
  return `ry_${randomBytes(32).toString("base64url")}`;
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
  const hash = createHash("sha256").update(key).digest("hex");
  const described = {
    schemaVersion: 1,
    id: `key_${hash.slice(0, 12)}`,
    owner,
    name: "first start",
    scopes: ["admin"],
    createdAt: new Date(),
    expiresAt: null,
    revokedAt: null,
    prefix: key.slice(0, 8),
  };
  try {
    await ifMissing(() => firestore.doc(`keys/${hash}`).create(described));
  } finally {
    await firestore.terminate();
  }
}

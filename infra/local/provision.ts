import { randomBytes } from "node:crypto";
import { Firestore } from "@google-cloud/firestore";
import { type CreateSubscriptionOptions, PubSub } from "@google-cloud/pubsub";
import { MACHINE_TYPES } from "../../shared/agent/settings.ts";
import { newTarget } from "../../shared/capacity/target.ts";
import { keyHash, newKeyRecord } from "../../shared/documents/key.ts";
import { RETRY_LIMITS, TIMING } from "../../shared/limits.ts";
import { COLLECTIONS, PUSHES, type Pushed, TOPICS } from "../../shared/names.ts";
import { PUSH_ACCOUNT } from "./trigger-callers.ts";

/** ALREADY_EXISTS */
const EXISTS = 6;

/**
 * Makes the topics and push subscriptions that the pipeline needs, as they stand in the cloud, and
 * points the subscriptions at where the functions are now.
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
    for (const { subscription, topic, target, filter } of PUSHES) {
      await createTopic(pubsub, topic);
      // functions-framework takes the topic's name from the path.
      const pushEndpoint = `${endpointOf(target)}/projects/${projectId}/topics/${topic}`;
      await subscribe(
        pubsub,
        { topic, subscription },
        {
          ...(filter !== undefined && { filter }),
          ackDeadlineSeconds: TIMING.ackDeadline,
          pushEndpoint,
          // Cloud Run asks for the function's own address as audience.
          oidcToken: { serviceAccountEmail: PUSH_ACCOUNT, audience: endpointOf(target) },
          retryPolicy: {
            minimumBackoff: { seconds: TIMING.minRedelivery },
            maximumBackoff: { seconds: TIMING.maxRedelivery },
          },
          ...(topic === TOPICS.deadLetters
            ? { messageRetentionDuration: { seconds: TIMING.deadLetterRetention } }
            : { deadLetterPolicy: deadLetterPolicy(projectId) }),
        },
      );
    }
  } finally {
    await pubsub.close();
  }
}

/** What no function could handle in so many deliveries is kept. */
const deadLetterPolicy = (projectId: string) => ({
  deadLetterTopic: `projects/${projectId}/topics/${TOPICS.deadLetters}`,
  maxDeliveryAttempts: RETRY_LIMITS.maxDeliveryAttempts,
});

async function createTopic(pubsub: PubSub, topic: string): Promise<void> {
  await ifMissing(() => pubsub.createTopic(topic));
}

/** An existing subscription is pointed at the endpoint of today. */
async function subscribe(
  pubsub: PubSub,
  { topic, subscription }: Pick<Pushed, "topic" | "subscription">,
  options: CreateSubscriptionOptions,
): Promise<void> {
  const created = await ifMissing(() =>
    pubsub.topic(topic).createSubscription(subscription, options),
  );
  const { pushEndpoint, oidcToken = null } = options;
  if (created || pushEndpoint === undefined) return;
  await pubsub.subscription(subscription).modifyPushConfig({ pushEndpoint, oidcToken });
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
 * The one target of a machine of one's own; of the emulator's region, with as many creates as it
 * takes.
 */
const LOCAL_TARGET = { id: "local", location: "us-central1", createsPerMinute: 6000 };

/**
 * Says how many builds may be live at a time, of each machine type. What became of earlier ones
 * stays.
 */
export async function storeTarget({
  address,
  projectId,
  concurrentBuilds,
}: {
  /** `host:port` of Firestore. */
  address: string;
  projectId: string;
  concurrentBuilds: number;
}): Promise<void> {
  const firestore = new Firestore({ projectId, host: address, ssl: false });
  const slots = Object.fromEntries(MACHINE_TYPES.map((type) => [type, concurrentBuilds]));
  const target = newTarget({ ...LOCAL_TARGET, projectId, slots });
  const document = firestore.doc(`${COLLECTIONS.targets}/${target.id}`);
  try {
    await firestore.runTransaction(async (transaction) => {
      const before = (await transaction.get(document)).data();
      transaction.set(document, { ...target, made: before?.["made"] ?? {} });
    });
  } finally {
    await firestore.terminate();
  }
}

/**
 * Lets an owner in with a key for everything: its hash, never the key, is stored. A key that is
 * there already stays as it is, so that one that was revoked stays so.
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

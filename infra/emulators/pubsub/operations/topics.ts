import { publishMessages } from "../delivery.ts";
import { transact } from "../dispatch.ts";
import type { WireDuration } from "../duration.ts";
import { alreadyExists, checkProject, DELETED_TOPIC, notFound, parseName } from "../names.ts";
import { checkPublish, type PublishRequest } from "../publish-rules.ts";
import {
  checkLabels,
  checkRetention,
  type PageRequest,
  pageOf,
  refuseUpdate,
  unsupported,
  updatedFields,
} from "../rules.ts";
import type { PubsubState, Subscription, Topic } from "../state.ts";
import type { TopicConfig } from "../types.ts";

const UNSUPPORTED_FIELDS = [
  "kmsKeyName",
  "schemaSettings",
  "ingestionDataSourceSettings",
  "messageTransforms",
  "tags",
] as const;

/** `google.pubsub.v1.Topic` as a request gives it. */
export type TopicRequest = Partial<TopicConfig> &
  Partial<Record<(typeof UNSUPPORTED_FIELDS)[number], unknown>>;

export interface UpdateTopicRequest {
  topic?: TopicRequest;
  updateMask?: { paths?: string[] };
}

export function createTopic(state: PubsubState, request: TopicRequest): TopicConfig {
  const { name = "" } = request;
  parseName("topics", name);
  const config = topicConfig({ ...request, name });
  if (state.topics.has(name)) throw alreadyExists(name);
  state.store.saveTopic(config);
  state.topics.set(name, { config, subscriptions: new Set() });
  return config;
}

export function getTopic(state: PubsubState, request: { topic?: string }): TopicConfig {
  return findTopic(state, request.topic).config;
}

export function updateTopic(state: PubsubState, request: UpdateTopicRequest): TopicConfig {
  const { topic: given = {}, updateMask } = request;
  const topic = findTopic(state, given.name);
  const changed: TopicConfig = { ...topic.config };
  for (const path of updatedFields("Topic", updateMask)) changeField(changed, given, path);
  const config = topicConfig(changed);
  state.store.saveTopic(config);
  topic.config = config;
  return config;
}

export function listTopics(
  state: PubsubState,
  request: PageRequest & { project?: string },
): { topics: TopicConfig[]; nextPageToken: string } {
  const prefix = `${checkProject(request.project)}/topics/`;
  const configs = [...state.topics.values()].map(({ config }) => config);
  const owned = configs.filter(({ name }) => name.startsWith(prefix));
  const { items, nextPageToken } = pageOf(owned, ({ name }) => name, request);
  return { topics: items, nextPageToken };
}

/** The names of the attached subscriptions. */
export function listTopicSubscriptions(
  state: PubsubState,
  request: PageRequest & { topic?: string },
): { subscriptions: string[]; nextPageToken: string } {
  const topic = findTopic(state, request.topic);
  const names = [...topic.subscriptions].map(({ config }) => config.name);
  const { items, nextPageToken } = pageOf(names, (name) => name, request);
  return { subscriptions: items, nextPageToken };
}

/** Its subscriptions stay, with what they have not delivered. */
export function deleteTopic(state: PubsubState, request: { topic?: string }): object {
  const topic = findTopic(state, request.topic);
  const { name } = topic.config;
  const orphans = [...state.subscriptions.values()].filter(({ config }) => config.topic === name);
  const orphaned = ({ config }: Subscription) => ({ ...config, topic: DELETED_TOPIC });
  transact(state, () => {
    state.store.deleteTopic(name);
    for (const orphan of orphans) state.store.updateSubscription(orphan.id, orphaned(orphan));
  });
  for (const orphan of orphans) orphan.config = orphaned(orphan);
  state.topics.delete(name);
  return {};
}

/** What it accepts is durable when it returns; a bad message refuses all of them. */
export function publish(state: PubsubState, request: PublishRequest): { messageIds: string[] } {
  parseName("topics", request.topic);
  checkPublish(request);
  const topic = findTopic(state, request.topic);
  const { messages = [] } = request;
  return { messageIds: transact(state, () => publishMessages(state, topic, messages)) };
}

/** Throws NOT_FOUND, or INVALID_ARGUMENT for what is no topic's name. */
export function findTopic(state: PubsubState, name = ""): Topic {
  parseName("topics", name);
  const topic = state.topics.get(name);
  if (topic === undefined) throw notFound(name);
  return topic;
}

/**
 * Differs: a topic's retention is kept and shown, but a message is stored only as long as a
 * subscription needs it, so no seek reaches further back than the subscription's own retention.
 */
function topicConfig(request: TopicRequest & { name: string }): TopicConfig {
  for (const field of UNSUPPORTED_FIELDS) {
    if (Object.keys(request[field] ?? {}).length > 0) throw unsupported(`Topic.${field}`);
  }
  const { name, labels = {}, messageStoragePolicy, messageRetentionDuration } = request;
  checkLabels(labels);
  if (messageRetentionDuration !== undefined) checkRetention(messageRetentionDuration);
  return {
    name,
    labels,
    ...(messageStoragePolicy && { messageStoragePolicy }),
    ...(messageRetentionDuration && { messageRetentionDuration }),
  };
}

function changeField(changed: TopicConfig, given: TopicRequest, path: string): void {
  switch (path) {
    case "labels":
      changed.labels = given.labels ?? {};
      return;
    case "message_retention_duration":
      changed.messageRetentionDuration = given.messageRetentionDuration as WireDuration;
      return;
    case "message_storage_policy":
      changed.messageStoragePolicy = given.messageStoragePolicy as object;
      return;
    default:
      throw refuseUpdate("Topic", path, ["name", "kms_key_name", "tags"].includes(path));
  }
}

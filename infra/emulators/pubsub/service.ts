import type { MethodTable, ServedService } from "../wire/grpc-server.ts";
import { acknowledge, modifyAckDeadline, type PullRequest, pull } from "./operations/messages.ts";
import {
  createSubscription,
  deleteSubscription,
  detachSubscription,
  getSubscription,
  listSubscriptions,
  seek,
} from "./operations/subscriptions.ts";
import {
  createTopic,
  deleteTopic,
  getTopic,
  listTopicSubscriptions,
  listTopics,
  publish,
  updateTopic,
} from "./operations/topics.ts";
import { modifyPushConfig, updateSubscription } from "./operations/update-subscription.ts";
import type { PubsubState } from "./state.ts";
import { streamingPull } from "./streaming-pull.ts";

/** The methods of `google.pubsub.v1.Publisher` and `Subscriber`; the rest is UNIMPLEMENTED. */
export function pubsubServices(state: PubsubState): ServedService[] {
  return [
    { name: "google.pubsub.v1.Publisher", methods: publisherMethods(state) },
    { name: "google.pubsub.v1.Subscriber", methods: subscriberMethods(state) },
  ];
}

function publisherMethods(state: PubsubState): MethodTable {
  return {
    unary: {
      CreateTopic: (request) => createTopic(state, request),
      UpdateTopic: (request) => updateTopic(state, request),
      Publish: (request) => publish(state, request),
      GetTopic: (request) => getTopic(state, request),
      ListTopics: (request) => listTopics(state, request),
      ListTopicSubscriptions: (request) => listTopicSubscriptions(state, request),
      DeleteTopic: (request) => deleteTopic(state, request),
      DetachSubscription: (request) => detachSubscription(state, request),
    },
  };
}

function subscriberMethods(state: PubsubState): MethodTable {
  return {
    unary: {
      CreateSubscription: (request) => createSubscription(state, request),
      GetSubscription: (request) => getSubscription(state, request),
      UpdateSubscription: (request) => updateSubscription(state, request),
      ListSubscriptions: (request) => listSubscriptions(state, request),
      DeleteSubscription: (request) => deleteSubscription(state, request),
      ModifyAckDeadline: (request) => modifyAckDeadline(state, request),
      Acknowledge: (request) => acknowledge(state, request),
      Pull: (request: PullRequest, call) =>
        pull(state, request, (giveUp) => call.on("cancelled", giveUp)),
      ModifyPushConfig: (request) => modifyPushConfig(state, request),
      Seek: (request) => seek(state, request),
    },
    bidi: { StreamingPull: (call) => streamingPull(state, call) },
  };
}

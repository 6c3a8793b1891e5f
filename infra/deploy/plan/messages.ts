import { RETRY_LIMITS, TIMING } from "../../../shared/limits.ts";
import { PUSHES, type Pushed, TOPICS } from "../../../shared/names.ts";
import type { Argument, Resource } from "../resource.ts";
import type { Stack } from "./stack.ts";

const seconds = (count: number): string => `${count}s`;

/**
 * The topics, and for each that a function takes the subscription that pushes it there, which no
 * idleness removes.
 */
export function messageResources(stack: Stack): Resource[] {
  const { project } = stack.settings;
  const topics = Object.values(TOPICS).map(
    (name): Resource => ({
      name: `topic-${name}`,
      type: "pubsub.Topic",
      args: { project, name },
      after: ["api-pubsub"],
    }),
  );
  return [...topics, ...PUSHES.map((pushed) => subscriptionOf(stack, pushed))];
}

function subscriptionOf(
  { settings: { project }, names }: Stack,
  { subscription, topic, target, filter }: Pushed,
): Resource {
  const url = names.urlOf(target);
  const isLast = topic === TOPICS.deadLetters;
  const kept: Record<string, Argument> = isLast
    ? { messageRetentionDuration: seconds(TIMING.deadLetterRetention) }
    : {
        deadLetterPolicy: {
          deadLetterTopic: names.topic(TOPICS.deadLetters),
          maxDeliveryAttempts: RETRY_LIMITS.maxDeliveryAttempts,
        },
      };
  return {
    name: `subscription-${subscription}`,
    type: "pubsub.Subscription",
    args: {
      project,
      name: subscription,
      topic,
      ...(filter !== undefined && { filter }),
      ackDeadlineSeconds: TIMING.ackDeadline,
      // Never.
      expirationPolicy: { ttl: "" },
      retryPolicy: {
        minimumBackoff: seconds(TIMING.minRedelivery),
        maximumBackoff: seconds(TIMING.maxRedelivery),
      },
      pushConfig: {
        // functions-framework takes the topic's name from the path.
        pushEndpoint: `${url}/${names.topic(topic)}`,
        oidcToken: { serviceAccountEmail: names.emailOf("push"), audience: url },
      },
      ...kept,
    },
    after: [
      ...[`topic-${topic}`, `topic-${TOPICS.deadLetters}`].filter(
        (name, at, all) => all.indexOf(name) === at,
      ),
      `service-${target}`,
      "account-push",
    ],
  };
}

/** The clock that has the sweep look at what is due. */
export function clockResource({ settings: { project, region }, names }: Stack): Resource {
  const url = names.urlOf("sweep");
  return {
    name: "clock",
    type: "cloudscheduler.Job",
    args: {
      project,
      region,
      name: "runyard-sweep",
      schedule: "* * * * *",
      timeZone: "Etc/UTC",
      attemptDeadline: seconds(2 * TIMING.sweepInterval + 10),
      // The next minute comes anyway.
      retryConfig: { retryCount: 0 },
      httpTarget: {
        uri: url,
        httpMethod: "POST",
        oidcToken: { serviceAccountEmail: names.emailOf("scheduler"), audience: url },
      },
    },
    after: ["service-sweep", "account-scheduler", "api-cloudscheduler"],
  };
}

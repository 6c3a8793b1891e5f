/**
 * Every call that each handler makes in a world of events, as `CALLS` of the crash points has those
 * of runs; of those that have runs as well only what they do beside that.
 */
export const EVENT_CALLS: Readonly<Record<string, readonly string[]>> = {
  receiveHook: ["firestore.get", "pubsub.publish trigger-fires"],
  receiveEvent: [
    "firestore.aggregate",
    "firestore.commit",
    "firestore.get",
    "firestore.query",
    "firestore.rollback",
    "pubsub.publish run-requests",
    "pubsub.publish trigger-fires",
    "storage.download event",
    "storage.insert event",
    "storage.metadata event",
  ],
  deliverWebhook: [
    "firestore.commit",
    "firestore.get",
    "firestore.query",
    "firestore.rollback",
    "outside.POST webhook",
    "pubsub.publish run-events",
    "pubsub.publish webhook-deliveries",
  ],
  deliver: [
    "firestore.commit",
    "firestore.get",
    "firestore.query",
    "firestore.rollback",
    "outside.GET github",
    "outside.POST github",
    "storage.download manifest",
    "storage.download outputs",
    "storage.metadata manifest",
    "storage.metadata outputs",
  ],
  recordBuildStatus: ["pubsub.publish run-deliveries"],
  sweep: [
    "pubsub.publish run-deliveries",
    "pubsub.publish webhook-deliveries",
    "storage.insert event",
  ],
};

/**
 * What a change of a run may ask for: that its attempt stops, a build ends, a slot is given away.
 */
const APPLYING = [
  "builds.cancel",
  "builds.get",
  "firestore.aggregate",
  "firestore.commit",
  "firestore.get",
  "firestore.query",
  "firestore.rollback",
  "pubsub.publish run-events",
  "pubsub.publish run-requests",
  "storage.download claim",
  "storage.insert cancel",
  "storage.insert claim",
  "storage.metadata claim",
];

/** What else tells how an attempt ended. */
const SETTLING = [
  "storage.download checkpoints",
  "storage.download manifest",
  "storage.download outputs",
  "storage.insert manifest",
  "storage.list checkpoints",
  "storage.metadata checkpoints",
  "storage.metadata manifest",
  "storage.metadata outputs",
];

/**
 * Every call that each handler makes, wherever a run and its crashes lead. A call that is not here
 * is new, and nothing befalls it in these proofs until somebody has written it down; one that
 * nobody makes any more is to be taken out.
 */
export const CALLS: Readonly<Record<string, readonly string[]>> = {
  cancelRun: [...APPLYING],
  createRun: [
    "firestore.aggregate",
    "firestore.commit",
    "firestore.get",
    "pubsub.publish run-requests",
  ],
  createTurn: [
    "firestore.aggregate",
    "firestore.commit",
    "firestore.get",
    "firestore.rollback",
    "pubsub.publish run-requests",
  ],
  deleteRun: [
    "builds.cancel",
    "builds.list",
    "firestore.batchWrite",
    "firestore.commit",
    "firestore.get",
    "firestore.query",
    "firestore.rollback",
    "pubsub.publish run-events",
    "storage.delete cancel",
    "storage.delete checkpoints",
    "storage.delete claim",
    "storage.delete input",
    "storage.delete log",
    "storage.delete manifest",
    "storage.delete outputs",
    "storage.download claim",
    "storage.list other",
    "storage.metadata claim",
  ],
  recordBuildStatus: [...APPLYING, ...SETTLING],
  reportProgress: [
    "builds.get",
    "firestore.commit",
    "firestore.get",
    "firestore.rollback",
    "pubsub.publish run-events",
    "storage.download claim",
    "storage.metadata claim",
  ],
  runner: [
    "storage.download claim",
    "storage.download manifest",
    "storage.insert checkpoints",
    "storage.insert claim",
    "storage.insert manifest",
    "storage.insert outputs",
    "storage.metadata cancel",
    "storage.metadata checkpoints",
    "storage.metadata outputs",
  ],
  submitBuild: [
    ...APPLYING,
    "builds.create",
    "builds.list",
    "storage.insert input",
    "storage.metadata input",
  ],
  sweep: [...APPLYING, ...SETTLING, "builds.list"],
};

/** Those of the sites, as `submitBuild firestore.commit`, that do not stand there. */
export function unlisted(sites: Iterable<string>): string[] {
  const known = Object.entries(CALLS).flatMap(([handler, kinds]) =>
    kinds.map((kind) => `${handler} ${kind}`),
  );
  return [...sites].filter((site) => !known.includes(site));
}

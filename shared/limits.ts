/** Bounds on triggers, and on what their expressions may take. */
export const TRIGGER_LIMITS = {
  /** Triggers of one owner, */
  ofOwner: 200,
  /** … and of one route. */
  ofRoute: 1000,
  /** UTF-8 bytes of what a caller writes of one, as JSON. */
  bytes: 32 * 1024,
  /** Hours for which the secret before the last is still taken. */
  previousSecretHours: 24,
  /** Milliseconds that an event may take to be handed to the thread, */
  openMs: 5000,
  /** … that a filter and both keys may take together, … */
  decideMs: 100,
  /** … and a prompt. */
  renderMs: 250,
  /** MiB of the thread that evaluates them. */
  expressionMemory: 128,
  /** UTF-16 code units of a key's value. */
  keyLength: 1024,
} as const;

/** Bounds on what a caller may ask for. */
export const RUN_LIMITS = {
  /** UTF-8 bytes of a prompt. */
  promptBytes: 256 * 1024,
  /** UTF-8 bytes of an agent's settings as JSON. */
  settingsBytes: 256 * 1024,
  /** Bytes of a request body: a prompt whose every byte is escaped (`\u0001`), and the rest. */
  bodyBytes: 2 * 1024 * 1024,
  /** Files that come with a request, */
  files: 100,
  /** … their bytes together, … */
  filesBytes: 256 * 1024,
  /** … those of what is uploaded before, one by one and together, … */
  uploadBytes: 100 * 1024 ** 2,
  /** … and those of a path of one. */
  filePathBytes: 500,
  /** Files, folders and links of a working tree that a run begins with, */
  treeEntries: 50_000,
  /** … and bytes of its archive once that is unpacked. */
  treeBytes: 512 * 1024 ** 2,
  minTimeoutSeconds: 10,
  /** Cloud Build ends every build after 24 h; {@link buildTimeoutSeconds} must stay below. */
  maxTimeoutSeconds: 23 * 3600,
  defaultTimeoutSeconds: 300,
  minCheckSeconds: 1,
  defaultCheckSeconds: 300,
  /** Checks of one run, */
  checks: 20,
  /** … and how often at most those that did not pass are handed back to the agent. */
  handBacks: 5,
  /** Repositories in folders of one workspace. */
  repositories: 10,
  /** Patterns of files that a run keeps as artifacts. */
  artifactPatterns: 20,
  maxTurns: 1000,
  defaultMaxTurns: 100,
  maxBudgetUsd: 1000,
  defaultBudgetUsd: 5,
  labels: 16,
  labelKeyLength: 63,
  labelValueLength: 127,
  idempotencyKeyLength: 255,
  /** Characters of the prompt that the public document shows. */
  promptPreviewLength: 200,
  /** UTF-8 bytes of the answer, and of the structured output. */
  outputTextBytes: 12 * 1024,
  messageBytes: 2 * 1024,
  historyEntries: 20,
  /** UTF-8 bytes of the list of changed files as JSON; what does not fit is counted. */
  changedFilesBytes: 8 * 1024,
  /** The same of the list of artifacts; the manifest has all of them. */
  artifactsBytes: 8 * 1024,
  /** The same of the list of what is not kept. */
  omissionsBytes: 4 * 1024,
  /** The same of what the checks said, together. */
  checkOutputsBytes: 3 * 1024,
  deniedTools: 20,
  /** UTF-8 bytes of the list of denied calls as JSON. */
  deniedCallsBytes: 4 * 1024,
  outputFaults: 10,
  /** Events in one report of a build; what is more waits for the next. */
  reportedEvents: 100,
  /** Of the events of a commit that one document holds, as JSON; Firestore takes 1 MiB. */
  eventDocumentBytes: 64 * 1024,
  /** Events of one run; later ones are left out, the last of them says so. */
  events: 10_000,
  /** UTF-8 bytes of an event's text, */
  eventTextBytes: 4 * 1024,
  /** … of a tool's input in one, */
  eventInputBytes: 500,
  /** … and of the beginning of what a tool gave. */
  eventPreviewBytes: 2 * 1024,
  /**
   * UTF-8 bytes of an answer's text, and of its structured output, in what `run-events` is told.
   */
  eventOutputBytes: 2 * 1024,
  /** Days for which a finished run's events are kept. */
  eventDays: 30,
  /** UTF-8 bytes of an output schema as JSON, */
  outputSchemaBytes: 64 * 1024,
  /** … and levels of objects and lists in it. */
  outputSchemaDepth: 32,
  /** Bytes that an agent's workspace, home and `/tmp` may hold together. */
  diskBytes: 20 * 1024 ** 3,
  /**
   * Values in an output schema, times one more than its references: what compiling it may come to;
   */
  outputSchemaWork: 500_000,
  /** … seconds that it may take, */
  outputSchemaSeconds: 2,
  /** … and MiB of memory. */
  outputSchemaMemory: 128,
  /** Turns of a conversation that wait for the one at work. */
  queuedTurns: 100,
} as const;

/** How often something is tried. */
export const RETRY_LIMITS = {
  /** Attempts of a run, the first included. */
  maxAttempts: 3,
  /** Leases whose CreateBuild had no known outcome; these do not count as attempts that failed. */
  maxLostSubmissions: 5,
  /** Wait before attempt 2, 3, … in seconds: one for each retry. The first is immediate. */
  attemptBackoffSeconds: [0, 30],
  /** Deliveries of a message to a function before it goes to the dead letters. */
  maxDeliveryAttempts: 20,
} as const;

/**
 * The one table of durations, in seconds. Its order is what makes the protocol sound, and is
 * tested: a CreateBuild ends before its handler, a handler before its message is delivered again, a
 * delivery before the lease that it took may be taken over.
 */
export const TIMING = {
  createBuildDeadline: 20,
  /**
   * Google's clients try some failures again for minutes; nobody waits longer than this for one
   * call.
   */
  callDeadline: 15,
  handlerBudget: 45,
  ackDeadline: 60,
  /** The least and the most that a message waits after a handler has thrown. */
  minRedelivery: 10,
  maxRedelivery: 600,
  /** How long what no function could handle is kept. */
  deadLetterRetention: 7 * 24 * 3600,
  lease: 120,
  /** A pending run is published again when it has not moved for this long. */
  pendingDue: 60,
  /** The same of a turn that waits for the one before it: that one's end wakes it. */
  turnDue: 3600,
  /** Changes of a run's status that nobody has told of are told after this long. */
  tell: 60,
  /** The longest that a retry waits because the model's API wants to be left alone. */
  modelWait: 6 * 3600,
  /** `queueTtl` of a build: how long Cloud Build may keep it before it starts. */
  queueTtl: 600,
  /** Added to a due time so that the message that is on its way comes first. */
  grace: 60,
  /** Checking repositories out, with all that is fetched of them. */
  checkout: 600,
  /** How long a build waits for tokens of the GitHub App, */
  tokens: 300,
  /** … and when it asks for them again. */
  tokensAsked: 30,
  /** Each step of bringing back what earlier turns left. */
  restore: 90,
  /** What a build needs beside checkout and agent: image pull, source, restoring before, */
  buildSetup: 300,
  /** … stopping the agent, or waiting for what it left at work, */
  agentStop: 20,
  /** How long a build repeats what its storage does not answer. */
  storagePatience: 40,
  /** … and collecting and uploading its outputs. */
  buildUpload: 160,
  /** The agent is stopped when it says nothing for this long. */
  agentIdle: 600,
  /** From SIGINT to killing the tree. */
  agentInterruptGrace: 10,
  /** From the end of an agent that was not stopped to killing what it left at work. */
  leftoverGrace: 10,
  cancelPoll: 2,
  /** Between two reports of a build while somebody follows its run, and in its first minute; */
  progressInterval: 2,
  /** … and between those of a build of which nobody has asked for more. */
  quietInterval: 15,
  /** How long after its start a build reports as if somebody followed. */
  freshFor: 60,
  /** How long somebody who follows a run's events counts as doing so, unless it is noted again, */
  followed: 90,
  /** … which it is this often. */
  followedAgain: 45,
  /** A checkpoint of an agent at work is taken after each turn, and at least this often. */
  checkpointInterval: 60,
  /** How long a cancelled agent may take to end by itself before its build is cancelled. */
  cancelGrace: 60,
  cancelStep: 30,
  sweepInterval: 60,
  /** The longest between two visits of the sweep to a run of which the last ones failed. */
  maxVisitBackoff: 3600,
  /** How long after a build's last word its end is looked at, should no message tell it. */
  finished: 15,
} as const;

/** Bounds of what is given to runs that wait for a build; durations in seconds. */
export const CAPACITY = {
  /** Creates in a row without a known outcome after which a target is left alone. */
  unknowns: 3,
  /** The first pause of a target, doubled with each further refusal, */
  minPause: 30,
  /** … and the longest. */
  maxPause: 600,
  /** What a target's rate of creates may be ahead of. */
  burst: 15,
  /** How long a submission waits for its turn to create before the message is given back. */
  tokenWait: 5,
  /** How often the sweep looks at a slot that is held, */
  look: 120,
  /** … and at how many of them each time. */
  looks: 300,
  /** How often it asks for the end of a build that nobody needs. */
  cancelStep: 30,
  /** How long one handler gives slots to those who wait; then it asks another to go on. */
  admitting: 20,
  /** Lines that are compared for one slot. */
  lines: 20,
  /** How long a run that has a slot may take to be submitted before its message is sent again. */
  submission: 60,
  /** When the sweep looks again at a run that waits for a slot. */
  waiting: 3600,
  /**
   * How long a role that was given may take to be honoured: what is denied is tried again for so
   * long.
   */
  denied: 3600,
} as const;

/** `timeout` of the build whose agent may work for `agentSeconds`. */
export function buildTimeoutSeconds(agentSeconds: number): number {
  const before = TIMING.buildSetup + TIMING.checkout;
  return before + agentSeconds + TIMING.agentStop + TIMING.buildUpload;
}

/** Bounds of the API's answers that take a while. */
export const STREAMS = {
  /** The longest that an answer is held by `Prefer: wait`, in seconds. */
  waitSeconds: 300,
  /** Seconds between the heartbeats of an event stream: who follows sees soon that it is dead. */
  heartbeatSeconds: 1,
  /** Seconds after which an event stream says again how things stand that no event tells. */
  standingSeconds: 15,
  /** What an event stream's client waits before it connects again, in seconds. */
  reconnectSeconds: 1,
  /**
   * An event stream ends by itself, to be resumed: Cloud Run cuts a request off after 3600 s at
   * most.
   */
  eventStreamSeconds: 3540,
  /** Documents of events that one follower has in memory at most. */
  eventPage: 25,
  /**
   * How often somebody who follows a log is given what is new; Cloud Build writes every few
   * seconds.
   */
  logPollSeconds: 2,
  /** Days for which somebody who follows a list may go on, and is told what was erased. */
  listDays: 2,
  /** A client that takes nothing for so many seconds is dropped. */
  stallSeconds: 30,
} as const;

import type { ListAgents, PatchAgent } from "../shared/api/agents.ts";
import type { ListRuns } from "../shared/api/run-queries.ts";
import type { GetUsage } from "../shared/api/usage.ts";
import type { Static } from "../shared/schema/type.ts";
import {
  type CallOptions,
  type CreateOptions,
  type Filter,
  json,
  newKey,
  pages,
  patched,
  posted,
} from "./calls.ts";
import { type ConnectionOptions, connect, type Send } from "./connection.ts";
import { type FollowOptions, followList, followRun, type ListChange } from "./follow.ts";
import { triggersOf } from "./triggers.ts";
import type {
  Agent,
  AgentVersion,
  Artifact,
  Conversation,
  CreateAgent,
  CreateAgentRun,
  CreateRun,
  CreateTurn,
  DryRun,
  ListedConversation,
  Overrides,
  Run,
  RunEvent,
  RunRequest,
  Token,
  Usages,
} from "./types.ts";
import { sendUpload } from "./uploads.ts";
import { type ListenableFirestore, watchRun } from "./watch.ts";
import { deliveriesOf, webhooksOf } from "./webhooks.ts";

export interface ClientOptions extends ConnectionOptions {
  /** For `watch`: a client of Firestore that may read the owner's runs. */
  firestore?: ListenableFirestore;
}

export interface AcceptOptions extends CreateOptions {
  /** Wait at most so many seconds for the run's end, up to 300. Default: not at all. */
  waitSeconds?: number | undefined;
}

export interface ContentOptions extends CallOptions {
  /** One range of bytes, as HTTP has it: `bytes=0-99`. Default: all. */
  range?: string | undefined;
}

/** The HTTP API by the names of its resources. */
export type Client = ReturnType<typeof createClient>;

/**
 * A client of the API. What may be repeated is, after a failure; a run is made once all the same.
 */
export function createClient({ firestore, ...connection }: ClientOptions) {
  const send = connect(connection);
  return {
    runs: runsOf(send),
    conversations: conversationsOf(send),
    agents: agentsOf(send),
    triggers: triggersOf(send),
    webhooks: webhooksOf(send),
    /** Whether the API answers. */
    health: (options: CallOptions = {}) => json<{ status: "ok" }>(send("/health", options)),
    /** The OpenAPI document. */
    openApi: (options: CallOptions = {}) =>
      json<Record<string, unknown>>(send("/openapi.json", options)),
    /** A token with which a page signs in to Firebase as the key's owner. */
    token: (options: CallOptions = {}) =>
      json<Token>(send("/tokens", { method: "POST", isRepeatable: true, ...options })),
    /** Sends a file that is too large for a request; resolves to its id. */
    upload: (content: Uint8Array<ArrayBuffer>, options?: CallOptions) =>
      sendUpload({ send, fetch: connection.fetch }, content, options),
    /** What the owner's runs came to. */
    usage: ({ signal, ...query }: Static<typeof GetUsage> & CallOptions = {}) =>
      json<Usages>(send("/usage", { query, signal })),
    /** A run's events as they happen, until it is over. */
    follow: (runId: string, options: FollowOptions = {}): AsyncGenerator<RunEvent, void> =>
      followRun(send, runId, options),
    /** A run's document as it changes, until it is over; needs `firestore`. */
    watch(runId: string, { signal }: CallOptions = {}): AsyncGenerator<Run, void> {
      if (firestore === undefined) {
        throw new Error("watch needs a client of Firestore: createClient({ …, firestore })");
      }
      return watchRun(firestore, runId, signal);
    },
  };
}

function runsOf(send: Send) {
  const at = (id: string) => `/runs/${encodeURIComponent(id)}`;
  return {
    create: (body: CreateRun, options?: AcceptOptions) => accept(send, "/runs", { body, options }),
    /** What it would come to; makes nothing. */
    dryRun: (body: CreateRun, options?: CallOptions) => tried(send, "/runs", { body, options }),
    list: (filter: Filter<Static<typeof ListRuns>> = {}) => pages<Run>(send, "/runs", filter),
    /** The changes of a list as they come; it begins with `ready`. */
    follow: ({
      after,
      signal,
      silenceMs,
      onConnection,
      ...filter
    }: Filter<Static<typeof ListRuns>> & FollowOptions = {}): AsyncGenerator<ListChange, void> =>
      followList(send, filter, { after, signal, silenceMs, onConnection }),
    get: (id: string, options: CallOptions = {}) => json<Run>(send(at(id), options)),
    /** Erases a finished run. */
    delete: async (id: string, options: CallOptions = {}) =>
      void (await send(at(id), { method: "DELETE", ...options })),
    /** What it was asked to do, with each default filled in. */
    request: (id: string, options: CallOptions = {}) =>
      json<RunRequest>(send(`${at(id)}/request`, options)),
    cancel: (id: string, options: CallOptions = {}) =>
      json<Run>(send(`${at(id)}/cancel`, { method: "POST", isRepeatable: true, ...options })),
    /** Lists leave it out from now on. */
    archive: (id: string, options: CallOptions = {}) =>
      json<Run>(send(`${at(id)}/archive`, { method: "POST", isRepeatable: true, ...options })),
    unarchive: (id: string, options: CallOptions = {}) =>
      json<Run>(send(`${at(id)}/unarchive`, { method: "POST", isRepeatable: true, ...options })),
    /** The same request once more, in a conversation of its own. */
    rerun: (id: string, body: Overrides = {}, options?: AcceptOptions) =>
      accept(send, `${at(id)}/rerun`, { body, options }),
    /** Goes on with a run that a limit, a timeout or a cancel ended. */
    continue: (id: string, body: Overrides = {}, options?: AcceptOptions) =>
      accept(send, `${at(id)}/continue`, { body, options }),
    artifacts: async (id: string, options: CallOptions = {}) =>
      (await json<{ items: Artifact[] }>(send(`${at(id)}/artifacts`, options))).items,
    artifact: (id: string, name: string, options?: ContentOptions) =>
      content(
        send,
        `${at(id)}/artifacts/${name.split("/").map(encodeURIComponent).join("/")}`,
        options,
      ),
    /** All artifacts as a tar, or those whose names begin with `prefix`. */
    artifactsTar: (id: string, { prefix, ...options }: CallOptions & { prefix?: string } = {}) =>
      send(`${at(id)}/artifacts.tar`, { ...options, query: { prefix } }),
    /** What was sent to webhooks of it, newest first. */
    deliveries: (id: string, options: Filter<{ pageSize?: number }> = {}) =>
      deliveriesOf(send, at(id), options),
    patch: (id: string, options?: ContentOptions) => content(send, `${at(id)}/patch`, options),
    /** @param options.follow stay until the run is over */
    logs: (id: string, { follow, ...options }: CallOptions & { follow?: boolean } = {}) =>
      send(`${at(id)}/logs`, { ...options, query: { follow: follow ? "true" : undefined } }),
  };
}

function conversationsOf(send: Send) {
  const at = (id: string) => `/conversations/${encodeURIComponent(id)}`;
  return {
    /** Without their turns, which `get` has. */
    list: (filter: Filter<{ pageSize?: number }> = {}) =>
      pages<ListedConversation>(send, "/conversations", filter),
    get: (id: string, options: CallOptions = {}) => json<Conversation>(send(at(id), options)),
    /** The next turn. */
    createTurn: (id: string, body: CreateTurn, options?: AcceptOptions) =>
      accept(send, `${at(id)}/runs`, { body, options }),
  };
}

function agentsOf(send: Send) {
  const at = (id: string) => `/agents/${encodeURIComponent(id)}`;
  const post = (path: string, options: CallOptions) =>
    json<Agent>(send(path, { method: "POST", isRepeatable: true, ...options }));
  return {
    create: (body: CreateAgent, { idempotencyKey = newKey(), ...options }: CreateOptions = {}) =>
      json<Agent>(send("/agents", { ...options, ...posted(body, idempotencyKey) })),
    list: (filter: Filter<Static<typeof ListAgents>> = {}) => pages<Agent>(send, "/agents", filter),
    get: (id: string, options: CallOptions = {}) => json<Agent>(send(at(id), options)),
    /** Changes the agent as it was read: `precondition_failed` if somebody else did meanwhile. */
    patch: (
      { id, revision }: Pick<Agent, "id" | "revision">,
      body: Static<typeof PatchAgent>,
      options: CallOptions = {},
    ) => json<Agent>(send(at(id), { ...patched(body, revision), ...options })),
    archive: (id: string, options: CallOptions = {}) => post(`${at(id)}/archive`, options),
    unarchive: (id: string, options: CallOptions = {}) => post(`${at(id)}/unarchive`, options),
    versions: (id: string, options: Filter<{ pageSize?: number }> = {}) =>
      pages<AgentVersion>(send, `${at(id)}/versions`, options),
    version: (id: string, version: number, options: CallOptions = {}) =>
      json<AgentVersion>(send(`${at(id)}/versions/${version}`, options)),
    run: (id: string, body: CreateAgentRun, options?: AcceptOptions) =>
      accept(send, `${at(id)}/runs`, { body, options }),
    /** What a run of it would come to; makes nothing. */
    dryRun: (id: string, body: CreateAgentRun, options?: CallOptions) =>
      tried(send, `${at(id)}/runs`, { body, options }),
  };
}

/** Has a run accepted: once, however often it is sent. */
function accept(
  send: Send,
  path: string,
  { body, options = {} }: { body: unknown; options: AcceptOptions | undefined },
): Promise<Run> {
  const { idempotencyKey = newKey(), waitSeconds, signal } = options;
  const request = posted(body, idempotencyKey);
  const prefer = waitSeconds === undefined ? undefined : `wait=${waitSeconds}`;
  return json<Run>(send(path, { ...request, signal, headers: { ...request.headers, prefer } }));
}

/** Has a request looked at that would have a run accepted. */
function tried(
  send: Send,
  path: string,
  { body, options }: { body: unknown; options: CallOptions | undefined },
): Promise<DryRun> {
  const query = { dryRun: "true" };
  return json<DryRun>(send(path, { method: "POST", body, query, isRepeatable: true, ...options }));
}

function content(send: Send, path: string, { range, signal }: ContentOptions = {}) {
  return send(path, { headers: { range }, signal });
}

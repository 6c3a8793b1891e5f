import type { ListFirings } from "../shared/api/triggers.ts";
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
import type { Send } from "./connection.ts";
import type { CreateTrigger, Firing, Trigger, TriggerTest } from "./types.ts";

/** What a trigger is tried on. */
export interface TestOn {
  /** A CloudEvent; what it leaves out is that of a test. Default: a schedule's next tick. */
  event?: Record<string, unknown>;
  /** The id of a firing whose event it is. */
  firing?: string;
}

const posting = (body: unknown, options: CallOptions) =>
  ({ method: "POST", body, isRepeatable: true, ...options }) as const;

export function triggersOf(send: Send) {
  const at = (id: string) => `/triggers/${encodeURIComponent(id)}`;
  return {
    /** A hook's `secret` is in this answer alone. */
    create: (body: CreateTrigger, { idempotencyKey = newKey(), ...options }: CreateOptions = {}) =>
      json<Trigger>(send("/triggers", { ...options, ...posted(body, idempotencyKey) })),
    list: (filter: Filter<{ pageSize?: number }> = {}) => pages<Trigger>(send, "/triggers", filter),
    get: (id: string, options: CallOptions = {}) => json<Trigger>(send(at(id), options)),
    /** Changes the trigger as it was read: `precondition_failed` if somebody else did meanwhile. */
    patch: (
      { id, revision }: Pick<Trigger, "id" | "revision">,
      body: Record<string, unknown>,
      options: CallOptions = {},
    ) => json<Trigger>(send(at(id), { ...patched(body, revision), ...options })),
    delete: async (id: string, options: CallOptions = {}) =>
      void (await send(at(id), { method: "DELETE", ...options })),
    /** A new secret for a hook; that of before is taken for 24 hours more. */
    rotateSecret: (id: string, body: { secret?: string } = {}, options: CallOptions = {}) =>
      json<Trigger>(send(`${at(id)}/secret`, { method: "POST", body, ...options })),
    /** What an event would come to at it, or that of a firing; makes nothing. */
    test: (id: string, on: TestOn = {}, options: CallOptions = {}) =>
      json<TriggerTest>(send(`${at(id)}/test`, posting(on, options))),
    /** The same of one that is not stored. */
    testNew: (trigger: CreateTrigger, on: TestOn = {}, options: CallOptions = {}) =>
      json<TriggerTest>(send("/triggers/test", posting({ trigger, ...on }, options))),
    /** What became of its events, for 30 days. */
    firings: (id: string, filter: Filter<Static<typeof ListFirings>> = {}) =>
      pages<Firing>(send, `${at(id)}/firings`, filter),
    /** Asks it once more about the event of a firing. */
    redeliver: (
      id: string,
      firing: string,
      { idempotencyKey = newKey(), ...options }: CreateOptions = {},
    ) => {
      const path = `${at(id)}/firings/${encodeURIComponent(firing)}/redeliver`;
      return json<Firing>(send(path, { ...options, ...posted(undefined, idempotencyKey) }));
    },
  };
}

import type { IncomingHttpHeaders } from "node:http";
import { AppError } from "../../shared/errors.ts";
import { sha256 } from "../../shared/hash.ts";
import { HOOK_EVENT } from "../../shared/triggers/hook.ts";
import type { IncomingEvent } from "../../shared/triggers/incoming-event.ts";
import type { Verification } from "../../shared/triggers/source.ts";
import { contentOf, mediaTypeOf } from "../events/content.ts";
import { type Arrived, httpEvent } from "../events/http-event.ts";

/** Headers that filters can ask for, as attributes of the event. */
const EXTENSIONS = {
  "x-github-event": "githubevent",
  "x-github-delivery": "githubdelivery",
  "x-gitlab-event": "gitlabevent",
  "x-gitlab-event-uuid": "gitlabeventuuid",
  "x-gitea-event": "giteaevent",
  // Bitbucket's.
  "x-event-key": "eventkey",
  "x-shopify-topic": "shopifytopic",
  "linear-event": "linearevent",
  "sentry-hook-resource": "sentryhookresource",
  "webhook-id": "webhookid",
} as const;

/** Where a sender says which delivery it is, in the order in which they are asked. */
const IDS = ["webhook-id", "x-github-delivery", "x-gitlab-event-uuid", "idempotency-key"] as const;

/** What a verified request to a hook is. */
export interface HookDelivery {
  event: IncomingEvent;
  /** What it is deduplicated by where the trigger says nothing; undefined: its source and id. */
  key?: string;
}

/**
 * The event of a verified request: a CloudEvent that it carries, or else one with the request's
 * body as its data. A sender that signs the body alone could be replayed under another id, so the
 * body is the key.
 *
 * @param hook.source of events that are none by themselves
 * @param hook.id of a delivery that has none of its own
 * @throws {AppError} malformed_json, invalid, too_large, unsupported_media_type
 */
export function hookDelivery(
  arrived: Arrived,
  hook: { verify: Verification; source: string; id: string; now: Date },
): HookDelivery {
  const event = httpEvent(arrived) ?? plainEvent(arrived, hook);
  const signsBodyAlone = ["github", "hmac"].includes(hook.verify.scheme);
  return { event, ...(signsBodyAlone && { key: sha256(arrived.body) }) };
}

function plainEvent(
  { headers, body }: Arrived,
  { verify, source, id, now }: Parameters<typeof hookDelivery>[1],
): IncomingEvent {
  const contentType = headers["content-type"];
  if (verify.scheme === "github") refuseForm(contentType);
  const given = IDS.map((name) => shortText(headers[name])).find((text) => text !== undefined);
  return {
    id: given ?? id,
    source,
    type: HOOK_EVENT,
    time: now.toISOString(),
    ...(contentType !== undefined && { datacontenttype: contentType.slice(0, 200) }),
    extensions: extensionsOf(headers),
    data: contentOf(body, contentType),
  };
}

/** @throws {AppError} unsupported_media_type: GitHub was told to post forms */
export function refuseForm(contentType: string | undefined): void {
  if (mediaTypeOf(contentType) === "application/json") return;
  const detail = `the delivery is ${contentType}; choose application/json at GitHub's webhook`;
  throw new AppError("unsupported_media_type", { detail });
}

function extensionsOf(headers: IncomingHttpHeaders): Record<string, string> {
  return Object.fromEntries(
    Object.entries(EXTENSIONS).flatMap(([header, name]) => {
      const text = shortText(headers[header]);
      return text === undefined ? [] : [[name, text]];
    }),
  );
}

const shortText = (value: string | string[] | undefined): string | undefined =>
  typeof value === "string" && /^[\x20-\x7e]{1,200}$/.test(value) ? value : undefined;

import { mergePatch } from "../../../shared/api/merge-patch.ts";
import {
  CreateWebhook,
  type WebhookRecord,
  type WebhookSecrets,
} from "../../../shared/documents/webhook.ts";
import { headerFault, targetFault } from "../../../shared/events/target.ts";
import { validatorOf } from "../../../shared/schema/validate.ts";
import type { Services } from "../../services/services.ts";
import { invalid } from "../http/body.ts";

/** What a caller says of a webhook, each default filled in. */
type Content = Pick<
  WebhookRecord,
  "events" | "agent" | "labels" | "format" | "description" | "enabled"
>;

/** What of a webhook stands in its document as it is, and what is sealed. */
interface Parts {
  content: Content;
  secrets: Pick<WebhookSecrets, "url" | "headers">;
}

const validate = validatorOf(CreateWebhook);

/**
 * The parts of what a caller asks for.
 *
 * @throws {AppError} invalid where it may not be asked for
 */
export function partsOf({ webhookNets }: Services, body: CreateWebhook): Parts {
  const { url, headers = {}, events = ["done"], agent = null, labels = {} } = body;
  const { format = "standard", description = "", enabled = true } = body;
  const target = targetFault(url, webhookNets);
  const faults = Object.entries(headers).flatMap(([name, value]) => {
    const detail = headerFault(name, value);
    return detail === undefined ? [] : [{ pointer: `/headers/${name}`, detail }];
  });
  if (target !== undefined) faults.unshift({ pointer: "/url", detail: target });
  if (faults.length > 0) throw invalid(faults);
  return {
    content: { events, agent, labels, format, description, enabled },
    secrets: { url, headers },
  };
}

/**
 * What a merge patch makes of a webhook.
 *
 * @throws {AppError} invalid if that is none
 */
export function patchedBody(
  { events, agent, labels, format, description, enabled }: WebhookRecord,
  { url, headers }: WebhookSecrets,
  patch: object,
): CreateWebhook {
  const before = {
    ...{ url, headers, events, labels, format, description, enabled },
    ...(agent !== null && { agent }),
  };
  const result = validate(mergePatch(before, patch));
  if (!result.ok) throw invalid(result.faults);
  return result.value;
}

import { pullRequestMessageOf } from "../../shared/delivery/github-hook.ts";
import { contentOf } from "../events/content.ts";
import type { Services } from "../services/services.ts";
import { refuseForm } from "./hook-event.ts";
import { type HookRequest, isFromSender, verifyNothing } from "./verify-hook.ts";

/** Whether GitHub signed a request with the secret of the App's webhook. */
export async function isFromGithub(
  { repositoryHost }: Pick<Services, "repositoryHost">,
  request: HookRequest,
): Promise<boolean> {
  const secret = await repositoryHost.hookKey();
  if (secret !== undefined) return isFromSender({ scheme: "github" }, [secret], request);
  verifyNothing(request);
  return false;
}

/**
 * Hands on that a pull request is another than it was, or that a comment there is meant for us.
 * What it says is looked up at GitHub: whoever plays a delivery back has that done, and no more.
 *
 * @returns the answer's body
 * @throws {AppError} malformed_json, invalid, unsupported_media_type
 */
export async function takeFromGithub(
  { publisher, repositoryHost }: Pick<Services, "publisher" | "repositoryHost">,
  { headers, body }: HookRequest,
): Promise<object> {
  const contentType = headers["content-type"];
  refuseForm(contentType);
  const event = `${headers["x-github-event"] ?? ""}`;
  const payload = contentOf(body, contentType);
  const message = pullRequestMessageOf(event, payload, repositoryHost.mention);
  if (message === undefined) return { dropped: "there is nothing to be done for it" };
  await publisher.publishRunDelivery(message);
  return { pullRequest: message.pullRequest };
}

import type { WebhookFormat } from "../documents/webhook.ts";
import { preview } from "../text.ts";
import type { ToldEvent } from "./told-event.ts";

/** What is posted of an event. */
export interface Posted {
  contentType: string;
  body: string;
}

/** Characters of a sentence in a message for a chat. */
const SENTENCE = 500;

/**
 * An event as a webhook gets it: a CloudEvent in structured mode, or a message for a chat.
 *
 * @param publicUrl the API's, where the page is, too
 * @see https://github.com/cloudevents/spec/blob/main/cloudevents/bindings/http-protocol-binding.md
 */
export function posted(event: ToldEvent, format: WebhookFormat, publicUrl: string): Posted {
  if (format !== "standard") {
    const text = chatText(event, format, publicUrl);
    return { contentType: "application/json; charset=utf-8", body: JSON.stringify({ text }) };
  }
  const { id, type, source, subject, time, sequence, data } = event;
  const content = {
    specversion: "1.0",
    ...{ id, source, type, subject, time },
    ...(sequence !== undefined && { sequence }),
    datacontenttype: "application/json",
    data,
  };
  return {
    contentType: "application/cloudevents+json; charset=utf-8",
    body: JSON.stringify(content),
  };
}

function chatText({ type, subject, data }: ToldEvent, format: WebhookFormat, publicUrl: string) {
  const plain = (value: unknown) => PLAIN[format](preview(String(value ?? ""), SENTENCE));
  const [, , what = ""] = type.split(".");
  if (!type.startsWith("runyard.run.")) {
    return plain(`Runyard: webhook ${subject}, ${what}. ${data["disabledWhy"] ?? ""}`);
  }
  const { promptPreview, why } = data;
  const link = `${publicUrl}/?run=${subject}`;
  return `*${what}* <${link}|${subject}>: ${plain(promptPreview)}\n${plain(why)}`;
}

/**
 * A prompt is no place from which to call everybody in a room, or to make links.
 *
 * @see https://docs.slack.dev/messaging/formatting-message-text#escaping
 * @see https://developers.google.com/workspace/chat/format-messages
 */
const PLAIN: Record<WebhookFormat, (text: string) => string> = {
  standard: (text) => text,
  slack: (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;"),
  "google-chat": (text) => text.replaceAll("<", "‹").replaceAll(">", "›"),
};

import { EventSourceParserStream } from "eventsource-parser/stream";

/** A message of an event stream, its data parsed. */
export interface Message {
  id?: string | undefined;
  event: string | undefined;
  data: Record<string, unknown> & { event?: { type: string } };
}

/** The messages of an answer, until it ends. Throws if it is cut off. */
export async function* messagesOf(response: Response): AsyncGenerator<Message> {
  if (response.body === null) throw new Error("the answer has no body");
  const texts = response.body.pipeThrough(new TextDecoderStream());
  for await (const { id, event, data } of texts.pipeThrough(new EventSourceParserStream())) {
    yield { ...(id !== undefined && { id }), event, data: JSON.parse(data) };
  }
}

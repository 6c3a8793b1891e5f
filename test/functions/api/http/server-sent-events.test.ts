import { createParser, type EventSourceMessage } from "eventsource-parser";
import {
  HEARTBEAT,
  messageText,
  retryText,
} from "../../../../functions/api/http/server-sent-events.ts";

/** What a client makes of a stream. */
function parsed(text: string) {
  const events: EventSourceMessage[] = [];
  const comments: string[] = [];
  const retries: number[] = [];
  const parser = createParser({
    onEvent: (event) => void events.push(event),
    onComment: (comment) => void comments.push(comment),
    onRetry: (ms) => void retries.push(ms),
    onError: (error) => {
      throw error;
    },
  });
  parser.feed(text);
  return { events, comments, retries };
}

test.each([
  "plain",
  "two\nlines\r\nand a \r alone",
  "id: 7\n\nevent: done\ndata: forged\n\n",
  "\u2028\u2029\u0085\ufeff\u0000",
  "\u{1f469}‍\u{1f4bb}",
  ": a comment",
])("text %j arrives as it was and forges no message", (text) => {
  const written = messageText({ id: "1-000001", event: "text", data: { text } });
  const { events } = parsed(written);
  expect(events).toEqual([{ id: "1-000001", event: "text", data: JSON.stringify({ text }) }]);
  expect(written.match(/^data: /gm)).toHaveLength(1);
});

test("a message without an id leaves the last one standing", () => {
  expect(messageText({ event: "done", data: {} })).toBe("event: done\ndata: {}\n\n");
});

test("heartbeats are comments, and the time to wait is in milliseconds", () => {
  const { events, comments, retries } = parsed(HEARTBEAT + retryText(2) + HEARTBEAT);
  expect(events).toEqual([]);
  expect(comments).toEqual(["heartbeat", "heartbeat"]);
  expect(retries).toEqual([2000]);
});

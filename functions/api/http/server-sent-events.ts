/** One message of an event stream. */
export interface Message {
  /** What `Last-Event-ID` will say after it; absent: as before. */
  id?: string;
  event: string;
  data: unknown;
}

/**
 * A message as it goes over the wire; its data is one line of JSON.
 *
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
export function messageText({ id, event, data }: Message): string {
  const head = id === undefined ? "" : `id: ${id}\n`;
  return `${head}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}

/** Tells the client how long to wait before it connects again. */
export function retryText(seconds: number): string {
  return `retry: ${seconds * 1000}\n\n`;
}

/** A comment, which every client passes over. */
export const HEARTBEAT = ": heartbeat\n\n";

/**
 * The same, before the stream of a server that is being stopped ends: for who reads it with their
 * eyes.
 */
export const STOPPING =
  ": the server is being stopped; the run goes on. Connect again with Last-Event-ID to follow it\n\n";

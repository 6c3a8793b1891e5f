import { sha256 } from "../hash.ts";

/** Where events are kept that a message does not carry, or that a firing points to. */
export const EVENTS_PREFIX = "events/";
/** Days that they are kept, as long as firings. */
export const EVENT_DAYS = 30;
/** Bytes of the largest event that travels in a message, as JSON. */
export const EVENT_MESSAGE_BYTES = 256 * 1024;

/** The object of an event, of which there is one for each content. */
export const eventObject = (json: string): string => `${EVENTS_PREFIX}${sha256(json)}`;

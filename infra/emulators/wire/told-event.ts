/** What happened in a service, as Eventarc tells it. */
export interface ToldEvent {
  /** CloudEvents' attributes, by their names. */
  attributes: Record<string, string>;
  /** The data's media type. */
  contentType: string;
  data: Buffer;
}

/**
 * Is told what happened, once it is stored and before it is acknowledged; a process that dies in
 * between tells nothing. It must not throw.
 */
export type TellEvent = (event: ToldEvent) => void;

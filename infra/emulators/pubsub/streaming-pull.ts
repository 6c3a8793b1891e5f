import type { ServerDuplexStream } from "@grpc/grpc-js";
import { toServiceError } from "../wire/grpc-server.ts";
import { GoogleError } from "../wire/status.ts";
import { attach, detach, dispatch } from "./dispatch.ts";
import { acknowledge, changeDeadlines } from "./operations/messages.ts";
import { checkPullable, findSubscription } from "./operations/subscriptions.ts";
import { receivedMessage } from "./received.ts";
import type { Consumer, Entry, PubsubState, Subscription } from "./state.ts";
import { checkAckDeadline } from "./subscription-rules.ts";
import type { ReceivedMessage } from "./types.ts";

const MAX_RESPONSE_BYTES = 1_000_000;

/** `google.pubsub.v1.StreamingPullRequest`. */
interface StreamingPullRequest {
  subscription?: string;
  ackIds?: string[];
  modifyDeadlineSeconds?: number[];
  modifyDeadlineAckIds?: string[];
  streamAckDeadlineSeconds?: number;
  maxOutstandingMessages?: string;
  maxOutstandingBytes?: string;
  protocolVersion?: string;
}

interface StreamingPullResponse {
  receivedMessages?: ReceivedMessage[];
  subscriptionProperties?: object;
}

type Call = ServerDuplexStream<StreamingPullRequest, StreamingPullResponse>;

/**
 * One open stream.
 *
 * Its first request names the subscription and attaches it; until then `subscription` is absent. It
 * is detached by the client's end or cancellation, by an error, or with its subscription.
 */
interface Stream {
  state: PubsubState;
  call: Call;
  subscription: Subscription | undefined;
  consumer: Consumer | undefined;
  isOver: boolean;
}

/** Serves one StreamingPull call. */
export function streamingPull(state: PubsubState, call: Call): void {
  const stream: Stream = {
    state,
    call,
    subscription: undefined,
    consumer: undefined,
    isOver: false,
  };
  call.on("data", (request: StreamingPullRequest) => {
    if (stream.isOver) return;
    try {
      if (stream.subscription === undefined) openStream(stream, request);
      else continueStream(stream, stream.subscription, request);
    } catch (error) {
      failStream(stream, error);
    }
  });
  call.on("end", () => endStream(stream));
  call.on("cancelled", () => void closeStream(stream));
  call.on("error", () => void closeStream(stream));
}

function openStream(stream: Stream, request: StreamingPullRequest): void {
  const { state } = stream;
  const subscription = findSubscription(state, request.subscription);
  checkPullable(subscription);
  checkAckDeadline(request.streamAckDeadlineSeconds ?? 0);
  stream.subscription = subscription;
  stream.consumer = createConsumer(stream, subscription, request);
  attach(state, subscription, stream.consumer);
  applyAcknowledgements(stream, subscription, request);
}

function continueStream(
  stream: Stream,
  subscription: Subscription,
  request: StreamingPullRequest,
): void {
  for (const field of ["subscription", "maxOutstandingMessages", "maxOutstandingBytes"] as const) {
    if (request[field] !== undefined) {
      // Differs: the wording for what only the first request of a stream may set is ours; Google's
      // is not known.
      const message = `${field} may be set in the first request of a StreamingPull only`;
      throw new GoogleError("INVALID_ARGUMENT", message);
    }
  }
  if (request.streamAckDeadlineSeconds !== undefined && stream.consumer !== undefined) {
    checkAckDeadline(request.streamAckDeadlineSeconds);
    stream.consumer.ackDeadlineMs = request.streamAckDeadlineSeconds * 1000;
  }
  applyAcknowledgements(stream, subscription, request);
  if (Object.keys(request).length === 0) answerKeepAlive(stream, subscription);
}

/** Clients of protocol version 1 take a stream for dead that does not answer an empty request. */
function answerKeepAlive({ call }: Stream, subscription: Subscription): void {
  call.write({ subscriptionProperties: propertiesOf(subscription) });
}

function applyAcknowledgements(
  { state }: Stream,
  { config }: Subscription,
  request: StreamingPullRequest,
): void {
  const { ackIds = [], modifyDeadlineAckIds = [], modifyDeadlineSeconds = [] } = request;
  if (modifyDeadlineAckIds.length !== modifyDeadlineSeconds.length) {
    throw new GoogleError(
      "INVALID_ARGUMENT",
      "Invalid arguments provided: the number of ack ids to modify must be equal to the number of ack deadlines.",
    );
  }
  if (ackIds.length > 0) acknowledge(state, { subscription: config.name, ackIds });
  const changes = modifyDeadlineAckIds.map((ackId, index) => ({
    ackId,
    seconds: modifyDeadlineSeconds[index] ?? 0,
  }));
  if (changes.length > 0) changeDeadlines(state, config.name, changes);
}

function createConsumer(
  stream: Stream,
  subscription: Subscription,
  request: StreamingPullRequest,
): Consumer {
  const { call, state } = stream;
  const mostMessages = limitOf(request.maxOutstandingMessages);
  const mostBytes = limitOf(request.maxOutstandingBytes);
  let given: Entry[] = [];
  let outstandingMessages = 0;
  let outstandingBytes = 0;
  let isWritable = true;
  call.on("drain", () => {
    isWritable = true;
    if (stream.consumer !== undefined) dispatch(state, subscription);
  });
  return {
    ackDeadlineMs: (request.streamAckDeadlineSeconds ?? 0) * 1000,
    laneLimit: Number.POSITIVE_INFINITY,
    hasRoom: () =>
      isWritable &&
      stream.consumer !== undefined &&
      outstandingMessages < mostMessages &&
      outstandingBytes < mostBytes,
    deliver(entry) {
      given.push(entry);
      outstandingMessages++;
      outstandingBytes += entry.sizeBytes;
    },
    flush() {
      for (const batch of batches(given)) {
        const receivedMessages = batch.map((entry) => receivedMessage(state, entry));
        const subscriptionProperties = propertiesOf(subscription);
        isWritable = call.write({ receivedMessages, subscriptionProperties });
      }
      given = [];
    },
    release(entry) {
      outstandingMessages--;
      outstandingBytes -= entry.sizeBytes;
    },
    close: (error) => (error === undefined ? endStream(stream) : failStream(stream, error)),
  };
}

/** Zero, negative or absent: no limit. */
function limitOf(value: string | undefined): number {
  const limit = Number(value ?? 0);
  return limit > 0 ? limit : Number.POSITIVE_INFINITY;
}

/** Cuts what is to be sent into responses of about a megabyte, or one message. */
function* batches(entries: Entry[]): Generator<Entry[]> {
  let batch: Entry[] = [];
  let sizeBytes = 0;
  for (const entry of entries) {
    if (batch.length > 0 && sizeBytes + entry.sizeBytes > MAX_RESPONSE_BYTES) {
      yield batch;
      batch = [];
      sizeBytes = 0;
    }
    batch.push(entry);
    sizeBytes += entry.sizeBytes;
  }
  if (batch.length > 0) yield batch;
}

function propertiesOf({ config }: Subscription): object {
  return {
    exactlyOnceDeliveryEnabled: false,
    messageOrderingEnabled: Boolean(config.enableMessageOrdering),
  };
}

/** Returns whether this was what ended the stream. */
function closeStream(stream: Stream): boolean {
  const { subscription, consumer, isOver } = stream;
  stream.consumer = undefined;
  stream.isOver = true;
  if (subscription !== undefined && consumer !== undefined) detach(subscription, consumer);
  return !isOver;
}

function endStream(stream: Stream): void {
  if (closeStream(stream)) stream.call.end();
}

function failStream(stream: Stream, error: unknown): void {
  if (closeStream(stream)) stream.call.emit("error", toServiceError(error));
}

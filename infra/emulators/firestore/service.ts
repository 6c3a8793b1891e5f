import * as grpc from "@grpc/grpc-js";
import { type MethodTable, type ServerStreamMethod, toServiceError } from "../wire/grpc-server.ts";
import { GoogleError } from "../wire/status.ts";
import { closeListenStream, openListenStream, receiveListenRequest } from "./listen.ts";
import type { ListenResponse } from "./listen-stream.ts";
import { listCollectionIds, listDocuments } from "./listing.ts";
import type { ListenRequest } from "./messages.ts";
import {
  batchGetDocuments,
  batchWrite,
  beginTransaction,
  commit,
  getDocument,
  rollback,
  runAggregationQuery,
  runQuery,
} from "./operations.ts";
import type { FirestoreState } from "./state.ts";

/**
 * Differs: Google slows a listener's stream down; the stand-in ends it when so many messages wait
 * for a client, which then goes on from its resume token.
 */
const MAX_UNREAD_MESSAGES = 100_000;

/** The methods of `google.firestore.v1.Firestore` that the stand-in has. */
export function firestoreMethods(state: FirestoreState): MethodTable {
  return {
    unary: {
      BeginTransaction: (request) => beginTransaction(state, request),
      Rollback: (request) => rollback(state, request),
      Commit: (request) => commit(state, request),
      BatchWrite: (request) => batchWrite(state, request),
      GetDocument: (request) => getDocument(state, request),
      ListDocuments: (request) => listDocuments(state, request),
      ListCollectionIds: (request) => listCollectionIds(state, request),
    },
    serverStream: {
      BatchGetDocuments: streamed((request) => batchGetDocuments(state, request)),
      RunQuery: streamed((request) => runQuery(state, request)),
      RunAggregationQuery: streamed((request) => runAggregationQuery(state, request)),
    },
    bidi: { Listen: (call) => listen(state, call) },
  };
}

/**
 * Sends one reply after the other. All is read before the first is sent, so they are of one
 * instant.
 */
// biome-ignore lint/suspicious/noExplicitAny: each operation gives its own request type
function streamed(operation: (request: any) => Iterable<object>): ServerStreamMethod {
  return async (request, call) => {
    // Without headers before it, Google's Node client takes a refusal for a lost connection and
    // asks twice more, seconds apart.
    call.sendMetadata(new grpc.Metadata());
    for (const reply of operation(request)) {
      if (call.cancelled) return;
      if (!call.write(reply)) await drained(call);
    }
  };
}

/** Resolves when the client has taken what was sent, or is gone. */
function drained(call: grpc.ServerWritableStream<unknown, unknown>): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      call.off("drain", done);
      call.off("cancelled", done);
      resolve();
    };
    call.once("drain", done);
    call.once("cancelled", done);
  });
}

function listen(
  state: FirestoreState,
  call: grpc.ServerDuplexStream<ListenRequest, ListenResponse>,
): void {
  const close = () => closeListenStream(state, stream);
  const fail = (error: unknown) => {
    close();
    call.emit("error", toServiceError(error));
  };
  const stream = openListenStream(state, (response) => {
    // What was being sent as the stream failed has more to say than anybody hears.
    if (call.writableEnded) return;
    call.write(response);
    if (call.writableLength > MAX_UNREAD_MESSAGES) {
      fail(new GoogleError("UNAVAILABLE", "The listener does not read its messages."));
    }
  });
  call.on("data", (request: ListenRequest) => {
    try {
      receiveListenRequest(state, stream, request);
    } catch (error) {
      fail(error);
    }
  });
  call.on("end", () => {
    close();
    call.end();
  });
  call.on("cancelled", close);
  call.on("error", close);
}

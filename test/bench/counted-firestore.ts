import { fileURLToPath } from "node:url";
import type * as grpc from "@grpc/grpc-js";
import { PROTOS } from "../../infra/emulators/firestore/document.ts";
import { readIndexCatalog } from "../../infra/emulators/firestore/index-catalog.ts";
import { firestoreMethods } from "../../infra/emulators/firestore/service.ts";
import { openState } from "../../infra/emulators/firestore/state.ts";
import { systemClock } from "../../infra/emulators/wire/clock.ts";
import { startGrpcServer } from "../../infra/emulators/wire/grpc-server.ts";

/** A Firestore that counts what it would ask money for as it answers. */
export interface CountedFirestore {
  /** `host:port` */
  address: string;
  /** Documents read so far. */
  reads(): number;
}

/**
 * What a reply has of documents that are paid for: a query's, one that was asked for, a listener's.
 */
interface Reply {
  document?: unknown;
  found?: unknown;
  missing?: string;
  documentChange?: unknown;
  targetChange?: { targetChangeType?: string };
}

type Call = Pick<grpc.ServerWritableStream<unknown, unknown>, "write">;

/**
 * A document is a read wherever it is answered; a query that finds nothing is one, and so is a
 * listener's.
 *
 * @see https://cloud.google.com/firestore/pricing
 */
export async function startCountedFirestore(
  cleanup: AsyncDisposableStack,
  directory: string,
): Promise<CountedFirestore> {
  let reads = 0;
  const indexesFile = fileURLToPath(new URL("../../firestore.indexes.json", import.meta.url));
  const state = openState(directory, readIndexCatalog(indexesFile), systemClock);
  cleanup.defer(() => state.store.database.close());
  /** Counts the replies of a call. @returns what adds one if there was no document among them */
  const counted = (call: Call): (() => void) => {
    const write = call.write.bind(call) as (reply: unknown) => boolean;
    let found = 0;
    const atLeastOne = () => {
      if (found === 0) reads += 1;
      found = 0;
    };
    call.write = (reply: Reply) => {
      const isRead = reply.document ?? reply.found ?? reply.missing ?? reply.documentChange;
      if (isRead !== undefined) {
        found += 1;
        reads += 1;
      } else if (reply.targetChange?.targetChangeType === "CURRENT") atLeastOne();
      return write(reply);
    };
    return atLeastOne;
  };
  const { unary = {}, serverStream = {}, bidi = {} } = firestoreMethods(state);
  const mapped = <T>(table: Record<string, T>, change: (method: T) => T): Record<string, T> =>
    Object.fromEntries(Object.entries(table).map(([name, method]) => [name, change(method)]));
  const methods = {
    unary,
    serverStream: mapped(serverStream, (method) => async (request, call) => {
      const atLeastOne = counted(call);
      await method(request, call);
      atLeastOne();
    }),
    bidi: mapped(bidi, (method) => (call) => {
      counted(call);
      method(call);
    }),
  };
  const services = [{ name: "google.firestore.v1.Firestore", methods }];
  const server = await startGrpcServer(PROTOS, services, {});
  cleanup.defer(() => server.close());
  return { address: server.address, reads: () => reads };
}

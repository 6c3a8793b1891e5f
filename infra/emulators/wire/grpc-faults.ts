import * as grpc from "@grpc/grpc-js";
import { type FaultyCall, goWrong, happensFirst } from "./fault-call.ts";
import type { ArmedFault, InjectedFaults } from "./faults.ts";
import {
  type BidiMethod,
  type MethodTable,
  type ServedService,
  type ServerStreamMethod,
  toServiceError,
  type UnaryMethod,
} from "./grpc-server.ts";

/**
 * The services with faults in front of those methods that have any; every other method, and without
 * `faults` everything, is the very same object as before.
 *
 * @throws {Error} for a fault that cannot fire
 */
export function withFaults(
  services: ServedService[],
  faults: InjectedFaults | undefined,
): ServedService[] {
  if (faults === undefined) return services;
  const woven = services.map((service) => ({
    ...service,
    methods: weave(service.name, service.methods, faults),
  }));
  for (const { name } of services) faults.assertArmed(`${name}/`);
  return woven;
}

function weave(service: string, methods: MethodTable, faults: InjectedFaults): MethodTable {
  const { unary = {}, serverStream = {}, bidi = {} } = methods;
  const armed = (name: string, kind: "unary" | "serverStream" | "bidi") =>
    faults.arm(`${service}/${name}`, kind);
  return {
    unary: mapped(unary, (method, name) => armed(name, "unary").reduceRight(faultyUnary, method)),
    serverStream: mapped(serverStream, (method, name) =>
      armed(name, "serverStream").reduceRight(faultyServerStream, method),
    ),
    bidi: mapped(bidi, (method, name) => armed(name, "bidi").reduceRight(faultyBidi, method)),
  };
}

function mapped<T>(table: Record<string, T>, change: (value: T, name: string) => T) {
  const entries = Object.entries(table).map(([name, value]) => [name, change(value, name)]);
  return Object.fromEntries(entries) as Record<string, T>;
}

function faultyUnary(method: UnaryMethod, fault: ArmedFault): UnaryMethod {
  return (request, call) => {
    if (!fault.decide(request)) return method(request, call);
    return goWrong(
      fault,
      onWire(call, () => method(request, call)),
    );
  };
}

function faultyServerStream(method: ServerStreamMethod, fault: ArmedFault): ServerStreamMethod {
  return (request, call) => {
    if (!fault.decide(request)) return method(request, call);
    // Google's Node clients take a refusal without headers before it for a lost connection.
    if (fault.action.type === "failBefore") call.sendMetadata(new grpc.Metadata());
    return goWrong(
      fault,
      onWire(call, () => method(request, call)),
    );
  };
}

/** "After" is when the first reply has been written. */
function faultyBidi(method: BidiMethod, fault: ArmedFault): BidiMethod {
  return (call) => {
    if (!fault.decide(undefined)) {
      method(call);
      return;
    }
    const run = () => runUntilFirstReply(method, call, fault);
    goWrong<void>(fault, onWire(call, run)).catch(
      (error: unknown) => void call.emit("error", toServiceError(error)),
    );
  };
}

function runUntilFirstReply(
  method: BidiMethod,
  call: Parameters<BidiMethod>[0],
  { action }: ArmedFault,
): Promise<void> {
  const replied = Promise.withResolvers<void>();
  const write = call.write.bind(call);
  if (happensFirst(action)) {
    call.write = ((...reply: Parameters<typeof write>) => {
      const isWritable = write(...reply);
      // Not before the reply is on its way.
      setImmediate(replied.resolve);
      return isWritable;
    }) as typeof call.write;
  } else {
    replied.resolve();
  }
  method(call);
  return replied.promise;
}

type ServerCall = Pick<grpc.ServerUnaryCall<unknown, unknown>, "getPath">;

function onWire<T>(call: ServerCall, run: () => T | Promise<T>): FaultyCall<T> {
  const never = () => new Promise<never>(() => {});
  return {
    run,
    cut() {
      connectionOf(call).destroy();
      return never();
    },
    lose: never,
  };
}

/** grpc-js shows a call's connection to nobody; this is where 1.14 keeps it. */
function connectionOf(call: ServerCall): { destroy(): void } {
  interface InnerCall {
    /** That of an interceptor stands around the call itself. */
    nextCall?: InnerCall;
    stream?: { session?: { destroy(): void } };
  }
  let inner = (call as { call?: InnerCall }).call;
  while (inner?.nextCall !== undefined) inner = inner.nextCall;
  const connection = inner?.stream?.session;
  if (connection === undefined) throw new Error(`no connection found of ${call.getPath()}`);
  return connection;
}

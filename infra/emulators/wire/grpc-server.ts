import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import * as grpc from "@grpc/grpc-js";
import * as protoLoader from "@grpc/proto-loader";
import { CallerPorts, type Callers } from "./callers.ts";
import { asDiskFull, tellDiskFull } from "./disk.ts";
import { askingCallers } from "./grpc-callers.ts";
import { isOwnAuthority } from "./loopback.ts";
import { GoogleError } from "./status.ts";

/**
 * A unary method: the decoded request in, the reply's plain object out. Throws {@link GoogleError}.
 */
export type UnaryMethod = (
  // biome-ignore lint/suspicious/noExplicitAny: each service gives its own request type
  request: any,
  call: grpc.ServerUnaryCall<unknown, unknown>,
) => object | Promise<object>;

/** A server-streaming method: writes replies, then returns. Throws {@link GoogleError}. */
export type ServerStreamMethod = (
  // biome-ignore lint/suspicious/noExplicitAny: each service gives its own request type
  request: any,
  call: grpc.ServerWritableStream<unknown, unknown>,
) => void | Promise<void>;

/**
 * A bidirectional method: attaches its listeners and returns. It ends the call itself; to end it
 * with an error, `call.emit("error", toServiceError(error))`.
 */
// biome-ignore lint/suspicious/noExplicitAny: each service gives its own message types
export type BidiMethod = (call: grpc.ServerDuplexStream<any, any>) => void;

/** What a service implements, by the RPC's name in the proto (`CreateBuild`). */
export interface MethodTable {
  unary?: Record<string, UnaryMethod>;
  serverStream?: Record<string, ServerStreamMethod>;
  bidi?: Record<string, BidiMethod>;
}

/** One service of a server: its full proto name (`google.pubsub.v1.Publisher`) and its methods. */
export interface ServedService {
  name: string;
  methods: MethodTable;
  /**
   * Longer requests are refused, as Google's front end refuses them. Default: no limit below 64
   * MiB.
   */
  mostRequestBytes?: number;
}

/** A gRPC server that accepts calls. */
export interface RunningGrpcServer {
  /** `127.0.0.1:PORT` */
  address: string;
  port: number;
  /** The address that an account calls; the owner's is {@link RunningGrpcServer.address}. */
  addressOf(account: string): string;
  /** Ends open calls and frees the ports. */
  close(): Promise<void>;
}

const LOAD_OPTIONS: protoLoader.Options = {
  longs: String,
  enums: String,
  bytes: Buffer,
  defaults: false,
  oneofs: true,
};

/**
 * Loads a proto definition that ships inside one of Google's clients, as plain JSON.
 *
 * Decoded messages have camelCase keys, int64 as strings, enums as names, bytes as Buffers; unset
 * fields are absent, and each set `oneof` adds a key with the name of the field that is set.
 *
 * @param moduleName e.g. `@google-cloud/firestore/build/protos/v1.json`
 */
export function loadProtos(moduleName: string): protoLoader.PackageDefinition {
  const require = createRequire(import.meta.url);
  const [scope, name, ...path] = moduleName.split("/");
  // Through the package's folder: Firestore's `exports` hides its definition from a plain require.
  const folder = dirname(require.resolve(`${scope}/${name}/package.json`));
  return protoLoader.fromJSON(require(join(folder, ...path)), LOAD_OPTIONS);
}

/**
 * The longest text of an error, in characters. It travels in a header, percent-encoded, so that
 * each may become nine bytes; clients break the connection at 64 KiB of headers.
 */
const MOST_DETAILS = 4000;

/** An error may quote what the client sent, however long that was. */
function shortened(text: string): string {
  return text.length <= MOST_DETAILS ? text : `${text.slice(0, MOST_DETAILS).toWellFormed()}…`;
}

/** The gRPC form of what a method threw. Anything but a {@link GoogleError} is a bug: INTERNAL. */
export function toServiceError(thrown: unknown): Partial<grpc.StatusObject> & Error {
  const error = asDiskFull(thrown) ?? thrown;
  tellDiskFull(error);
  if (error instanceof GoogleError) {
    const details = shortened(error.message);
    return Object.assign(new Error(details), { code: error.grpcCode as grpc.status, details });
  }
  const details = shortened(
    error instanceof Error ? (error.stack ?? error.message) : String(error),
  );
  process.stderr.write(`stand-in: internal error: ${details}\n`);
  return Object.assign(new Error(details), { code: grpc.status.INTERNAL, details });
}

/** Where a server listens, and for whom. */
export interface Listening {
  /** Default 0: any free port. */
  port?: number | undefined;
  /** Host names that it may be called by beside those of loopback, in lower case. */
  hosts?: readonly string[] | undefined;
  /** Who gets an address of its own, and what it may. Default: there is the owner alone. */
  callers?: Callers | undefined;
}

/** Serves `services` on loopback. */
export async function startGrpcServer(
  definition: protoLoader.PackageDefinition,
  services: ServedService[],
  { port = 0, hosts, callers }: Listening = {},
): Promise<RunningGrpcServer> {
  const ports = new CallerPorts();
  const server = new grpc.Server({
    interceptors: [
      (_method, call) =>
        isOwnAuthority(call.getHost(), hosts)
          ? new grpc.ServerInterceptingCall(call)
          : refusing(call),
      ...(callers ? [askingCallers(callers, ports)] : []),
    ],
    "grpc.max_receive_message_length": 64 * 1024 * 1024,
    "grpc.max_send_message_length": 64 * 1024 * 1024,
  });
  for (const { name, methods, mostRequestBytes } of services) {
    const service = definition[name] as protoLoader.ServiceDefinition;
    server.addService(limited(service, mostRequestBytes), implementationOf(service, methods));
  }
  const bound = await bind(server, port);
  for (const account of callers?.accounts ?? []) ports.add(account, await bind(server, 0));
  return {
    address: `127.0.0.1:${bound}`,
    port: bound,
    addressOf: (account) => `127.0.0.1:${ports.portOf(account)}`,
    close: async () => server.forceShutdown(),
  };
}

const bind = (server: grpc.Server, port: number): Promise<number> =>
  new Promise((resolve, reject) => {
    const credentials = grpc.ServerCredentials.createInsecure();
    server.bindAsync(`127.0.0.1:${port}`, credentials, (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });

/** The call of somebody who asks for another host. */
function refusing(call: grpc.ServerInterceptingCallInterface): grpc.ServerInterceptingCall {
  const details = `Host ${shortened(call.getHost() ?? "")} is not served here.`;
  return new grpc.ServerInterceptingCall(call, {
    start: (next) =>
      next({
        onReceiveMetadata: () => call.sendStatus({ code: grpc.status.PERMISSION_DENIED, details }),
      }),
  });
}

/** Stands for a request that is too long to be decoded. */
class TooLong {
  readonly mostBytes: number;
  constructor(mostBytes: number) {
    this.mostBytes = mostBytes;
  }
}

/** The service with a limit to each request that comes alone. */
function limited(
  service: protoLoader.ServiceDefinition,
  mostBytes = Number.POSITIVE_INFINITY,
): protoLoader.ServiceDefinition {
  const limit = (rpc: protoLoader.MethodDefinition<object, object>) => ({
    ...rpc,
    requestDeserialize: (bytes: Buffer) =>
      bytes.length > mostBytes ? new TooLong(mostBytes) : rpc.requestDeserialize(bytes),
  });
  const rpcs = Object.entries(service).map(([name, rpc]) => {
    return [name, rpc.requestStream ? rpc : limit(rpc)];
  });
  return mostBytes === Number.POSITIVE_INFINITY ? service : Object.fromEntries(rpcs);
}

function requestOf({ request }: { request: unknown }): unknown {
  if (!(request instanceof TooLong)) return request;
  throw new GoogleError(
    "INVALID_ARGUMENT",
    `Request payload size exceeds the limit: ${request.mostBytes} bytes.`,
  );
}

/** Every RPC of the service: the table's method, or UNIMPLEMENTED with the method's name. */
function implementationOf(
  service: protoLoader.ServiceDefinition,
  methods: MethodTable,
): grpc.UntypedServiceImplementation {
  const implementation: grpc.UntypedServiceImplementation = {};
  for (const [name, rpc] of Object.entries(service)) {
    const unary = methods.unary?.[name];
    const serverStream = methods.serverStream?.[name];
    const bidi = methods.bidi?.[name];
    implementation[name] =
      (unary && unaryHandler(unary)) ??
      (serverStream && serverStreamHandler(serverStream)) ??
      bidi ??
      unimplementedHandler(rpc);
  }
  return implementation;
}

function unaryHandler(method: UnaryMethod): grpc.handleUnaryCall<unknown, unknown> {
  return (call, callback) => {
    Promise.try(() => method(requestOf(call), call)).then(
      (reply) => callback(null, reply),
      (error: unknown) => callback(toServiceError(error)),
    );
  };
}

function serverStreamHandler(
  method: ServerStreamMethod,
): grpc.handleServerStreamingCall<unknown, unknown> {
  return (call) => {
    Promise.try(() => method(requestOf(call), call)).then(
      () => call.end(),
      (error: unknown) => call.emit("error", toServiceError(error)),
    );
  };
}

function unimplementedHandler(
  rpc: protoLoader.MethodDefinition<object, object>,
): grpc.UntypedHandleCall {
  const refusal = toServiceError(
    new GoogleError("UNIMPLEMENTED", `the stand-in does not implement ${rpc.path.slice(1)}`),
  );
  if (rpc.requestStream || rpc.responseStream) {
    return (call: grpc.ServerDuplexStream<unknown, unknown>) => void call.emit("error", refusal);
  }
  return ((_call, callback) => callback(refusal)) as grpc.handleUnaryCall<unknown, unknown>;
}

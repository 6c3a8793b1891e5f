import { mkdtempSync, rmSync } from "node:fs";
import {
  type AddressInfo,
  createConnection,
  createServer,
  type Server,
  type Socket,
} from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { type Instance, startInstance } from "./instance.ts";

/** A function as the host runs it. */
interface HostedFunction {
  /** Name that it is registered under. */
  target: string;
  /** Port of its front; 0 takes any free one. */
  port: number;
  /** Take any other port if that one cannot be had. Default: fail. */
  orAny?: boolean;
  /** Leave it to the first request, even when all are to be warm. Default: do not. */
  lazy?: boolean;
}

export interface FunctionsHostOptions {
  /** Takes functions-framework's options. Default: its own program. */
  program?: string | undefined;
  /**
   * Module that registers the functions with functions-framework, or an empty one where the program
   * has them.
   */
  source: string;
  /** Serves what FUNCTION_TARGET names on the socket PORT. Default: this Node, with the program. */
  entrypoint?: readonly string[] | undefined;
  functions: HostedFunction[];
  /**
   * Environment of a function, which may name where the functions are. Asked for when it is
   * started: until it is there requests wait.
   */
  env(target: string, urlOf: (target: string) => string): Promise<Record<string, string>>;
  /** Receives every line that a function prints. */
  onLog?(target: string, line: string): void;
}

/** Functions that accept requests. */
export interface FunctionsHost {
  /** `http://127.0.0.1:PORT` of a function's front. */
  urlOf(target: string): string;
  /**
   * Starts every function that is not running and not `lazy`, so that the next request finds it
   * warm.
   */
  warm(): Promise<void>;
  /** The process that serves the function now, for tests that end it. */
  pidOf(target: string): number | undefined;
  /** Finishes requests in hand, then stops every function. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** How long functions may finish what is in hand before they are killed; Cloud Run gives 10 s. */
const STOP_TIMEOUT_MS = 10_000;

/**
 * Runs functions as Cloud Run does: each in a process of its own under functions-framework, started
 * when a request needs it, behind a front that holds the request until then, and started again
 * after a crash. Differs: one instance a function, which takes any number of requests at once.
 *
 * @throws {Error} EADDRINUSE if a port is taken and its front takes no other.
 */
export async function startFunctionsHost(options: FunctionsHostOptions): Promise<FunctionsHost> {
  // Unix sockets have short names: the state directory may be too deep for them.
  const sockets = mkdtempSync(join(tmpdir(), "functions-"));
  const fronts = new Map<string, Server>();
  const urlOf = (target: string) => urlOfFront(fronts, target);
  const hosted = new Map(
    options.functions.map(({ target }) => [
      target,
      hostedFunction({ target, sockets, urlOf, ...options }),
    ]),
  );
  let closing: Promise<void> | undefined;
  const stopAll = async () => {
    for (const front of fronts.values()) front.close();
    await Promise.all([...hosted.values()].map((f) => f.stop()));
    rmSync(sockets, { recursive: true, force: true });
  };
  const close = () => {
    closing ??= stopAll();
    return closing;
  };
  try {
    for (const { target, port, orAny = false } of options.functions) {
      const front = frontOf(hosted.get(target) as Hosted);
      await listen(front, port).catch((error: unknown) => {
        if (!orAny) throw error;
        return listen(front, 0);
      });
      fronts.set(target, front);
    }
  } catch (error) {
    await close();
    throw error;
  }
  return {
    urlOf,
    async warm() {
      const warmed = options.functions.filter(({ lazy = false }) => !lazy);
      await Promise.all(warmed.map(({ target }) => hosted.get(target)?.instance()));
    },
    pidOf: (target) => hosted.get(target)?.pid(),
    close,
    [Symbol.asyncDispose]: close,
  };
}

function urlOfFront(fronts: Map<string, Server>, target: string): string {
  const address = fronts.get(target)?.address() as AddressInfo | null | undefined;
  if (!address) throw new Error(`no function ${target} is hosted here`);
  return `http://127.0.0.1:${address.port}`;
}

interface Hosted {
  /** The process that takes new connections, started if there is none. */
  instance(): Promise<Instance>;
  /** Lets this process finish what it has; the next connection goes to another. */
  retire(instance: Instance): void;
  pid(): number | undefined;
  stop(): Promise<void>;
}

function hostedFunction(
  options: FunctionsHostOptions & { target: string; sockets: string; urlOf(name: string): string },
): Hosted {
  const { target, sockets, urlOf, program, source, entrypoint, env } = options;
  const { onLog = () => {} } = options;
  const alive = new Set<Instance>();
  let current: Promise<Instance> | undefined;
  let taking: Instance | undefined;
  let starts = 0;
  let stopped = false;

  const retire = (instance: Instance) => {
    if (taking !== instance) return;
    taking = undefined;
    current = undefined;
  };

  async function start(): Promise<Instance> {
    starts += 1;
    const socketPath = join(sockets, `${target}-${starts}.sock`);
    const started = await startInstance({
      target,
      program,
      source,
      entrypoint,
      socketPath,
      env: await env(target, urlOf),
      onLog: (line) => onLog(target, line),
    });
    alive.add(started);
    taking = started;
    void started.exited.then(() => {
      alive.delete(started);
      retire(started);
    });
    return started;
  }

  return {
    instance() {
      if (stopped) return Promise.reject(new Error(`the function ${target} is being stopped`));
      current ??= start().catch((error: unknown) => {
        current = undefined;
        throw error;
      });
      return current;
    },
    retire,
    pid: () => taking?.process.pid,
    async stop() {
      stopped = true;
      await current?.catch(() => undefined);
      await Promise.all([...alive].map(stopInstance));
    },
  };
}

async function stopInstance({ process, exited }: Instance): Promise<void> {
  process.kill("SIGTERM");
  const timer = setTimeout(() => process.kill("SIGKILL"), STOP_TIMEOUT_MS);
  await exited;
  clearTimeout(timer);
}

/** How often a connection looks for a process that takes it. */
const CONNECT_ATTEMPTS = 3;
/** A process whose queue of connections is full takes them in its turn, */
const FULL = "EAGAIN";
/** … and is asked again after so long. */
const FULL_PAUSE_MS = 20;

/**
 * Hands each connection to the function's process, byte for byte, once that is there. Bytes rather
 * than requests: what is malformed or oversized is for the function's own server to answer.
 */
function frontOf(hosted: Hosted): Server {
  const front = createServer({ allowHalfOpen: true }, (client) => {
    client.on("error", () => client.destroy());
    connectOnward(hosted).then(
      (onward) => joinBoth(client, onward),
      (error: Error) => unavailable(client, error),
    );
  });
  // More than the function's own server takes, which chooses whom it lets go.
  front.maxConnections = 4608;
  return front;
}

/** A process that is ending takes no more connections: the next one does. */
async function connectOnward(hosted: Hosted): Promise<Socket> {
  for (let attempt = 1; ; attempt += 1) {
    const instance = await hosted.instance();
    try {
      return await connectInTurn(instance.socketPath);
    } catch (error) {
      hosted.retire(instance);
      if (attempt === CONNECT_ATTEMPTS) throw error;
    }
  }
}

async function connectInTurn(path: string): Promise<Socket> {
  for (;;) {
    try {
      return await connectTo(path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== FULL) throw error;
      await wait(FULL_PAUSE_MS);
    }
  }
}

function connectTo(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ path, allowHalfOpen: true });
    socket.once("error", reject);
    socket.once("connect", () => {
      socket.off("error", reject);
      resolve(socket);
    });
  });
}

function joinBoth(client: Socket, onward: Socket): void {
  onward.on("error", () => client.destroy());
  onward.on("close", () => client.destroySoon());
  client.on("close", () => onward.destroy());
  client.pipe(onward).pipe(client);
}

function unavailable(client: Socket, error: Error): void {
  const body = `Service Unavailable: ${error.message}\n`;
  const head = [
    "HTTP/1.1 503 Service Unavailable",
    "content-type: text/plain",
    "connection: close",
  ];
  client.end(`${head.join("\r\n")}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => {
      server.off("error", reject);
      resolve();
    });
  });
}

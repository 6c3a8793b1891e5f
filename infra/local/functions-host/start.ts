import { mkdtempSync, rmSync } from "node:fs";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Instance, startInstance } from "./instance.ts";

/** A function as the host runs it. */
export interface HostedFunction {
  /** Name that it is registered under. */
  target: string;
  /** Port of its front; 0 takes any free one. */
  port: number;
}

export interface FunctionsHostOptions {
  /** Module that registers the functions with functions-framework. */
  source: string;
  functions: HostedFunction[];
  /** Environment of every function, which may name where the functions are. */
  env(urlOf: (target: string) => string): Record<string, string>;
  /** Receives every line that a function prints. */
  onLog?(target: string, line: string): void;
}

/** Functions that accept requests. */
export interface FunctionsHost {
  /** `http://127.0.0.1:PORT` of a function's front. */
  urlOf(target: string): string;
  /** Starts every function that is not running, so that the next request finds it warm. */
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
 * Runs functions as Cloud Run does: each in a process of its own under functions-framework, started when
 * a request needs it, behind a front that holds the request until then, and started again after a crash.
 * Differs: one instance a function, which takes any number of requests at once.
 *
 * @throws {Error} EADDRINUSE if a front's port is taken.
 */
export async function startFunctionsHost(options: FunctionsHostOptions): Promise<FunctionsHost> {
  // Unix sockets have short names: the state directory may be too deep for them.
  const sockets = mkdtempSync(join(tmpdir(), "functions-"));
  const fronts = new Map<string, http.Server>();
  const urlOf = (target: string) => urlOfFront(fronts, target);
  const hosted = new Map(
    options.functions.map(({ target }) => [
      target,
      hostedFunction({ target, sockets, urlOf, ...options }),
    ]),
  );
  const close = async () => {
    for (const front of fronts.values()) front.close();
    await Promise.all([...hosted.values()].map((f) => f.stop()));
    for (const front of fronts.values()) front.closeAllConnections();
    rmSync(sockets, { recursive: true, force: true });
  };
  try {
    for (const { target, port } of options.functions) {
      const front = frontOf(hosted.get(target) as Hosted);
      await listen(front, port);
      fronts.set(target, front);
    }
  } catch (error) {
    await close();
    throw error;
  }
  return {
    urlOf,
    warm: async () => void (await Promise.all([...hosted.values()].map((f) => f.instance()))),
    pidOf: (target) => hosted.get(target)?.pid(),
    close,
    [Symbol.asyncDispose]: close,
  };
}

function urlOfFront(fronts: Map<string, http.Server>, target: string): string {
  const address = fronts.get(target)?.address() as AddressInfo | null | undefined;
  if (!address) throw new Error(`no function ${target} is hosted here`);
  return `http://127.0.0.1:${address.port}`;
}

interface Hosted {
  instance(): Promise<Instance>;
  pid(): number | undefined;
  stop(): Promise<void>;
}

function hostedFunction(
  options: FunctionsHostOptions & { target: string; sockets: string; urlOf(name: string): string },
): Hosted {
  const { target, sockets, urlOf, source, env, onLog = () => {} } = options;
  let starting: Promise<Instance> | undefined;
  let running: Instance | undefined;
  let starts = 0;
  let stopped = false;

  async function start(): Promise<Instance> {
    starts += 1;
    const socketPath = join(sockets, `${target}-${starts}.sock`);
    const started = await startInstance({
      target,
      source,
      socketPath,
      env: env(urlOf),
      onLog: (line) => onLog(target, line),
    });
    running = started;
    void started.exited.then(() => {
      starting = undefined;
      running = undefined;
    });
    return started;
  }

  return {
    instance() {
      if (stopped) return Promise.reject(new Error(`the function ${target} is being stopped`));
      starting ??= start().catch((error: unknown) => {
        starting = undefined;
        throw error;
      });
      return starting;
    },
    pid: () => running?.process.pid,
    async stop() {
      stopped = true;
      const last = await starting?.catch(() => undefined);
      if (last === undefined) return;
      last.process.kill("SIGTERM");
      const timer = setTimeout(() => last.process.kill("SIGKILL"), STOP_TIMEOUT_MS);
      await last.exited;
      clearTimeout(timer);
    },
  };
}

/** Hands each request to the function's process, byte for byte, and its answer back. */
function frontOf(hosted: Hosted): http.Server {
  const agent = new http.Agent({ keepAlive: true });
  const server = http.createServer((request, response) => {
    hosted.instance().then(
      ({ socketPath }) => forward({ request, response, socketPath, agent }),
      (error: Error) => unavailable(response, error),
    );
  });
  server.on("close", () => agent.destroy());
  return server;
}

function forward(exchange: {
  request: http.IncomingMessage;
  response: http.ServerResponse;
  socketPath: string;
  agent: http.Agent;
}): void {
  const { request, response, socketPath, agent } = exchange;
  const { method, url, headers } = request;
  const onward = http.request({ socketPath, agent, method, path: url, headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
    answer.on("error", () => response.destroy());
  });
  onward.on("error", (error) => unavailable(response, error));
  response.on("close", () => onward.destroy());
  request.pipe(onward);
}

function unavailable(response: http.ServerResponse, error: Error): void {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  response.writeHead(503, { "content-type": "text/plain", "retry-after": "1" });
  response.end(`Service Unavailable: ${error.message}\n`);
}

function listen(server: http.Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => {
      server.off("error", reject);
      resolve();
    });
  });
}

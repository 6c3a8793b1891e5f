import { createConnection, createServer, type Server, type Socket } from "node:net";

/** What a network does to connections. */
export const WEATHERS = ["delay", "reset", "half-open", "swallow"] as const;
export type Weather = (typeof WEATHERS)[number];

/** Stands between those who call a service and the service. */
export interface Network {
  port: number;
  /**
   * Begins a weather, until {@link clear}.
   *
   * - delay: each piece of an answer waits for so long;
   * - reset: every connection is broken off, and each new one at its first answer;
   * - half-open: nothing passes in either direction, and nobody is told;
   * - swallow: requests pass, their answers do not.
   *
   * @param onMet is called for each piece that something happens to
   */
  begin(weather: Weather, delayMs: number, onMet: () => void): void;
  isFair(): boolean;
  /** Fair weather. Connections that have lost anything are broken off. */
  clear(): void;
  close(): Promise<void>;
}

/** A connection in both its halves. */
interface Link {
  client: Socket;
  service: Socket;
  /** Whether something was held back that will never come. */
  isBroken: boolean;
}

interface Sky {
  weather: Weather | undefined;
  delayMs: number;
  onMet: () => void;
}

const FAIR: Sky = { weather: undefined, delayMs: 0, onMet: () => {} };

/** Listens on `port` of loopback and passes on to `servicePort`, which need not be there yet. */
export async function startNetwork(port: number, servicePort: number): Promise<Network> {
  let sky = FAIR;
  const links = new Set<Link>();
  const server = createServer({ allowHalfOpen: true }, (client) => {
    const service = createConnection({ port: servicePort, host: "127.0.0.1", allowHalfOpen: true });
    const link = { client, service, isBroken: false };
    links.add(link);
    join(link, () => sky, links);
  });
  await listen(server, port);
  return {
    port,
    begin(weather, delayMs, onMet) {
      sky = { weather, delayMs, onMet };
      if (weather !== "reset") return;
      for (const link of links) {
        onMet();
        breakOff(link);
      }
    },
    isFair: () => sky === FAIR,
    clear() {
      sky = FAIR;
      for (const link of links) if (link.isBroken) breakOff(link);
    },
    async close() {
      for (const link of links) breakOff(link);
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function breakOff({ client, service }: Link): void {
  for (const socket of [client, service]) {
    // Node never lets go of one that is reset while it is being ended.
    if (socket.writableEnded) socket.destroy();
    else socket.resetAndDestroy();
  }
}

function join(link: Link, skyOf: () => Sky, links: Set<Link>): void {
  const { client, service } = link;
  const late = lateTo(client);
  pass(client, service, (piece) => {
    const { weather, onMet } = skyOf();
    if (weather !== "half-open" || piece === undefined) return write(service, piece);
    link.isBroken = true;
    onMet();
    return true;
  });
  pass(service, client, (piece) => {
    const { weather, delayMs, onMet } = skyOf();
    if (weather === undefined || piece === undefined) return late.write(piece);
    onMet();
    if (weather === "delay") late.write(piece, delayMs);
    else if (weather === "reset") breakOff(link);
    else link.isBroken = true;
    return true;
  });
  for (const [end, other] of [
    [client, service],
    [service, client],
  ] as const) {
    end.on("error", () => other.destroy());
    end.once("close", () => {
      other.destroySoon();
      links.delete(link);
    });
  }
}

/** A piece, or the end. */
type Piece = Buffer | undefined;

function write(to: Socket, piece: Piece): boolean {
  if (piece !== undefined) return to.write(piece);
  to.end();
  return true;
}

/** Hands pieces on in their order, each after its delay. */
function lateTo(to: Socket) {
  const waiting: { piece: Piece; dueAt: number }[] = [];
  const hand = () => {
    for (let [first] = waiting; first && first.dueAt <= performance.now(); [first] = waiting) {
      waiting.shift();
      write(to, first.piece);
    }
    const [next] = waiting;
    if (next !== undefined) setTimeout(hand, Math.ceil(next.dueAt - performance.now()));
  };
  return {
    write(piece: Piece, delayMs = 0): boolean {
      if (delayMs === 0 && waiting.length === 0) return write(to, piece);
      waiting.push({ piece, dueAt: performance.now() + delayMs });
      if (waiting.length === 1) setTimeout(hand, delayMs);
      return true;
    },
  };
}

/** Reads as fast as what is read can be handed on. */
function pass(from: Socket, to: Socket, hand: (piece: Piece) => boolean): void {
  from.on("data", (piece: Buffer) => {
    if (!hand(piece)) from.pause();
  });
  to.on("drain", () => from.resume());
  from.on("end", () => hand(undefined));
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => resolve());
  });
}

import { createHash } from "node:crypto";
import { deflateSync, inflateSync } from "node:zlib";

const KINDS = { commit: 1, tree: 2, blob: 3, tag: 4 } as const;
type Kind = keyof typeof KINDS;

/** An object of git. */
export interface GitObject {
  kind: Kind;
  content: Buffer;
}

/** Objects by their ids, SHA-1 in hex. */
export type GitObjects = Map<string, GitObject>;

export function idOf({ kind, content }: GitObject): string {
  return createHash("sha1").update(`${kind} ${content.length}\0`).update(content).digest("hex");
}

/** A pack that has the objects, each as it is. @see https://git-scm.com/docs/gitformat-pack */
export function packOf(objects: readonly GitObject[]): Buffer {
  const head = Buffer.alloc(12);
  head.write("PACK");
  head.writeUInt32BE(2, 4);
  head.writeUInt32BE(objects.length, 8);
  const pieces = objects.flatMap(({ kind, content }) => [
    headOf(KINDS[kind], content.length),
    deflateSync(content),
  ]);
  const pack = Buffer.concat([head, ...pieces]);
  return Buffer.concat([pack, createHash("sha1").update(pack).digest()]);
}

/** Kind and size: four bits of the size, and seven in each further byte. */
function headOf(kind: number, size: number): Buffer {
  const bytes = [(kind << 4) | (size & 15)];
  for (let rest = Math.floor(size / 16); rest > 0; rest = Math.floor(rest / 128)) {
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) | 128;
    bytes.push(rest & 127);
  }
  return Buffer.from(bytes);
}

const [OFS_DELTA, REF_DELTA] = [6, 7];
/** Of a pack: to read so many takes seconds. */
const MOST_OBJECTS = 200_000;

/**
 * The objects of a pack that needs none beside it. Their ids are made of what they are, whatever
 * anybody says.
 *
 * @param mostBytes of their contents, together
 * @throws {RangeError} if they have more; SyntaxError if it is no such pack
 */
export function objectsIn(pack: Buffer, mostBytes: number): GitObjects {
  const end = pack.length - 20;
  const isPack = end >= 12 && pack.toString("latin1", 0, 4) === "PACK";
  if (
    !isPack ||
    !createHash("sha1").update(pack.subarray(0, end)).digest().equals(pack.subarray(end))
  ) {
    throw new SyntaxError("no whole pack");
  }
  const objects: GitObjects = new Map();
  const late: { base: string; delta: Buffer }[] = [];
  const count = pack.readUInt32BE(8);
  if (count > MOST_OBJECTS) throw new RangeError("more than there is room for");
  let [at, room] = [12, mostBytes];
  for (let left = count; left > 0; left -= 1) {
    const { kind, start } = kindAt(pack, at);
    const isDelta = kind === REF_DELTA;
    const from = isDelta ? start + 20 : start;
    const { content, length } = inflated(pack.subarray(from, end), room);
    room -= content.length;
    at = from + length;
    const name = Object.entries(KINDS).find(([, number]) => number === kind)?.[0];
    if (isDelta) late.push({ base: pack.toString("hex", start, from), delta: content });
    else if (name !== undefined) put(objects, { kind: name as Kind, content });
    else throw new SyntaxError(kind === OFS_DELTA ? "a delta that nobody asked for" : "no object");
  }
  resolve(objects, late, room);
  return objects;
}

function put(objects: GitObjects, object: GitObject): string {
  const id = idOf(object);
  objects.set(id, object);
  return id;
}

function kindAt(pack: Buffer, at: number): { kind: number; start: number } {
  let start = at;
  while ((pack[start] ?? 0) & 128) start += 1;
  return { kind: ((pack[at] ?? 0) >> 4) & 7, start: start + 1 };
}

function inflated(piece: Buffer, room: number): { content: Buffer; length: number } {
  try {
    const options = { info: true, maxOutputLength: Math.max(1, room) } as const;
    const { buffer, engine } = inflateSync(piece, options) as unknown as {
      buffer: Buffer;
      engine: { bytesWritten: number };
    };
    return { content: buffer, length: engine.bytesWritten };
  } catch (error) {
    const isMore = (error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE";
    if (isMore) throw new RangeError("more than there is room for", { cause: error });
    throw new SyntaxError("no object of a pack", { cause: error });
  }
}

/** Makes whole what is said as a difference: of an object, or of what another one is made to. */
function resolve(
  objects: GitObjects,
  late: readonly { base: string; delta: Buffer }[],
  mostBytes: number,
): void {
  const waiting = Map.groupBy(late, ({ base }) => base);
  const ready = [...waiting.keys()].filter((id) => objects.has(id));
  let room = mostBytes;
  for (let id = ready.pop(); id !== undefined; id = ready.pop()) {
    const base = objects.get(id);
    for (const { delta } of waiting.get(id) ?? []) {
      if (base === undefined) break;
      const content = patched(base.content, delta, room);
      room -= content.length;
      ready.push(put(objects, { kind: base.kind, content }));
    }
    waiting.delete(id);
  }
  if (waiting.size > 0) throw new SyntaxError("a delta of nothing");
}

/** Copies and insertions. @see https://git-scm.com/docs/gitformat-pack#_deltified_representation */
function patched(base: Buffer, delta: Buffer, room: number): Buffer {
  const reader = new DeltaReader(delta);
  if (reader.size() !== base.length) throw new SyntaxError("a delta of something else");
  const length = reader.size();
  if (length > room) throw new RangeError("more than there is room for");
  const pieces: Buffer[] = [];
  let made = 0;
  while (!reader.isAtEnd && made <= length) {
    const piece = reader.piece(base);
    pieces.push(piece);
    made += piece.length;
  }
  if (made !== length) throw new SyntaxError("a delta that is not whole");
  return Buffer.concat(pieces);
}

class DeltaReader {
  readonly #delta: Buffer;
  #at = 0;

  constructor(delta: Buffer) {
    this.#delta = delta;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#delta.length;
  }

  size(): number {
    let [sum, factor, last] = [0, 1, 128];
    for (; last & 128 && factor < 2 ** 42; factor *= 128) {
      last = this.#byte();
      sum += (last & 127) * factor;
    }
    return sum;
  }

  /** What comes next of the result: a part of `base`, or of the delta itself. */
  piece(base: Buffer): Buffer {
    const command = this.#byte();
    if (command & 128) {
      const from = this.#whole(command, 4);
      return part(base, from, this.#whole(command >> 4, 3) || 0x10000);
    }
    const own = part(this.#delta, this.#at, command);
    this.#at += command;
    return own;
  }

  #byte(): number {
    return part(this.#delta, this.#at++, 1).readUInt8();
  }

  /** A number of whose bytes those are there that the bits say. */
  #whole(bits: number, count: number): number {
    let sum = 0;
    for (let place = 0; place < count; place += 1) {
      if (bits & (1 << place)) sum += this.#byte() * 256 ** place;
    }
    return sum;
  }
}

function part(of: Buffer, from: number, length: number): Buffer {
  const found = of.subarray(from, from + length);
  if (length === 0 || found.length !== length) throw new SyntaxError("a delta that is not whole");
  return found;
}

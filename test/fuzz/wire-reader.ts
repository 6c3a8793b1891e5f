/** One answer as it came over the wire. */
export interface WireAnswer {
  status: number;
  /** By their names in lower case. */
  headers: Map<string, string>;
  text: string;
}

const HEAD_END = "\r\n\r\n";

/** Reads answers off a connection, in the order of their requests. */
export class WireReader {
  #rest: Buffer = Buffer.alloc(0);

  push(piece: Buffer): void {
    this.#rest = this.#rest.length === 0 ? piece : Buffer.concat([this.#rest, piece]);
  }

  /** Whether nothing is left that is not part of an answer. */
  get isEmpty(): boolean {
    return this.#rest.length === 0;
  }

  /**
   * The next whole answer, to a request with this method; undefined: it is not there yet.
   *
   * @param isOver the connection has ended: a body without a length is whole
   * @throws {Error} if this is not HTTP
   */
  next(method: string, isOver = false): WireAnswer | undefined {
    for (;;) {
      const end = this.#rest.indexOf(HEAD_END);
      if (end === -1) return undefined;
      const { status, headers } = headOf(this.#rest.subarray(0, end).toString("latin1"));
      const start = end + HEAD_END.length;
      if (status < 200) {
        // Interim, as 100 Continue.
        this.#rest = this.#rest.subarray(start);
        continue;
      }
      const isBodiless = method === "HEAD" || status === 204 || status === 304;
      const body = isBodiless ? { text: "", next: start } : this.#body(start, headers, isOver);
      if (body === undefined) return undefined;
      this.#rest = this.#rest.subarray(body.next);
      return { status, headers, text: body.text };
    }
  }

  #body(
    start: number,
    headers: Map<string, string>,
    isOver: boolean,
  ): { text: string; next: number } | undefined {
    if (headers.get("transfer-encoding") === "chunked") return this.#chunks(start);
    const length = headers.get("content-length");
    const next = length === undefined ? this.#rest.length : start + Number(length);
    if (length === undefined && !isOver) return undefined;
    if (this.#rest.length < next) return undefined;
    return { text: this.#rest.toString("utf8", start, next), next };
  }

  #chunks(start: number): { text: string; next: number } | undefined {
    const pieces: Buffer[] = [];
    let place = start;
    for (;;) {
      const lineEnd = this.#rest.indexOf("\r\n", place);
      if (lineEnd === -1) return undefined;
      const size = Number.parseInt(this.#rest.toString("latin1", place, lineEnd), 16);
      const next = lineEnd + 2 + size + 2;
      if (this.#rest.length < next) return undefined;
      if (size === 0) return { text: Buffer.concat(pieces).toString(), next };
      pieces.push(this.#rest.subarray(lineEnd + 2, next - 2));
      place = next;
    }
  }
}

function headOf(text: string): Pick<WireAnswer, "status" | "headers"> {
  const [first = "", ...lines] = text.split("\r\n");
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(first)?.[1]);
  if (Number.isNaN(status)) throw new Error(`not HTTP: ${JSON.stringify(text.slice(0, 200))}`);
  const headers = lines.map((line): [string, string] => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
  });
  return { status, headers: new Map(headers) };
}

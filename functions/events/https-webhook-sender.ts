import { type LookupAddress, lookup as lookUp } from "node:dns";
import { type ClientRequest, type IncomingMessage, request as requestPlain } from "node:http";
import { request as requestTls } from "node:https";
import type { LookupFunction } from "node:net";
import {
  isReachable,
  NOT_REACHED,
  portOf,
  targetFault,
  type WebhookNet,
} from "../../shared/events/target.ts";
import { WEBHOOK_LIMITS } from "../../shared/events/webhook-limits.ts";
import { truncateUtf8 } from "../../shared/text.ts";
import type { WebhookAnswer, WebhookRequest, WebhookSender } from "../services/webhooks.ts";

export interface HttpsWebhookSenderOptions {
  nets: readonly WebhookNet[];
  /** Default: the system's resolver. */
  resolve?: (host: string) => Promise<LookupAddress[]>;
  connectSeconds?: number;
  wholeSeconds?: number;
}

/** Answers of 1xx before the answer. */
const MOST_INTERIM = 20;

/** Where a request must not go. */
class Refused extends Error {}

/**
 * Posts to what a caller has named. It looks at each address that the socket itself is about to
 * use, keeps no connection for another request, follows no redirect, and reads no more of an answer
 * than is worth keeping.
 */
export class HttpsWebhookSender implements WebhookSender {
  readonly #options: Required<HttpsWebhookSenderOptions>;

  constructor(options: HttpsWebhookSenderOptions) {
    const { connectSeconds, wholeSeconds } = WEBHOOK_LIMITS;
    this.#options = { resolve: addressesOf, connectSeconds, wholeSeconds, ...options };
  }

  async post(request: WebhookRequest): Promise<WebhookAnswer> {
    const from = performance.now();
    const answered = await this.#sent(request).catch((error: unknown) => failed(whyOf(error)));
    return { ...answered, milliseconds: Math.round(performance.now() - from) };
  }

  async #sent({ url: text, headers, body }: WebhookRequest) {
    const { nets, wholeSeconds } = this.#options;
    const fault = targetFault(text, nets);
    if (fault !== undefined) throw new Refused(`The address ${fault}.`);
    const url = new URL(text);
    const request = (portOf(url).isPlain ? requestPlain : requestTls)(url, {
      method: "POST",
      headers: { ...headers, "content-length": Buffer.byteLength(body) },
      // A connection that is kept would go on to where the name pointed then.
      agent: false,
      lookup: this.#lookupFor(url),
      signal: AbortSignal.timeout(wholeSeconds * 1000),
    });
    this.#boundConnecting(request);
    boundInterim(request);
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      request.once("response", resolve).on("error", reject);
      // One that is answered with 101 ends so, and with no error.
      request.once("close", () => reject(new Error("the connection was closed"))).end(body);
    });
    return answerOf(response, await beginningOf(response));
  }

  /** Is asked for names alone: a literal address was looked at before. */
  #lookupFor(url: URL): LookupFunction {
    const { nets, resolve } = this.#options;
    return (host, { all }, callback) => {
      resolve(host).then(
        (found) => {
          const isOpen = found.every(({ address }) => isReachable(address, portOf(url), nets));
          const [first] = found;
          if (!isOpen || first === undefined) {
            callback(new Refused(`The address ${NOT_REACHED}.`), []);
          } else if (all) callback(null, found);
          else callback(null, first.address, first.family);
        },
        (error: NodeJS.ErrnoException) => callback(error, []),
      );
    };
  }

  #boundConnecting(request: ClientRequest): void {
    const { connectSeconds } = this.#options;
    request.once("socket", (socket) => {
      const end = () => request.destroy(new Error(`no connection within ${connectSeconds} s`));
      const timer = setTimeout(end, connectSeconds * 1000);
      const done = () => clearTimeout(timer);
      socket.once("encrypted" in socket ? "secureConnect" : "connect", done).once("close", done);
    });
  }
}

/** Each 1xx may have as many headers as an answer, and another may follow. */
function boundInterim(request: ClientRequest): void {
  let count = 0;
  request.on("information", () => {
    count += 1;
    if (count > MOST_INTERIM) request.destroy(new Error("interim answers without an end"));
  });
}

const addressesOf = (host: string): Promise<LookupAddress[]> =>
  new Promise((resolve, reject) => {
    lookUp(host, { all: true }, (error, found) => (error ? reject(error) : resolve(found)));
  });

type Answered = Omit<WebhookAnswer, "milliseconds">;

const failed = (error: string): Answered => ({
  status: null,
  error,
  answer: "",
  retryAfter: undefined,
});

function answerOf({ statusCode = 0, headers }: IncomingMessage, text: string): Answered {
  const isTaken = statusCode >= 200 && statusCode < 300;
  const isElsewhere = statusCode >= 300 && statusCode < 400;
  const error = isElsewhere
    ? `It answered ${statusCode}: redirects are not followed.`
    : `It answered ${statusCode}.`;
  return {
    status: statusCode,
    error: isTaken ? null : error,
    answer: truncateUtf8(text, WEBHOOK_LIMITS.keptBytes),
    retryAfter: secondsOf(headers["retry-after"]),
  };
}

/** Seconds, or an instant. @see https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3 */
function secondsOf(retryAfter: string | undefined): number | undefined {
  if (retryAfter === undefined) return undefined;
  if (/^\d{1,9}$/.test(retryAfter)) return Number(retryAfter);
  const until = Date.parse(retryAfter);
  return Number.isNaN(until) ? undefined : Math.max(0, (until - Date.now()) / 1000);
}

/** The status counts, however the rest of the answer ends. */
async function beginningOf(response: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const piece of response) {
      pieces.push(piece as Buffer);
      bytes += (piece as Buffer).length;
      if (bytes >= WEBHOOK_LIMITS.readBytes) break;
    }
  } catch {
    // It broke off, or took too long.
  }
  response.destroy();
  return Buffer.concat(pieces).toString("utf8").replaceAll("\0", "");
}

/** A sentence, without the address that a name stands for. */
function whyOf(error: unknown): string {
  if (error instanceof Refused) return error.message;
  const { name, code, message } = error as NodeJS.ErrnoException;
  if (name === "TimeoutError" || (error as Error).cause instanceof DOMException) {
    return "It did not answer in time.";
  }
  return `There was no answer: ${code ?? message}.`;
}

import { PROBLEMS, type ProblemCode } from "../../shared/errors.ts";
import { type ApiContract, apiContract } from "../support/api-contract.ts";
import type { HostileRequest } from "./requests.ts";
import type { WireAnswer } from "./wire-reader.ts";

const ID = /(?:run|conv|agent)_([0-9A-Za-z]{22})/g;

/** Holds every answer to what must be true of all of them, and keeps count. */
export class Invariants {
  /** How many answers had which status; 0: the connection ended without one. */
  readonly statuses = new Map<number, number>();
  /** Ids, without their prefixes, of what an accepted request may have written to. */
  readonly #touched = new Set<string>();
  readonly #contract: ApiContract = apiContract();

  /** @throws {Error} if it is not an answer that the document has for this request */
  holdAnswer(request: HostileRequest, answer: WireAnswer | undefined): void {
    this.#count(answer?.status ?? 0);
    if (answer === undefined) throw new Error(`no answer to ${shown(request.bytes)}`);
    const { status, headers, text } = answer;
    const path = request.target.split("?")[0] ?? "";
    try {
      if (status >= 500) throw new Error(`the status is ${status}: ${text}`);
      this.#contract.check({ method: request.method, path, status, headers, text });
    } catch (cause) {
      throw new Error(`${(cause as Error).message}\n${shown(request.bytes)}`, { cause });
    }
    const isWrite = status < 300 && request.method !== "GET" && request.method !== "HEAD";
    if (isWrite) this.#remember(`${path} ${headers.get("location")} ${text}`);
  }

  /** @throws {Error} if bytes that need not be a request were not refused, or done */
  holdRaw(bytes: Buffer, answers: readonly WireAnswer[]): void {
    if (answers.length === 0) this.#count(0);
    for (const answer of answers) {
      this.#count(answer.status);
      if (answer.status === 200 && answer.text.includes('"ok"')) continue;
      if (isRefusal(answer)) continue;
      throw new Error(`${answer.status} ${answer.text} to ${shown(bytes)}`);
    }
  }

  /** @throws {Error} if anything was written to that no accepted request was about */
  holdDocuments(changed: readonly string[]): void {
    const unexplained = changed.filter((path) => !this.#isTouched(path));
    if (unexplained.length > 0) {
      throw new Error(`written without an accepted request: ${unexplained.slice(0, 10)}`);
    }
  }

  #isTouched(path: string): boolean {
    const [, id = ""] = /^\w+\/(?:[a-z]+_)?([0-9A-Za-z]{22})/.exec(path) ?? [];
    return this.#touched.has(id);
  }

  #remember(text: string): void {
    for (const [, id = ""] of text.matchAll(ID)) this.#touched.add(id);
  }

  #count(status: number): void {
    this.statuses.set(status, (this.statuses.get(status) ?? 0) + 1);
  }
}

/** Whether it says 4xx, and why in the words of the table. */
function isRefusal({ status, headers, text }: WireAnswer): boolean {
  if (status < 400 || status >= 500) return false;
  if (headers.get("content-type") !== "application/problem+json") return false;
  // To a HEAD, which bytes may happen to be, there is no body.
  if (text === "") return true;
  return PROBLEMS[(JSON.parse(text) as { code: ProblemCode }).code]?.status === status;
}

function shown(bytes: Buffer): string {
  const text = bytes.toString("latin1");
  return `${JSON.stringify(text.slice(0, 1500))}${text.length > 1500 ? ` and ${text.length - 1500} more` : ""}`;
}

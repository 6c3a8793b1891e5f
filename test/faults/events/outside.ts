import { Octokit } from "@octokit/core";
import { Webhook } from "standardwebhooks";
import { deliverTo } from "../../../functions/github/deliver-to-github.ts";
import { lookAt, mayWrite } from "../../../functions/github/look.ts";
import type { Repository } from "../../../functions/github/repository.ts";
import type { RepositoryHost } from "../../../functions/services/repository-host.ts";
import type { WebhookAnswer, WebhookRequest } from "../../../functions/services/webhooks.ts";
import { DELIVERY } from "../../../shared/delivery/limits.ts";
import type { RepositoryName } from "../../../shared/delivery/repository-name.ts";
import { WEBHOOK_LIMITS } from "../../../shared/events/webhook-limits.ts";
import { APP_ID, answerOfRepository, emptyGithub } from "../../support/loopback-github.ts";
import type { Process } from "../world/process.ts";

/** A request as a receiver has it. */
interface Received {
  id: string;
  body: string;
  isSigned: boolean;
}

/** Somebody's endpoint. */
export class Receiver {
  readonly received: Received[] = [];
  /** What it answers first; 204 after that. */
  readonly answers: number[];
  readonly #secret: string;

  constructor(secret: string, answers: readonly number[] = []) {
    this.#secret = secret;
    this.answers = [...answers];
  }

  /** Sends a request of a process to it: what is not answered in time is not answered. */
  async post(process: Process, { headers, body }: WebhookRequest): Promise<WebhookAnswer> {
    const sent = process.call("outside.POST webhook", () => this.#take(headers, body));
    const none = { status: null, answer: "", retryAfter: undefined, milliseconds: 1 };
    const answered = sent.then(
      (status) => ({ ...none, status, error: status < 300 ? null : `it answered ${status}` }),
      () => ({ ...none, error: "it cannot be reached" }),
    );
    const late = { ...none, error: "it took too long" };
    return within(
      process,
      { seconds: WEBHOOK_LIMITS.wholeSeconds, otherwise: () => late },
      answered,
    );
  }

  #take(headers: Readonly<Record<string, string>>, body: string): number {
    const id = headers["webhook-id"] ?? "";
    this.received.push({ id, body, isSigned: isSigned(this.#secret, headers, body) });
    return this.answers.shift() ?? 204;
  }
}

function isSigned(secret: string, headers: Readonly<Record<string, string>>, body: string) {
  try {
    new Webhook(secret).verify(body, { ...headers });
    return true;
  } catch {
    return false;
  }
}

/** What a call gives, or something else once so much time has passed. */
function within<T>(
  { clock }: Process,
  { seconds, otherwise }: { seconds: number; otherwise: () => T },
  answered: Promise<T>,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(seconds * 1000, () => {
      Promise.try(otherwise).then(resolve, reject);
    });
    answered.then(resolve, reject).finally(cancel);
  });
}

/** GitHub with one repository, as {@link answerOfRepository} answers for it. */
export class GithubInMemory {
  readonly state = emptyGithub();

  /** Hands back to it through GitHub's own client; the calls are those of a process. */
  hostOf(process: Process, { rule }: RepositoryHost): RepositoryHost {
    const open = ({ owner, name: repo }: RepositoryName): Repository => {
      const { request } = this.#clientOf(process);
      return { at: { owner, repo }, request, appId: APP_ID };
    };
    return {
      rule,
      mention: undefined,
      hookKey: async () => undefined,
      deliver: (delivery) => deliverTo(open(delivery.repository), delivery),
      look: (place) => lookAt(open(place.repository), place),
      mayWrite: (place, login) => mayWrite(open(place.repository), login),
      // No story reads by the App.
      readToken: () => Promise.reject(new Error("no token is asked for")),
    };
  }

  #clientOf(process: Process): Octokit {
    const ask = (input: string, init: RequestInit) => this.#ask(process, input, init);
    const log = { debug() {}, info() {}, warn() {}, error() {} };
    return new Octokit({ baseUrl: "https://git.example/api", log, request: { fetch: ask } });
  }

  async #ask(process: Process, input: string, { method = "GET", body }: RequestInit) {
    const { pathname, searchParams: query } = new URL(input);
    const path = decodeURIComponent(pathname).replace(/^\/api/, "");
    const call = { method, path, query, body: body == null ? undefined : JSON.parse(`${body}`) };
    const failed = (): never => {
      throw new TypeError("fetch failed");
    };
    const { status, body: content } = await within(
      process,
      { seconds: DELIVERY.call, otherwise: failed },
      process
        .call(`outside.${method} github`, () =>
          structuredClone(answerOfRepository(this.state, call)),
        )
        .catch(failed),
    );
    const headers = new Headers({ "content-type": "application/json; charset=utf-8" });
    return { status, url: input, headers, text: async () => JSON.stringify(content ?? null) };
  }
}

import { typed } from "../../../cli/typed.ts";
import { Unseen } from "../check.ts";

/** One call of Google's REST APIs. */
export interface Call {
  url: string;
  method?: "GET" | "POST";
  data?: object;
}

/** What came back, whatever its status. */
export interface Answer {
  status: number;
  data: unknown;
  /** Its header `Date`; null: there was none. */
  date: string | null;
}

/** Sends a call with somebody's credentials. @throws if there are none, or nothing answers */
export type Request = (call: Call) => Promise<Answer>;

/** Google's APIs, each call sent once. */
export interface Google {
  /**
   * The answer's body; undefined: there is no such thing. @throws {Unseen} for every other refusal
   */
  get(url: string): Promise<unknown>;
  /** The same of a call that only reads, and is a POST all the same. */
  post(url: string, data: object): Promise<unknown>;
  /** All items of a list, over its pages. @param key what the pages have them as */
  list(url: string, key: string): Promise<unknown[]>;
}

const NOT_FOUND = 404;
/** As many pages as nothing of ours has. */
const MAX_PAGES = 50;

export function googleOf(request: Request, project: string): Google {
  const sent = new Map<string, Promise<unknown>>();
  const send = (call: Call): Promise<unknown> => {
    const key = JSON.stringify(call);
    const before = sent.get(key);
    if (before !== undefined) return before;
    const answer = request(call).then((given) => bodyOf(given, project));
    sent.set(key, answer);
    return answer;
  };
  const get = (url: string) => send({ url });
  return {
    get,
    post: (url, data) => send({ url, method: "POST", data }),
    async list(url, key) {
      const items: unknown[] = [];
      let token = "";
      for (let page = 0; page < MAX_PAGES; page += 1) {
        const body = (await get(token ? paged(url, token) : url)) as Page | undefined;
        items.push(...((body?.[key] as unknown[] | undefined) ?? []));
        token = body?.nextPageToken ?? "";
        if (token === "") break;
      }
      return items;
    },
  };
}

interface Page {
  nextPageToken?: string;
  [key: string]: unknown;
}

function paged(url: string, token: string): string {
  const next = new URL(url);
  next.searchParams.set("pageToken", token);
  return next.href;
}

/**
 * An error as Google's APIs answer it. @see
 * https://cloud.google.com/apis/design/errors#http_mapping
 */
interface ErrorBody {
  error?: {
    message?: string;
    details?: { reason?: string; metadata?: { service?: string } }[];
  };
}

function bodyOf({ status, data }: Answer, project: string): unknown {
  if (status === NOT_FOUND) return undefined;
  if (status >= 200 && status < 300) return data;
  throw refusalOf({ status, data }, project);
}

/** A refusal in Google's words, with what mends it. */
export function refusalOf({ status, data }: Pick<Answer, "status" | "data">, project: string) {
  const { message, details } = (data as ErrorBody | undefined)?.error ?? {};
  const off = details?.find(({ reason }) => reason === "SERVICE_DISABLED")?.metadata?.service;
  const text = `Google answers with ${status}: ${message?.split("\n")[0] ?? "no reason is said"}`;
  if (off !== undefined) return new Unseen(text, { remedy: enabling([off], project) });
  if (status === 401) return new Unseen(text, { remedy: SIGN_IN });
  if (status === 403) return new Unseen(text, { remedy: `${SIGN_IN}, as an owner of ${project}` });
  if (status === 429 || status >= 500) {
    return new Unseen(text, { remedy: `${typed(["doctor", "--project", project])} in a minute` });
  }
  return new Unseen(text);
}

export const SIGN_IN = "gcloud auth application-default login";

export const enabling = (services: readonly string[], project: string): string =>
  `gcloud services enable ${services.join(" ")} --project ${project}`;

import fc from "fast-check";
import type { Operation } from "../../shared/api/operation.ts";
import { OPERATIONS } from "../../shared/api/operations.ts";
import { brokenBody, hostileHeader, hostileJson, hostileSegment } from "./hostile.ts";
import { placesIn, sampleOf, withJsonAt } from "./samples.ts";
import type { WireRequest } from "./wire.ts";

/** What is there for requests to find. */
export interface Known {
  /** Keys by the name of what they may do. */
  keys: Readonly<Record<"admin" | "read" | "stranger", string>>;
  /** Ids of runs that are over, of conversations and of agents. */
  ids: readonly string[];
}

/**
 * A request that is HTTP, with a path, query, headers and a body that nobody promised to be
 * sensible.
 */
export interface HostileRequest extends WireRequest {
  /** As it stands in the request line. */
  target: string;
}

/** These erase or hide what is known: only of things that are not there. */
const DESTRUCTIVE = ["deleteRun", "legacyDeleteAgent"];

const METHODS = [
  "GET",
  "HEAD",
  "POST",
  "PUT",
  "PATCH",
  "DELETE",
  "OPTIONS",
  "TRACE",
  "PURGE",
  "QUERY",
];

const HEADERS = [
  ...[
    "accept",
    "accept-encoding",
    "cookie",
    "expect-ct",
    "forwarded",
    "from",
    "if-match",
    "if-none-match",
  ],
  ...[
    "if-range",
    "last-event-id",
    "origin",
    "prefer",
    "range",
    "referer",
    "te",
    "user-agent",
    "via",
    "x",
  ],
  ...[
    "x-forwarded-for",
    "x-forwarded-host",
    "x-http-method-override",
    "x-cloud-trace-context",
    "authorization",
  ],
];

/** Operations that wait for a run's end unless they are told not to. */
const PATIENT = ["legacyConverse"];

/**
 * It answers all that its caller has, which would be more and more: for a caller who has little.
 */
const UNPAGED = ["legacyListAgents"];

/** A wait would be kept, which is right and takes long. */
const WAITS = /wait\s*=\s*"?\s*\d*[1-9]/i;

/** A list that is followed has no end, which is right too. */
const FOLLOWS = /[?&]follow(=(true)?)?(?=&|$)/gi;

/** Mostly as the operation wants it, with something wrong in one place or more. */
export function hostileRequest(known: Known): fc.Arbitrary<HostileRequest> {
  const ofEach = OPERATIONS.map((operation) =>
    fc
      .record({
        method: mostly(
          20,
          fc.constant(operation.method.toUpperCase()),
          fc.constantFrom(...METHODS),
        ),
        path: pathOf(operation, known),
        query: queryOf(operation),
        headers: headersOf(operation, known),
        body: bodyOf(operation),
      })
      .map(requestOf),
  );
  return fc.oneof(...ofEach);
}

/** `usual` in all but one of `times` cases. */
function mostly<T>(times: number, usual: fc.Arbitrary<T>, ...others: fc.Arbitrary<T>[]) {
  return fc.oneof(
    { weight: (times - 1) * others.length, arbitrary: usual },
    ...others.map((arbitrary) => ({ weight: 1, arbitrary })),
  );
}

function pathOf({ id, path }: Operation, { ids }: Known): fc.Arbitrary<string> {
  const absent = fc.constantFrom(...ids).map((each) => `${each.slice(0, -6)}AAAAAA`);
  const names = DESTRUCTIVE.includes(id) ? [absent] : [fc.constantFrom(...ids), absent];
  const segment = fc.oneof(...names, hostileSegment);
  const usual = fc
    .array(segment, { minLength: 3, maxLength: 3 })
    .map(([first = "", second = "", third = ""]) => {
      const values = [first, second, third];
      return path.replace(/\{\w+\+?\}/g, () => values.shift() ?? "");
    });
  const elsewhere = fc
    .array(hostileSegment, { maxLength: 5 })
    .map((parts) => `/${parts.join("/")}`);
  const spoiled = fc
    .tuple(usual, hostileSegment)
    .map(([whole, part]) => (part.length % 2 === 0 ? `${whole}/${part}` : `/${part}${whole}`));
  return mostly(10, usual, elsewhere, spoiled);
}

function queryOf({ id, query }: Operation): fc.Arbitrary<string> {
  const names = Object.keys(query?.properties ?? {});
  const name = fc.oneof(fc.constantFrom(...names, "x"), hostileSegment);
  const pair = fc.tuple(name, hostileSegment).map(([key, value]) => `${key}=${value}`);
  const pairs = fc.array(pair, { maxLength: 4 }).map((all) => `?${all.join("&")}`);
  const odd = fc.constantFrom(
    "?",
    "??",
    "?&&&",
    "?=",
    "?a[b][c][d]=1",
    "?a[]=1&a[]=2",
    "?__proto__[x]=1",
    `?${"a=1&".repeat(2000)}`,
  );
  const usual = mostly(names.length > 0 ? 2 : 10, fc.constant(""), pairs, odd);
  return id === "listRuns" ? usual.map((text) => text.replace(FOLLOWS, "$&1")) : usual;
}

function headersOf(
  { id, bodyType = "application/json" }: Operation,
  { keys }: Known,
): fc.Arbitrary<string[]> {
  const authorization = mostly(
    5,
    fc.constant(UNPAGED.includes(id) ? keys.stranger : keys.admin),
    fc.constantFrom(keys.read, keys.stranger, "nobody", ""),
  ).map((key) => (key === "" ? [] : [`authorization: Bearer ${key}`]));
  const type = mostly(
    8,
    fc.constant<string[]>([`content-type: ${bodyType}`]),
    hostileHeader.map((value) => [`content-type: ${value}`]),
    fc.constant([]),
  );
  const header = fc
    .tuple(fc.constantFrom(...HEADERS), hostileHeader)
    .map(([name, value]) => `${name}: ${value}`)
    .filter((line) => !WAITS.test(line));
  const key = hostileHeader.map((value) => `idempotency-key: ${value}`);
  const encoding = fc
    .constantFrom("gzip", "br", "identity", "deflate, gzip", "")
    .map((value) => `content-encoding: ${value}`);
  const others = fc.array(mostly(6, header, key, encoding), { maxLength: 3 });
  const patience = fc.constant(PATIENT.includes(id) ? ["prefer: respond-async"] : []);
  return fc
    .tuple(patience, authorization, type, mostly(3, fc.constant<string[]>([]), others))
    .map((parts) => parts.flat());
}

function bodyOf({ body }: Operation): fc.Arbitrary<Buffer | undefined> {
  const spoiled = fc.oneof(
    brokenBody,
    hostileJson.map((json) => Buffer.from(json)),
  );
  if (body === undefined) return mostly(5, fc.constant(undefined), spoiled);
  const sample = sampleOf(body);
  const place = fc.constantFrom(...placesIn(body), ["__proto__"], ["nobody-knows"]);
  const spoiledSample = fc
    .tuple(place, hostileJson)
    .map(([path, json]) => Buffer.from(withJsonAt(sample, path, json)));
  return fc.oneof(
    { weight: 12, arbitrary: spoiledSample },
    { weight: 6, arbitrary: spoiled },
    { weight: 1, arbitrary: fc.constant(Buffer.from(JSON.stringify(sample))) },
    { weight: 1, arbitrary: fc.constant(undefined) },
  );
}

function requestOf({
  method,
  path,
  query,
  headers,
  body,
}: {
  method: string;
  path: string;
  query: string;
  headers: string[];
  body: Buffer | undefined;
}): HostileRequest {
  const target = `${path}${query}`;
  const length = body === undefined ? [] : [`content-length: ${body.length}`];
  const lines = [`${method} ${target} HTTP/1.1`, "host: 127.0.0.1", ...headers, ...length];
  const head = Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1");
  return { method, target, bytes: body === undefined ? head : Buffer.concat([head, body]) };
}

import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { type Readable, Transform } from "node:stream";
import type { Credential } from "../../../shared/agent/credential.ts";
import { type Fields, fieldsIn, isFields } from "../json.ts";
import { askHost, type RepositoryAccess, Unreachable } from "./upstream.ts";

/** Bounds of a checkout's files of Git LFS. */
const LFS_LIMITS = {
  /** Their bytes together, … */
  bytes: 4 * 1024 ** 3,
  /** … and how many they are. */
  objects: 20_000,
  /** Bytes of a question for where some of them are, as Git LFS or the host writes it. */
  batchBytes: 4 * 1024 ** 2,
} as const;

/** A file's content, as Git LFS names it. */
interface Wanted {
  /** SHA-256, hex. */
  oid: string;
  size: number;
}

/** Where a content is. Nobody in the sandbox is told. */
interface Download {
  url: URL;
  headers: Record<string, string>;
  size: number;
}

/** Where contents are that a host was asked for, by the repository's address and their ids. */
export type Downloads = Map<string, Download>;

export interface LfsAsking {
  /** The repository's address, as the downloads know it. */
  address: string;
  credential: Credential | undefined;
  signal: AbortSignal;
}

const MEDIA_TYPE = "application/vnd.git-lfs+json";
const OID = /^[0-9a-f]{64}$/;

/**
 * Asks a host where files are, and remembers what it says.
 *
 * @param target the host's address for such questions
 * @param question the body of Git LFS's own, of which nothing is kept but the files' ids
 * @param hrefOf the address by which the sandbox may ask for one
 * @returns the body for Git LFS in the sandbox
 * @throws {Unreachable}
 * @see https://github.com/git-lfs/git-lfs/blob/main/docs/api/batch.md
 */
export async function askForDownloads(
  downloads: Downloads,
  { target, question, hrefOf, ...asking }: LfsAsking & Asked,
  access: RepositoryAccess,
): Promise<string> {
  const wanted = wantedIn(fieldsIn(await textOf(question, "Git LFS asks")));
  refuseTooMuch(downloads, asking.address, wanted);
  const objects = wanted.map(({ oid, size }) => ({ oid, size }));
  const body = JSON.stringify({
    ...{ operation: "download", transfers: ["basic"], objects, hash_algo: "sha256" },
  });
  const { credential, signal } = asking;
  const headers = {
    ...{ accept: MEDIA_TYPE, "content-type": MEDIA_TYPE },
    "content-length": String(Buffer.byteLength(body)),
    ...(credential && { authorization: credential.authorization }),
  };
  const answer = await askHost(target, { method: "POST", headers, body, signal }, access);
  const { statusCode: status = 0 } = answer;
  if (status !== 200) {
    answer.destroy();
    throw new Unreachable(refusalOf(status));
  }
  const told = toldIn(fieldsIn(await textOf(answer, "its host tells of files of Git LFS")));
  const places = wanted.map((each) => {
    const download = downloadOf(told.get(each.oid), each, { target, credential });
    downloads.set(`${asking.address} ${each.oid}`, download);
    const href = hrefOf(each.oid);
    return { ...each, authenticated: true, actions: { download: { href } } };
  });
  return JSON.stringify({ transfer: "basic", objects: places, hash_algo: "sha256" });
}

interface Asked {
  target: URL;
  question: Readable;
  hrefOf(oid: string): string;
}

async function textOf(stream: Readable, what: string): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of stream) {
    length += chunk.length;
    if (length > LFS_LIMITS.batchBytes) throw new Unreachable(`${what} without an end`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function wantedIn(question: Fields | undefined): Wanted[] {
  const { operation, objects, hash_algo: algorithm = "sha256" } = question ?? {};
  if (operation !== "download" || algorithm !== "sha256" || !Array.isArray(objects)) {
    throw new Unreachable("files of Git LFS may only be read here");
  }
  return objects.filter(isFields).map(({ oid, size }) => {
    if (typeof oid === "string" && OID.test(oid) && Number.isSafeInteger(size)) {
      return { oid, size: Math.max(0, size as number) };
    }
    throw new Unreachable("it has a file of Git LFS without a SHA-256 and a size");
  });
}

function refuseTooMuch(downloads: Downloads, address: string, wanted: readonly Wanted[]): void {
  const all = new Map([...downloads].map(([key, { size }]) => [key, size]));
  for (const { oid, size } of wanted) all.set(`${address} ${oid}`, size);
  const bytes = [...all.values()].reduce((sum, size) => sum + size, 0);
  if (bytes > LFS_LIMITS.bytes) {
    throw new Unreachable(
      `its files of Git LFS come to more than ${LFS_LIMITS.bytes / 1024 ** 3} GiB, which is the most`,
    );
  }
  if (all.size > LFS_LIMITS.objects) {
    throw new Unreachable(`it has more than ${LFS_LIMITS.objects} files of Git LFS`);
  }
}

/** What a host says of each file. */
function toldIn(answer: Fields | undefined): Map<string, Fields> {
  const { objects, transfer = "basic" } = answer ?? {};
  if (!Array.isArray(objects) || transfer !== "basic") {
    throw new Unreachable("its host answers Git LFS in a form that is none of Git LFS's");
  }
  return new Map(objects.filter(isFields).map((each) => [String(each["oid"]), each]));
}

function downloadOf(
  told: Fields | undefined,
  { oid, size }: Wanted,
  { target, credential }: { target: URL; credential: Credential | undefined },
): Download {
  const { actions, error } = told ?? {};
  const action = isFields(actions) ? actions["download"] : undefined;
  if (!isFields(action)) {
    const code = isFields(error) ? Number(error["code"]) : Number.NaN;
    const why = Number.isInteger(code) ? ` (${code})` : "";
    throw new Unreachable(`its host does not have the file ${named(oid)} of Git LFS${why}`);
  }
  const { href, header } = action;
  const url = URL.parse(String(href));
  if (url === null || !isReachable(url)) {
    throw new Unreachable(
      `its host has the file ${named(oid)} of Git LFS where only HTTPS on port 443 may lead to`,
    );
  }
  const headers = headersIn(header);
  const isOwn = url.origin === target.origin && !("authorization" in headers);
  const own = isOwn && credential ? { authorization: credential.authorization } : {};
  return { url, size, headers: { ...headers, ...own } };
}

/** The beginning of a file's id. */
const named = (oid: string): string => `${oid.slice(0, 12)}…`;

const isReachable = ({ protocol, port, username, password }: URL): boolean =>
  protocol === "https:" && port === "" && username === "" && password === "";

/** Headers that say how a connection is used, or what is ours to say. */
const NOT_THEIRS =
  /^(connection|content-length|expect|host|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade|accept-encoding|range)$/;

/** What a host wants to see of whoever asks for a file. */
function headersIn(header: unknown): Record<string, string> {
  if (!isFields(header)) return {};
  const pairs = Object.entries(header)
    .map(([name, value]) => [name.toLowerCase(), value] as const)
    .filter(([name, value]) => {
      if (!/^[a-z0-9-]{1,100}$/.test(name) || NOT_THEIRS.test(name)) return false;
      return typeof value === "string" && /^[\x20-\x7e]{0,8192}$/.test(value);
    });
  return Object.fromEntries(pairs.slice(0, 30)) as Record<string, string>;
}

const MOST_REDIRECTS = 5;

/**
 * Opens a file's content where its host said that it is. A redirect to another host is followed
 * without what the first one wanted to see.
 *
 * @returns undefined: its host was not asked for it.
 * @throws {Unreachable}
 */
export async function openDownload(
  downloads: Downloads,
  { address, oid, signal }: Omit<LfsAsking, "credential"> & Pick<Wanted, "oid">,
  access: RepositoryAccess,
): Promise<{ size: number; content: IncomingMessage; check: Transform } | undefined> {
  const download = downloads.get(`${address} ${oid}`);
  if (download === undefined) return undefined;
  let { url } = download;
  for (let redirects = 0; redirects <= MOST_REDIRECTS; redirects += 1) {
    const theirs = url.origin === download.url.origin ? download.headers : {};
    const headers = { ...theirs, "accept-encoding": "identity" };
    const answer = await askHost(url, { method: "GET", headers, signal }, access).catch((error) => {
      throw new Unreachable(`of the file ${named(oid)} of Git LFS: ${error.message}`);
    });
    const { statusCode: status = 0 } = answer;
    if (status === 200) {
      const { size } = download;
      return { size, content: answer, check: checked(oid, size) };
    }
    answer.destroy();
    const next =
      status >= 301 && status <= 308 && URL.parse(answer.headers.location ?? "", url.href);
    if (!next) {
      throw new Unreachable(`the file ${named(oid)} of Git LFS is answered with ${status}`);
    }
    if (!isReachable(next)) {
      throw new Unreachable(`the file ${named(oid)} of Git LFS leads away from HTTPS`);
    }
    url = next;
  }
  throw new Unreachable(`the file ${named(oid)} of Git LFS leads in circles`);
}

/** Passes on as many bytes as were announced, the last of them only if they are what was named. */
function checked(oid: string, size: number): Transform {
  const hash = createHash("sha256");
  const other = () =>
    new Unreachable(`the file ${named(oid)} of Git LFS is not what its SHA-256 and size say`);
  let [length, last]: [number, Buffer] = [0, Buffer.alloc(0)];
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      length += chunk.length;
      if (length > size) return done(other());
      hash.update(chunk);
      const before = last;
      last = chunk;
      return done(null, before);
    },
    flush(done) {
      if (length !== size || hash.digest("hex") !== oid) done(other());
      else done(null, last);
    },
  });
}

function refusalOf(status: number): string {
  if (status === 401 || status === 403) {
    return `its host does not let its files of Git LFS be read (${status}): a private repository needs a credential that may read them`;
  }
  if (status === 404) return "its host has no Git LFS for it (404)";
  return `its host answers Git LFS with ${status}`;
}

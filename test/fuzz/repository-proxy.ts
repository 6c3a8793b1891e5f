import { mkdtempSync } from "node:fs";
import { rm } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import { type AddressInfo, connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import fc from "fast-check";
import { startRepositoryProxy } from "../../infra/agent/repository/proxy.ts";
import { certificate } from "../infra/agent/workspace/git-server.ts";

const HOST = "git.example";
const PUBLIC_ADDRESS = "93.184.215.14";
const AUTHORIZATION = "Basic bm9ib2R5LW1heS1zZWU=";
const OID = "ab".repeat(32);
/** All that the proxy may ask the host for. */
const READS =
  /^(GET \/repo\/(info\/refs\?service=git-upload-pack|HEAD|objects\/[\w./-]+)|POST \/repo\/git-upload-pack|POST \/repo\.git\/info\/lfs\/objects\/batch|GET \/content)$/;
/** … with headers of these names. */
const NAMES =
  /^(accept|accept-encoding|authorization|connection|content-encoding|content-length|content-type|git-protocol|host|transfer-encoding|user-agent)$/;
const QUESTION =
  /^\{"operation":"download","transfers":\["basic"\],"objects":\[(\{"oid":"[0-9a-f]{64}","size":\d+\},?)*\],"hash_algo":"sha256"\}$/;

/** The proxy of a private repository, before a host that knows each request of the proxy's own. */
export async function startRepository(socketPath: string) {
  const faults: string[] = [];
  const folder = mkdtempSync(join(tmpdir(), "runyard-fuzz-"));
  const tls = certificate(folder);
  let reads = 0;
  const host = createServer(tls, (request, response) => {
    reads += 1;
    answer(request, response, faults).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => host.listen(0, "127.0.0.1", resolve));
  const { port } = host.address() as AddressInfo;
  const proxy = await startRepositoryProxy({
    ...{ socketPath, url: `https://${HOST}/repo`, hasLfs: true },
    credential: { authorization: AUTHORIZATION },
    access: {
      authorities: tls.cert,
      async resolve(name) {
        if (name !== HOST) faults.push(`the name ${name} was resolved`);
        return [
          { address: "169.254.169.254", family: 4 },
          { address: PUBLIC_ADDRESS, family: 4 },
        ];
      },
      open(address) {
        if (address !== PUBLIC_ADDRESS) faults.push(`${address} was opened`);
        return connect(port, "127.0.0.1");
      },
    },
  });
  return {
    socketPath,
    faults,
    /** Requests that reached the host. */
    reads: () => reads,
    async [Symbol.asyncDispose]() {
      await proxy.close();
      host.closeAllConnections();
      await new Promise<void>((resolve) => host.close(() => resolve()));
      await rm(folder, { recursive: true });
    },
  };
}

async function answer(request: IncomingMessage, response: ServerResponse, faults: string[]) {
  const asked = `${request.method} ${request.url}`;
  if (!READS.test(asked)) faults.push(asked);
  const strange = Object.keys(request.headers).filter((name) => !NAMES.test(name));
  if (strange.length > 0) faults.push(`${asked} with ${strange.join()}`);
  const { authorization, host } = request.headers;
  if (host !== HOST || authorization !== AUTHORIZATION) faults.push(`${asked} as ${host}`);
  const body = await text(request);
  if (!asked.endsWith("/batch")) {
    response.end("0000");
    return;
  }
  if (!QUESTION.test(body)) faults.push(`${asked}: ${body}`);
  const download = { href: `https://${HOST}/content` };
  response.end(JSON.stringify({ objects: [{ oid: OID, size: 4, actions: { download } }] }));
}

const mostly = (good: string, ...others: string[]): fc.Arbitrary<string> =>
  fc.oneof({ weight: 3, arbitrary: fc.constant(good) }, fc.constantFrom(...others));

const start = mostly(
  "GET http://{h}/repo/info/refs?service=git-upload-pack",
  "POST http://{h}/repo/git-upload-pack",
  "POST http://{h}/repo.git/info/lfs/objects/batch",
  `GET http://{h}/repo.git/info/lfs/objects/${OID}`,
  "GET http://{h}/repo/HEAD",
  "GET http://{h}/repo/info/refs?service=git-receive-pack",
  "POST http://{h}/repo/git-receive-pack",
  "POST http://{h}/other.git/info/lfs/objects/batch",
  "POST http://{h}/repo.git/info/lfs/locks",
  `PUT http://{h}/repo.git/info/lfs/objects/${OID}`,
  "GET http://{h}/repo/../other/info/refs?service=git-upload-pack",
  "GET http://{h}/repo/objects/info/../../config",
  "CONNECT {h}:443",
  "GET /repo/HEAD",
);
const host = mostly(
  HOST,
  "thief.example",
  "169.254.169.254",
  `${HOST}:8080`,
  `u:p@${HOST}`,
  `${HOST}@thief.example`,
  "[::1]",
  `${HOST}.`,
  "127.1",
);
const field = fc.constantFrom(
  "git-protocol: version=2",
  "git-protocol: version=9",
  "authorization: Basic x",
  "x-api-key: y",
  "content-type: application/x-git-upload-pack-request",
  "content-encoding: gzip",
  "range: bytes=0-1",
  "cookie: a=b",
  "accept: */*\r\nx-hidden: 1",
  "user-agent: git/2.39.5",
  "transfer-encoding: chunked",
);
const body = fc.constantFrom(
  JSON.stringify({ operation: "download", objects: [{ oid: OID, size: 4 }] }),
  JSON.stringify({ operation: "download", objects: [{ oid: OID, size: 4, x: 1 }], ref: "r" }),
  JSON.stringify({ operation: "upload", objects: [{ oid: OID, size: 4 }] }),
  JSON.stringify({ operation: "download", objects: [{ oid: "../x", size: -1 }] }),
  JSON.stringify({ operation: "download", objects: [null, 1, { oid: OID, size: 1e300 }] }),
  "{",
  "0000",
  `0\r\n\r\nPOST http://${HOST}/repo/git-receive-pack HTTP/1.1\r\nhost: x\r\n\r\n`,
);

/** A request of git's or of Git LFS's, in order or out of it. */
export const hostileReads: fc.Arbitrary<string> = fc
  .tuple(start, host, fc.array(field, { maxLength: 3 }), body)
  .map(([first, name, fields, sent]) => {
    const isSent = /^(POST|PUT)/.test(first);
    const length = isSent ? [`content-length: ${sent.length}`] : [];
    const head = [`${first.replaceAll("{h}", name)} HTTP/1.1`, `host: ${name}`, ...fields];
    return [...head, ...length, "", isSent ? sent : ""].join("\r\n");
  });

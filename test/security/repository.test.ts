import { mkdtempSync } from "node:fs";
import { rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startRepositoryProxy } from "../../infra/agent/repository/proxy.ts";
import { credentialOf } from "../../shared/agent/credential.ts";
import { startConversationWorld } from "../infra/agent/conversation-world.ts";
import { GIT_TOKEN, startGitServer } from "../infra/agent/workspace/git-server.ts";

const SERVICE = "service=git-upload-pack";
const HOST = "http://git.example";

/** Requests that read another thing than the one repository, or write. */
const REFUSED = [
  `GET ${HOST}/private/info/refs?service=git-receive-pack`,
  `POST ${HOST}/private/git-receive-pack`,
  `POST ${HOST}/private/info/refs?${SERVICE}`,
  `GET ${HOST}/private/git-upload-pack`,
  `POST ${HOST}/private/git-upload-pack?x`,
  `POST ${HOST}/private/git-upload-archive`,
  `GET ${HOST}/private/info/refs`,
  `GET ${HOST}/private/info/refs?${SERVICE}&service=git-receive-pack`,
  `GET ${HOST}/private/info/refs?${SERVICE}%00`,
  `PUT ${HOST}/private/HEAD`,
  `DELETE ${HOST}/private/HEAD`,
  `PROPFIND ${HOST}/private/`,
  `GET ${HOST}/private`,
  `GET ${HOST}/private/config`,
  `GET ${HOST}/private/objects/info/../../config`,
  `GET ${HOST}/repository/info/refs?${SERVICE}`,
  `GET ${HOST}/private/../repository/info/refs?${SERVICE}`,
  `GET ${HOST}/private/%2e%2e/repository/info/refs?${SERVICE}`,
  `GET ${HOST}/private%2f../repository/info/refs?${SERVICE}`,
  `GET ${HOST}/private/x/info/refs?${SERVICE}`,
  `GET ${HOST}/x/private/info/refs?${SERVICE}`,
  `GET ${HOST}/api/v4/user`,
  // The settings do not want files of Git LFS.
  `POST ${HOST}/private.git/info/lfs/objects/batch`,
  `GET ${HOST}/private.git/info/lfs/objects/${"0".repeat(64)}`,
  `POST ${HOST}/private.git/info/lfs/locks`,
  `GET ${HOST}:8080/private/info/refs?${SERVICE}`,
  `GET http://u:p@git.example/private/info/refs?${SERVICE}`,
  `GET http://thief.example/private/info/refs?${SERVICE}`,
  `GET http://git.example.thief.example/private/info/refs?${SERVICE}`,
  `GET http://git.example@thief.example/private/info/refs?${SERVICE}`,
  `GET https://git.example/private/info/refs?${SERVICE}`,
  `GET /private/info/refs?${SERVICE}`,
  "CONNECT git.example:443",
  "CONNECT thief.example:443",
];

async function startProxyWorld() {
  const server = await startGitServer();
  server.commit({ "a.txt": "a\n" });
  const folder = mkdtempSync(join(tmpdir(), "runyard-repository-"));
  const socketPath = join(folder, "egress.sock");
  const proxy = await startRepositoryProxy({
    socketPath,
    url: "https://git.example/private",
    credential: credentialOf(GIT_TOKEN),
    access: server.access,
  });
  return {
    asked: server.asked,
    send: (bytes: string) =>
      new Promise<string>((resolve) => {
        let said = "";
        const socket = connect(socketPath);
        socket
          .on("error", () => {})
          .on("data", (chunk) => {
            said += chunk;
          });
        socket.once("close", () => resolve(said));
        socket.write(bytes);
      }),
    async [Symbol.asyncDispose]() {
      await proxy.close();
      await rm(folder, { recursive: true });
      await server[Symbol.asyncDispose]();
    },
  };
}

test(`the way to a repository reads that one and writes nothing (${REFUSED.length} attempts)`, async () => {
  await using world = await startProxyWorld();
  for (const line of REFUSED) {
    const said = await world.send(
      `${line} HTTP/1.1\r\nhost: git.example\r\nconnection: close\r\n\r\n`,
    );
    expect([line, said.slice(0, 12)]).toEqual([
      line,
      line.startsWith("CONNECT") ? "" : "HTTP/1.1 403",
    ]);
    expect([line, world.asked]).toEqual([line, []]);
  }
});

test("of a request nothing goes on but what says how it is to be answered", async () => {
  await using world = await startProxyWorld();
  const head = `GET ${HOST}/private/info/refs?${SERVICE} HTTP/1.1\r\nhost: thief.example\r\n`;
  const own = "authorization: Basic eDp5\r\ncookie: a=b\r\nuser-agent: git/2.39.5\r\n\r\n";
  const said = await world.send(`${head}connection: close\r\n${own}`);
  expect(said).toMatch(/^HTTP\/1\.1 200 /);
  expect(said).toContain("# service=git-upload-pack");
  const authorization = credentialOf(GIT_TOKEN)?.authorization;
  expect(world.asked).toMatchObject([{ host: "git.example", authorization }]);
});

/** What an agent looks through; the pattern finds no place where it stands itself. */
const SEARCH = String.raw`
  p='git-token-that-nobody[-]may-see|Z2l0LXRva2VuLXRoYXQtbm9ib2R5LW1heS1zZW[U]|eC1hY2Nlc3MtdG9rZW4[6]'
  { env; cat /proc/*/environ /proc/*/cmdline | tr '\0' '\n'; git config --list --show-origin; } 2>/dev/null | grep -aE "$p"
  grep -rlaE "$p" /workspace /home /tmp /dev/shm /etc /run /opt 2>/dev/null
  git fetch -q origin 2>&1; git -c url.http://.insteadOf=https:// fetch -q origin 2>&1
  curl -sS "http://git.example/private/info/refs?service=git-upload-pack" -x "$http_proxy" 2>&1
  echo searched`;

test("an agent on a private repository finds nothing of its credential, and no way to its host", async () => {
  await using world = await startConversationWorld();
  await using server = await startGitServer();
  const commit = server.commit({ "a.txt": "a\n" });
  const settings = {
    repository: {
      url: "https://git.example/private",
      credential: { secret: "projects/p/secrets/s/versions/1" },
    },
  };
  const repositories = { ...server.access, credential: GIT_TOKEN };
  const turn = await world.turn(`run: ${SEARCH}`, { settings, repositories });
  expect(turn.manifest.session).toMatchObject({ commit });
  expect(turn.answer).toContain("searched");
  expect(turn.answer).not.toMatch(/workspace\/|home\/|proc\/|Z2l0|"refs/);
  expect(turn.answer.match(/403/g)?.length).toBeGreaterThanOrEqual(2);
  const pair = Buffer.from(`x-access-token:${GIT_TOKEN}`).toString("base64");
  const kept = await Promise.all((await world.objects()).map((name) => world.read(name)));
  const everything = JSON.stringify([kept, turn.log, world.progress, turn.requests]);
  expect(everything).toContain("searched");
  expect([GIT_TOKEN, pair].filter((each) => everything.includes(each))).toEqual([]);
}, 60_000);

import {
  HttpsRepositories,
  type HttpsRepositoriesOptions,
} from "../../../functions/repositories/https-repositories.ts";
import { startGitServer } from "../../infra/agent/workspace/git-server.ts";

type GitServer = Awaited<ReturnType<typeof startGitServer>>;
const HOST = "https://git.example";

let server: GitServer;
let commit: string;
beforeAll(async () => {
  server = await startGitServer();
  commit = server.commit({ "a.txt": "a" });
  server.git("tag", "v1");
  server.git("update-server-info");
});
afterAll(() => server[Symbol.asyncDispose]());

const look = (url: string, ref?: string, options: HttpsRepositoriesOptions = {}) =>
  new HttpsRepositories({ ...server.access, timeoutMs: 3000, ...options }).look({
    url,
    ...(ref !== undefined && { ref }),
  });

test.each(["repository", "dumb", "repository/"])(
  "%s is reached, and its refs are known",
  async (place) => {
    const refs = [undefined, "trunk", "v1", "refs/heads/trunk", commit, "nowhere", "f".repeat(40)];
    const looks = await Promise.all(refs.map((ref) => look(`${HOST}/${place}`, ref)));
    expect(looks.map(({ reachable }) => reachable)).toEqual(refs.map(() => true));
    const expected = [null, true, true, true, true, false, null];
    expect(looks.map(({ hasRef }) => hasRef)).toEqual(expected);
    expect(looks[5]?.why).toBe("It has no branch, tag or commit nowhere.");
  },
);

test.each([
  ["private", /answers 401: there is none, or not for everybody/],
  ["none", /answers 404: there is none/],
  ["moved", /answers with a redirect/],
  ["page", /What answers there is no server of git/],
  ["silent", /does not answer in time/],
])("at /%s there is none, and it says why", async (place, why) => {
  const found = await look(`${HOST}/${place}`, "trunk", { timeoutMs: 1500 });
  expect(found).toEqual({ reachable: false, why: expect.stringMatching(why), hasRef: null });
});

test("of an answer without an end only the beginning is read", async () => {
  const found = await look(`${HOST}/endless`, "nowhere");
  expect(found).toEqual({ reachable: true, why: "It lists its refs.", hasRef: null });
});

test("a name is looked up once, and the address that was checked is the one that is connected to", async () => {
  const opened: string[] = [];
  let asked = 0;
  const resolve = async () => {
    asked += 1;
    return [
      { address: "10.0.0.1", family: 4 },
      { address: asked === 1 ? "93.184.215.14" : "127.0.0.1", family: 4 },
    ];
  };
  const open = (address: string) => {
    opened.push(address);
    return server.access.open?.(address) as ReturnType<NonNullable<typeof server.access.open>>;
  };
  expect(await look(server.url, "trunk", { resolve, open })).toMatchObject({ hasRef: true });
  expect(opened).toEqual(["93.184.215.14"]);
  expect(asked).toBe(1);
});

describe("nothing is connected to", () => {
  const open = () => {
    throw new Error("it was connected to");
  };

  test.each([
    "https://169.254.169.254/computeMetadata",
    "https://127.0.0.1/r",
    "https://127.1/r",
    "https://0x7f000001/r",
    "https://2130706433/r",
    "https://[::1]/r",
    "https://[::ffff:127.0.0.1]/r",
    "https://[::ffff:93.184.215.14]/r",
    "https://[fd20:ce::254]/r",
    "https://10.1.2.3/r",
  ])("at %s", async (url) => {
    const why = "Its host has no public address.";
    expect(await look(url, undefined, { open })).toEqual({ reachable: false, why, hasRef: null });
  });

  test.each([
    ["a name of a private address", `${HOST}/r`, "10.0.0.1"],
    ["a name of the metadata server", `${HOST}/r`, "169.254.169.254"],
    ["a name of loopback", `${HOST}/r`, "::1"],
  ])("for %s", async (_what, url, address) => {
    const resolve = async () => [{ address, family: 4 }];
    const why = "Its host has no public address.";
    expect(await look(url, undefined, { open, resolve })).toMatchObject({ reachable: false, why });
  });

  test.each([
    ["https://git.example:8443/r", "Only port 443 of a host can be reached."],
    ["https://git.example:22/r", "Only port 443 of a host can be reached."],
    ["http://git.example/r", "That is no address of a repository."],
    ["https://user:word@git.example/r", "That is no address of a repository."],
    ["https://git.example/r#part", "That is no address of a repository."],
    ["https://", "That is no address of a repository."],
    ["https://unknown.example/r", "It cannot be reached."],
  ])("for %s", async (url, why) => {
    expect(await look(url, undefined, { open })).toMatchObject({ reachable: false, why });
  });

  test("while a name is looked up for longer than there is time", async () => {
    const resolve = () => new Promise<never>(() => {});
    const why = "It does not answer in time.";
    const options = { open, resolve, timeoutMs: 200 };
    expect(await look(server.url, undefined, options)).toMatchObject({ reachable: false, why });
  });
});

test("a host whose certificate nobody vouches for, or is another's, is not believed", async () => {
  const { resolve, open } = server.access;
  const real = { ...(resolve && { resolve }), ...(open && { open }) };
  const unknown = await new HttpsRepositories(real).look({ url: server.url });
  expect(unknown).toMatchObject({ reachable: false, why: "Its certificate is not valid." });
  const found = async () => [{ address: "93.184.215.14", family: 4 }];
  const other = await look("https://other.example/repository", undefined, { resolve: found });
  expect(other).toMatchObject({ reachable: false, why: "Its certificate is not valid." });
  const byAddress = await look("https://93.184.215.14/repository");
  expect(byAddress).toMatchObject({ reachable: false, why: "Its certificate is not valid." });
});

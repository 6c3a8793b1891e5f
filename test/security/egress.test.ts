import { mkdtempSync } from "node:fs";
import { rm } from "node:fs/promises";
import { type AddressInfo, connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startEgressProxy } from "../../infra/agent/sandbox/egress-proxy.ts";

const ALLOWED = "allowed.test";

/** The way out for a run that may reach one host, whose name resolves to `addresses`. */
async function startWorld(addresses: readonly string[]) {
  const folder = mkdtempSync(join(tmpdir(), "runyard-egress-"));
  const socketPath = join(folder, "egress.sock");
  const opened: string[] = [];
  const resolved: string[] = [];
  const host = createServer((socket) => void socket.on("error", () => {}).resume());
  await new Promise<void>((resolve) => host.listen(0, "127.0.0.1", resolve));
  const proxy = await startEgressProxy({
    socketPath,
    allowedHosts: [ALLOWED],
    async resolve(name) {
      resolved.push(name);
      return addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }));
    },
    open(address) {
      opened.push(address);
      return connect((host.address() as AddressInfo).port, "127.0.0.1");
    },
  });
  return {
    opened,
    resolved,
    send: (bytes: string) =>
      new Promise<string>((resolve) => {
        let said = "";
        const socket = connect(socketPath);
        socket.setTimeout(2_000, () => socket.destroy());
        socket
          .on("error", () => {})
          .on("data", (chunk) => {
            said += chunk;
          });
        socket.once("close", () => resolve(said));
        socket.end(Buffer.from(bytes, "latin1"));
      }),
    async [Symbol.asyncDispose]() {
      await proxy.close();
      await new Promise<void>((resolve) => host.close(() => resolve()));
      await rm(folder, { recursive: true });
    },
  };
}

/** What an agent asks for in the place of its one host. */
const TARGETS = [
  "other.test:443",
  "allowed.test.other.test:443",
  "xallowed.test:443",
  "allowed.tes:443",
  "allowed.test:80",
  "allowed.test:8443",
  "allowed.test",
  "allowed.test:",
  "allowed.test:443:443",
  "allowed.test:443/x",
  "user@allowed.test:443",
  "user:443@allowed.test:443",
  "allowed.test:443@other.test:443",
  "other.test:443#allowed.test:443",
  "other.test:443?allowed.test:443",
  "allowed.test%00.other.test:443",
  "allowed.test%2eother.test:443",
  "allowed.test\0.other.test:443",
  "allowed.test..:443",
  ".allowed.test:443",
  "*.test:443",
  "*:443",
  "http://allowed.test:443",
  "//allowed.test:443",
  "allowed\u00a0.test:443",
  "169.254.169.254:443",
  "metadata.google.internal:443",
  "localhost:443",
  "127.0.0.1:443",
  "127.1:443",
  "2130706433:443",
  "0x7f000001:443",
  "0:443",
  "[::1]:443",
  "[::ffff:169.254.169.254]:443",
  "[fd00::1]:443",
  "10.0.0.1:443",
  "192.168.0.1:443",
];

test.each(TARGETS)("only its own hosts are reached: %j", async (target) => {
  await using world = await startWorld(["93.184.215.14"]);
  const said = await world.send(`CONNECT ${target} HTTP/1.1\r\nhost: ${ALLOWED}\r\n\r\n`);
  expect(said).toMatch(/^HTTP\/1\.1 40[03] /);
  expect(world.resolved).toEqual([]);
  expect(world.opened).toEqual([]);
});

/** Where the name of an allowed host may point to. */
const ADDRESSES = [
  "127.0.0.1",
  "127.255.255.254",
  "0.0.0.0",
  "10.1.2.3",
  "172.16.0.1",
  "172.31.255.255",
  "192.168.1.1",
  "169.254.169.254",
  "169.254.0.1",
  "100.64.0.1",
  "192.0.0.192",
  "192.0.2.1",
  "198.18.0.1",
  "198.51.100.1",
  "203.0.113.1",
  "224.0.0.1",
  "240.0.0.1",
  "255.255.255.255",
  "::",
  "::1",
  "::ffff:127.0.0.1",
  "::ffff:169.254.169.254",
  "::127.0.0.1",
  "64:ff9b::a9fe:a9fe",
  "64:ff9b:1::a9fe:a9fe",
  "2002:a9fe:a9fe::",
  "2001::1",
  "fc00::1",
  "fd00:ec2::254",
  "fe80::1",
  "fec0::1",
  "ff02::1",
  "2001:db8::1",
  "100::1",
];

test.each(ADDRESSES)("an allowed name leads to no address of ours: %s", async (address) => {
  await using world = await startWorld([address]);
  const said = await world.send(`CONNECT ${ALLOWED}:443 HTTP/1.1\r\nhost: x\r\n\r\n`);
  expect(said).toMatch(/^HTTP\/1\.1 403 /);
  expect(world.opened).toEqual([]);
});

/** Requests that are not for a tunnel. */
const OTHERS = [
  `GET http://${ALLOWED}/ HTTP/1.1\r\nhost: ${ALLOWED}\r\n\r\n`,
  `GET https://${ALLOWED}/ HTTP/1.1\r\nhost: ${ALLOWED}\r\n\r\n`,
  `POST / HTTP/1.1\r\nhost: ${ALLOWED}\r\ncontent-length: 0\r\n\r\n`,
  `GET / HTTP/1.1\r\nhost: ${ALLOWED}\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n`,
  `TRACE / HTTP/1.1\r\nhost: ${ALLOWED}\r\n\r\n`,
  `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n`,
  "\x05\x01\x00",
  "\x16\x03\x01\x00\x05hello",
];

test.each(OTHERS.map((bytes) => [bytes]))("nothing but tunnels leaves: %j", async (bytes) => {
  await using world = await startWorld(["93.184.215.14"]);
  expect(await world.send(bytes)).not.toMatch(/^HTTP\/1\.1 200/);
  expect(world.opened).toEqual([]);
});

test("the allowed host itself is reached, at an address that was checked", async () => {
  await using world = await startWorld(["169.254.169.254", "93.184.215.14"]);
  const said = await world.send(`CONNECT ALLOWED.test.:443 HTTP/1.1\r\nhost: x\r\n\r\n`);
  expect(said).toMatch(/^HTTP\/1\.1 200 /);
  expect(world).toMatchObject({ resolved: [ALLOWED], opened: ["93.184.215.14"] });
});

afterAll(() => {
  process.stdout.write(`egress: ${TARGETS.length + ADDRESSES.length + OTHERS.length} attempts\n`);
});

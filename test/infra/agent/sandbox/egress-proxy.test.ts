import { mkdtempSync } from "node:fs";
import { rm } from "node:fs/promises";
import { type AddressInfo, connect, createServer as createTcpServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startEgressProxy } from "../../../../infra/agent/sandbox/egress-proxy.ts";

/** A proxy for `allowed.test`, whose name resolves to `address`, and a server that echoes. */
async function startEgressWorld(address: string, portToOpen?: number) {
  const folder = mkdtempSync(join(tmpdir(), "runyard-proxy-"));
  const socketPath = join(folder, "egress.sock");
  const echo = createTcpServer((socket) => void socket.on("error", () => {}).pipe(socket));
  await new Promise<void>((resolve) => echo.listen(0, "127.0.0.1", resolve));
  const { port } = echo.address() as AddressInfo;
  const opened: string[] = [];
  const resolved: string[] = [];
  const proxy = await startEgressProxy({
    socketPath,
    allowedHosts: ["Allowed.test", "169.254.169.254"],
    async resolve(host) {
      resolved.push(host);
      return [{ address, family: 4 }];
    },
    open(ip) {
      opened.push(ip);
      return connect(portToOpen ?? port, "127.0.0.1");
    },
  });
  return {
    opened,
    resolved,
    /** Sends `lines`, then `more` once something came back, and gives what came in all. */
    converse: (lines: string, more = "") =>
      new Promise<string>((resolve) => {
        const socket = connect(socketPath);
        let said = "";
        socket.setEncoding("utf8");
        socket.on("data", (chunk) => {
          if (said === "" && more !== "") socket.write(more);
          said += chunk;
          if (more !== "" && said.includes(more)) socket.destroy();
        });
        socket.once("close", () => resolve(said));
        socket.write(lines);
      }),
    async [Symbol.asyncDispose]() {
      await proxy.close();
      await new Promise<void>((resolve) => echo.close(() => resolve()));
      await rm(folder, { recursive: true });
    },
  };
}

const connectTo = (target: string) => `CONNECT ${target} HTTP/1.1\r\nhost: ${target}\r\n\r\n`;

test("an allowed host is reached through the address that was checked", async () => {
  await using world = await startEgressWorld("1.2.3.4");
  const said = await world.converse(connectTo("ALLOWED.test:443"), "ping");
  expect(said).toMatch(/^HTTP\/1.1 200 .*\r\n\r\nping$/s);
  expect(world.opened).toEqual(["1.2.3.4"]);
});

test.each([
  ["another host", "other.test:443", "other.test is not among the run's allowedHosts."],
  ["a sub-domain", "sub.allowed.test:443", "is not among the run's allowedHosts."],
  ["another port", "allowed.test:80", "Only port 443"],
  ["no port", "allowed.test", "Only port 443"],
])("the egress proxy refuses %s", async (_name, target, reason) => {
  await using world = await startEgressWorld("1.2.3.4");
  const said = await world.converse(connectTo(target));
  expect(said).toMatch(/^HTTP\/1.1 403 /);
  expect(said).toContain(reason);
  expect([world.opened, world.resolved]).toEqual([[], []]);
});

test.each(["127.0.0.1", "169.254.169.254", "10.1.2.3", "::1", "::ffff:169.254.169.254"])(
  "an allowed name that points to %s leads nowhere",
  async (address) => {
    await using world = await startEgressWorld(address);
    const said = await world.converse(connectTo("allowed.test:443"));
    expect(said).toMatch(/^HTTP\/1.1 403 .*has no public address/s);
    expect(world.opened).toEqual([]);
  },
);

test("a host that does not answer is told as such", async () => {
  await using world = await startEgressWorld("1.2.3.4", 1);
  const said = await world.converse(connectTo("allowed.test:443"));
  expect(said).toMatch(/^HTTP\/1.1 504 .*The host did not answer/s);
});

test("plain HTTP is refused with a reason", async () => {
  await using world = await startEgressWorld("1.2.3.4");
  const said = await world.converse(
    "GET http://allowed.test/ HTTP/1.1\r\nhost: allowed.test\r\n\r\n",
  );
  expect(said).toMatch(/^HTTP\/1.1 403 .*Only HTTPS leaves the sandbox/s);
});

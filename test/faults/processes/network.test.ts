import { once } from "node:events";
import { type AddressInfo, createConnection, createServer, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { eventually } from "../../support/eventually.ts";
import { freePorts } from "../../support/free-ports.ts";
import { startNetwork } from "./network.ts";

/** A service that answers each piece with the same, and a network before it. */
async function startEcho() {
  const stack = new AsyncDisposableStack();
  const seen: string[] = [];
  const sockets = new Set<Socket>();
  const service = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("data", (piece) => {
      seen.push(piece.toString());
      socket.write(piece);
    });
  });
  await once(service.listen(0, "127.0.0.1"), "listening");
  stack.defer(() => {
    for (const socket of sockets) socket.destroy();
    service.close();
  });
  const [port = 0] = await freePorts(1);
  const network = await startNetwork(port, (service.address() as AddressInfo).port);
  stack.defer(() => network.close());
  const open = async () => {
    const socket = createConnection({ port, host: "127.0.0.1" });
    stack.defer(() => void socket.destroy());
    let heard = "";
    let isBroken = false;
    socket.on("data", (piece) => {
      heard += piece;
    });
    socket.on("error", () => {
      isBroken = true;
    });
    await once(socket, "connect");
    return { socket, heard: () => heard, isBroken: () => isBroken };
  };
  return { seen, network, open, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

test("in fair weather everything passes, in both directions", async () => {
  await using echo = await startEcho();
  const { socket, heard } = await echo.open();
  socket.write("one");
  await eventually(() => expect(heard()).toBe("one"));
});

test("what is late comes in its order, also what follows in fair weather", async () => {
  await using echo = await startEcho();
  const { socket, heard } = await echo.open();
  let met = 0;
  echo.network.begin("delay", 150, () => {
    met += 1;
  });
  socket.write("one");
  await eventually(() => expect(met).toBe(1));
  echo.network.clear();
  socket.write("two");
  await eventually(() => expect(echo.seen.join("")).toBe("onetwo"));
  expect(heard()).toBe("");
  await eventually(() => expect(heard()).toBe("onetwo"));
});

test("a swallowed answer's request has passed, and its connection breaks when the weather clears", async () => {
  await using echo = await startEcho();
  const { socket, heard, isBroken } = await echo.open();
  echo.network.begin("swallow", 0, () => {});
  socket.write("one");
  await eventually(() => expect(echo.seen).toEqual(["one"]));
  await sleep(50);
  expect([heard(), isBroken()]).toEqual(["", false]);
  echo.network.clear();
  await eventually(() => expect(isBroken()).toBe(true));
});

test("through a half-open connection nothing passes, and a reset ends those that are there", async () => {
  await using echo = await startEcho();
  const half = await echo.open();
  echo.network.begin("half-open", 0, () => {});
  half.socket.write("one");
  await sleep(50);
  expect([echo.seen, half.isBroken()]).toEqual([[], false]);
  echo.network.clear();
  await eventually(() => expect(half.isBroken()).toBe(true));
  const other = await echo.open();
  other.socket.write("two");
  await eventually(() => expect(other.heard()).toBe("two"));
  echo.network.begin("reset", 0, () => {});
  await eventually(() => expect(other.isBroken()).toBe(true));
});

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "../../../support/eventually.ts";
import {
  acknowledge,
  buildStatus,
  commit,
  createBuild,
  createTopic,
  documentIds,
  objects,
  publish,
  pulled,
  pushTo,
  startServicesWorld,
  upload,
} from "./services-world.ts";

const TIMEOUT_MS = 180_000;
const RESOURCE_EXHAUSTED = 8;
const CONTENT = Buffer.alloc(300_000, "content");

/** What a service says of a full disk, about its folder. */
function fullDisk(folder: string, code = RESOURCE_EXHAUSTED) {
  const message = expect.stringMatching(new RegExp(`disk is full: .*/disk-\\w+/${folder}`));
  return { code, message };
}

test(
  "on a full disk every write is refused as such, reads go on, and with room again all is as before, also after kill -9",
  async () => {
    await using world = await startServicesWorld();
    const { disk, clients } = world;
    await createTopic(clients);
    await commit(clients, "before");
    await publish(clients, "before");
    await upload(clients, "before", CONTENT);
    const build = await createBuild(clients, "true");
    await eventually(async () => expect(await buildStatus(clients, build)).toBe("SUCCESS"));

    await disk.fill();
    await expect(commit(clients, "full")).rejects.toMatchObject(fullDisk("firestore"));
    await expect(publish(clients, "full")).rejects.toMatchObject(fullDisk("pubsub"));
    await expect(upload(clients, "full", CONTENT)).rejects.toMatchObject(fullDisk("storage", 507));
    await expect(upload(clients, "before", CONTENT)).rejects.toMatchObject({ code: 507 });
    await expect(createBuild(clients, "true")).rejects.toMatchObject(fullDisk("cloud-build"));
    const [message] = await eventually(async () => {
      const messages = await pulled(clients);
      expect(messages).toHaveLength(1);
      return messages;
    });
    expect(message?.text).toBe("before");
    const acknowledged = acknowledge(clients, [message?.ackId ?? ""]);
    await expect(acknowledged).rejects.toMatchObject(fullDisk("pubsub"));
    expect(await documentIds(clients)).toEqual(["before"]);
    expect(await objects(clients)).toEqual({ before: CONTENT });
    expect(await buildStatus(clients, build)).toBe("SUCCESS");
    expect(await world.isAlive()).toBe(true);

    await disk.free();
    await commit(clients, "after");
    await publish(clients, "after");
    await upload(clients, "after", CONTENT);
    const later = await createBuild(clients, "true");
    await eventually(async () => expect(await buildStatus(clients, later)).toBe("SUCCESS"));

    for (const when of ["before a restart", "after kill -9"]) {
      if (when !== "before a restart") await world.restart("kill -9");
      expect(await documentIds(world.clients)).toEqual(["after", "before"]);
      expect(await objects(world.clients)).toEqual({ after: CONTENT, before: CONTENT });
      expect(await buildStatus(world.clients, later)).toBe("SUCCESS");
      await eventually(async () => {
        const texts = (await pulled(world.clients)).map(({ text }) => text);
        expect(texts.toSorted()).toEqual(["after", "before"]);
      });
    }
    const files = await disk.run(`ls ${disk.path}/storage/content | wc -l`);
    expect(Number(files)).toBe(2);
  },
  TIMEOUT_MS,
);

test(
  "a resumable upload that meets a full disk keeps its session and ends when there is room",
  async () => {
    await using world = await startServicesWorld();
    const { disk, clients } = world;
    const [session] = await clients.storage
      .bucket("test-bucket")
      .file("big")
      .createResumableUpload();
    const content = Buffer.alloc(1_000_000, "resumable");
    const put = () => fetch(session, { method: "PUT", body: content });
    await disk.fill();
    const refused = await put();
    expect(refused.status).toBe(507);
    expect(await refused.text()).toMatch(/disk is full: .*storage/);
    await disk.free();
    expect((await put()).status).toBe(200);
    expect(await objects(clients)).toEqual({ big: content });
  },
  TIMEOUT_MS,
);

test(
  "builds that work or wait while the disk is full come to their end when there is room",
  async () => {
    const outside = mkdtempSync(join(tmpdir(), "outside-"));
    await using world = await startServicesWorld();
    const { disk, clients } = world;
    const signal = join(outside, "go");
    const script = `until test -e ${signal}; do sleep 0.05; done; seq 100000`;
    const working = await createBuild(clients, script);
    const waiting = await createBuild(clients, "true");
    await eventually(async () => expect(await buildStatus(clients, working)).toBe("WORKING"));
    await disk.fill();
    writeFileSync(signal, "");
    // Long enough for the step to end, and for two tries to store that.
    await new Promise((resolve) => setTimeout(resolve, 2500));
    expect(await buildStatus(clients, working)).toBe("WORKING");
    expect(await buildStatus(clients, waiting)).toBe("QUEUED");
    await disk.free();
    await eventually(async () => {
      expect(await buildStatus(clients, working)).toMatch(/SUCCESS|FAILURE|INTERNAL_ERROR/);
      expect(await buildStatus(clients, waiting)).toBe("SUCCESS");
    });
    expect(await world.isAlive()).toBe(true);
    rmSync(outside, { recursive: true });
  },
  TIMEOUT_MS,
);

test(
  "a push whose acknowledgement finds no room comes again, and once only when there is room",
  async () => {
    const bodies: string[] = [];
    let isFull = false;
    const endpoint = createServer((request, response) => {
      request.resume().on("end", () => {
        bodies.push(request.url ?? "");
        response.writeHead(isFull ? 204 : 500).end();
      });
    }).listen(0, "127.0.0.1");
    await eventually(() => expect(endpoint.listening).toBe(true));
    const { port } = endpoint.address() as AddressInfo;
    await using world = await startServicesWorld();
    const { disk, clients } = world;
    await createTopic(clients);
    await publish(clients, "once");
    await pushTo(clients, `http://127.0.0.1:${port}/`);
    await disk.fill();
    isFull = true;
    await eventually(() => expect(bodies.length).toBeGreaterThan(2));
    expect(await world.isAlive()).toBe(true);
    await disk.free();
    await eventually(async () => {
      const before = bodies.length;
      await new Promise((resolve) => setTimeout(resolve, 3000));
      expect(bodies.length).toBe(before);
    }, 30);
    endpoint.closeAllConnections();
    endpoint.close();
  },
  TIMEOUT_MS,
);

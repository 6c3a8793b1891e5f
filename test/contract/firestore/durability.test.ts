import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { FieldValue } from "@google-cloud/firestore";
import { standInTest } from "../declared.ts";
import { idsOf, startWorld } from "./world.ts";

standInTest("everything is there after a restart, and commit times go on growing", async () => {
  await using world = await startWorld();
  const { db } = world;
  const { writeTime } = await db.doc("c/a").set({ n: 1, at: FieldValue.serverTimestamp() });
  await db.doc("c/b").set({ n: 2 });
  await db.doc("c/b").delete();
  const before = await db.doc("c/a").get();
  await world.restart();
  const after = await db.doc("c/a").get();
  expect(after.data()).toEqual(before.data());
  expect(after.updateTime).toEqual(writeTime);
  expect(idsOf(await db.collection("c").orderBy("n").get())).toEqual(["a"]);
  const { writeTime: later } = await db.doc("c/a").set({ n: 2 });
  expect(later.valueOf() > writeTime.valueOf()).toBe(true);
});

standInTest("no acknowledged commit is lost when the process is killed", async () => {
  await using world = await startWorld();
  const { db, directory } = world;
  await world.service.close();
  const host = fileURLToPath(new URL("./killed-host.ts", import.meta.url));
  const child = spawn(
    process.execPath,
    [host, directory, world.service.address.split(":")[1] ?? ""],
    {
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  await once(child.stdout, "data");
  const acknowledged = new Set<string>();
  let isKilled = false;
  const write = async (lane: number) => {
    for (let n = 0; !isKilled; n++) {
      await db.doc(`c/${lane}-${n}`).create({ lane, n });
      if (isKilled) return;
      acknowledged.add(`${lane}-${n}`);
      if (acknowledged.size < 300) continue;
      isKilled = true;
      child.kill("SIGKILL");
    }
  };
  // A call that was under way fails, or is sent again and may find its own document.
  const lanes = Array.from({ length: 8 }, (_, lane) => write(lane).catch(() => {}));
  await once(child, "exit");
  expect(acknowledged.size).toBe(300);
  await world.restart();
  const stored = new Set(idsOf(await db.collection("c").get()));
  expect([...acknowledged].filter((id) => !stored.has(id))).toEqual([]);
  const byIndex = new Set(idsOf(await db.collection("c").where("lane", ">=", 0).get()));
  expect([...stored].filter((id) => !byIndex.has(id))).toEqual([]);
  await Promise.all(lanes);
});

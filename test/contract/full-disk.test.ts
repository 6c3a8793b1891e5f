import { commit, startServicesWorld, upload } from "../infra/local/state/services-world.ts";
import { differsTest } from "./declared.ts";

const TIMEOUT_MS = 180_000;

differsTest(
  "Differs: Google's services do not run out of disk: here a write is RESOURCE_EXHAUSTED, as over a quota",
  async () => {
    await using world = await startServicesWorld();
    await world.disk.fill();
    await expect(commit(world.clients, "full")).rejects.toMatchObject({
      code: 8,
      details: expect.stringMatching(
        /^the disk is full: nothing can be written to \S+; make room there and try again$/,
      ),
    });
  },
  TIMEOUT_MS,
);

differsTest(
  "Differs: Cloud Storage has no word for a full disk: here 507, which its client gives up on at once",
  async () => {
    await using world = await startServicesWorld();
    await world.disk.fill();
    await expect(upload(world.clients, "full", Buffer.alloc(100_000))).rejects.toMatchObject({
      code: 507,
      errors: [{ reason: "insufficientStorage", domain: "global" }],
    });
  },
  TIMEOUT_MS,
);

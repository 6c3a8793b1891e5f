import { Firestore } from "@google-cloud/firestore";
import { sweep } from "../../../functions/attempts/sweep.ts";
import { WEBHOOK_LIMITS } from "../../../shared/events/webhook-limits.ts";
import { shardOf } from "../../../shared/shard.ts";
import { startPipeline } from "../../support/pipeline.ts";

test("however much is due at one webhook, what is due at others is asked for by the same sweep", async () => {
  await using pipeline = await startPipeline();
  const firestore = new Firestore({ projectId: pipeline.config.projectId });
  const bulk = firestore.bulkWriter();
  const due = (id: string, webhookId: string, dueAt: Date) =>
    void bulk.create(firestore.doc(`deliveries/${id}`), {
      owner: webhookId,
      webhookId,
      attempts: 1,
      shard: shardOf(id),
      dueAt,
    });
  const most = WEBHOOK_LIMITS.aSweep;
  // More than a page, all of it due for longer than those of the others.
  for (let nth = 0; nth < 2 * most + 50; nth += 1) due(`much-${nth}`, "whk_much", new Date(nth));
  for (let nth = 0; nth < 3; nth += 1) due(`few-${nth}`, "whk_few", new Date(1e9 + nth));
  await bulk.close();
  const asked: string[] = [];
  const { publisher } = pipeline.services;
  const services = {
    ...pipeline.services,
    publisher: Object.assign(Object.create(publisher), {
      publishDelivery: async ({ deliveryId }: { deliveryId: string }) =>
        void asked.push(deliveryId),
    }),
  };
  await sweep(services);
  const oldest = Array.from({ length: most }, (_, nth) => `much-${nth}`);
  expect(asked).toEqual([...oldest, "few-0", "few-1", "few-2"]);
  await firestore.terminate();
}, 60_000);

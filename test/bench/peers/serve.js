// A peer of the API: the same request, checked by the same schema, becomes a job of a queue.
// Arguments: the queue (`none`, `pg-boss` or `bullmq`) and where its database is.
import { randomUUID } from "node:crypto";
import fastify from "fastify";
import { CreateRun } from "../../../shared/documents/run.ts";
import { WORDS } from "../../../shared/schema/words.ts";
import { serveHelper } from "../serve-helper.ts";

const [kind, database] = process.argv.slice(2);

const QUEUES = {
  async none() {
    return async () => {};
  },
  async "pg-boss"() {
    const { PgBoss } = await import("pg-boss");
    const boss = new PgBoss({
      ...JSON.parse(database),
      max: 10,
      supervise: false,
      schedule: false,
    });
    boss.on("error", (error) => process.stderr.write(`${error.stack}\n`));
    await boss.start();
    await boss.createQueue("runs");
    return (job) => boss.send("runs", job);
  },
  async bullmq() {
    const { Queue } = await import("bullmq");
    const { Redis } = await import("ioredis");
    const connection = new Redis({ ...JSON.parse(database), maxRetriesPerRequest: null });
    const queue = new Queue("runs", { connection });
    await queue.waitUntilReady();
    return (job) => queue.add("run", job, { jobId: job.id });
  },
};

const enqueue = await QUEUES[kind]();
const app = fastify({
  ajv: { customOptions: { removeAdditional: false, coerceTypes: false, keywords: [...WORDS] } },
});
const schema = { body: JSON.parse(JSON.stringify(CreateRun)) };
app.post("/v1/runs", { schema }, async (request, reply) => {
  if (request.headers.authorization !== "Bearer ry_bench") return reply.code(401).send();
  const id = randomUUID();
  const run = { id, status: "pending", createdAt: new Date().toISOString(), ...request.body };
  await enqueue(run);
  return reply.code(202).header("location", `/v1/runs/${id}`).send(run);
});
await app.listen({ host: "127.0.0.1", port: 0 });
serveHelper(async () => ({ port: app.server.address().port }));

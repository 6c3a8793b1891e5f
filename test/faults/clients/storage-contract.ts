import type { Bucket } from "@google-cloud/storage";

type OnBucket = (bucket: Bucket, prefix: string) => Promise<unknown>;
const ONCE = { resumable: false, preconditionOpts: { ifGenerationMatch: 0 } };

/** Calls of objects, as `contract.ts` has those of documents and builds. */
export const STORAGE_CALLS: Record<string, OnBucket> = {
  async "an object is as it was saved"(bucket, prefix) {
    const file = bucket.file(`${prefix}a`);
    await file.save(Buffer.from("content"), { ...ONCE, contentType: "text/x" });
    const [metadata] = await file.getMetadata();
    const { size, contentType, md5Hash, name } = metadata;
    return [String(size), contentType, md5Hash, name, (await file.download())[0]];
  },
  async "the second creation is refused"(bucket, prefix) {
    const file = bucket.file(`${prefix}a`);
    await file.save("1", ONCE);
    const code = await file.save("2", ONCE).catch((error) => error.code);
    return [code, (await file.download())[0]];
  },
  "metadata of none": (bucket, prefix) => bucket.file(`${prefix}none`).getMetadata(),
  async "a part as a stream"(bucket, prefix) {
    const file = bucket.file(`${prefix}a`);
    await file.save("abcdef", { resumable: false });
    const [{ generation }] = (await file.getMetadata()) as [{ generation: string }, unknown];
    const content = bucket.file(`${prefix}a`, { generation });
    return Buffer.concat(await content.createReadStream({ start: 1, end: 3 }).toArray());
  },
  "a stream of none": (bucket, prefix) => bucket.file(`${prefix}none`).createReadStream().toArray(),
  "download of none": (bucket, prefix) => bucket.file(`${prefix}none`).download(),
  async "a generation that is no more"(bucket, prefix) {
    const file = bucket.file(`${prefix}a`);
    await file.save("1", { resumable: false });
    const [{ generation }] = await file.getMetadata();
    await file.save("2", { resumable: false });
    const old = bucket.file(`${prefix}a`, { generation: String(generation) });
    return old.download();
  },
  async "a list by prefix, and one of a folder alone"(bucket, prefix) {
    for (const name of ["b", "a", "in/c"]) {
      await bucket.file(prefix + name).save("x", { resumable: false });
    }
    const [all] = await bucket.getFiles({ prefix });
    const [own] = await bucket.getFiles({ prefix, delimiter: "/" });
    return [all.map(({ name }) => name), own.map(({ name }) => name)];
  },
  async "delete, and again"(bucket, prefix) {
    await bucket.file(`${prefix}a`).save("1", ONCE);
    await bucket.file(`${prefix}a`).delete();
    await bucket.file(`${prefix}a`).delete({ ignoreNotFound: true });
    return bucket.file(`${prefix}a`).delete();
  },
};

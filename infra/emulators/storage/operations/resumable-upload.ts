import type { Reply, StorageRequest } from "../request.ts";
import { toObjectResource } from "../resources.ts";
import type { State } from "../state.ts";
import { advanceUpload, cancelUpload } from "../upload.ts";

/**
 * `PUT …&upload_id=U`: more of a resumable upload, or with `content-range: bytes` `*` `/N` a
 * question how it stands. 308 with the persisted range while it is incomplete.
 */
export async function continueUpload(state: State, request: StorageRequest): Promise<Reply> {
  const id = request.query["upload_id"] ?? "";
  return alone(state, { id, request }, async () => {
    const progress = await advanceUpload(state, id, request);
    if ("object" in progress) {
      return { status: 200, json: toObjectResource(progress.object, request.baseUrl) };
    }
    const last = progress.persistedBytes - 1;
    const range = last < 0 ? {} : { range: `bytes=0-${last}` };
    return { status: 308, headers: { ...range, "x-guploader-uploadid": id } };
  });
}

/** `DELETE …&upload_id=U`: 499 is Google's answer when it worked. */
export async function deleteUpload(state: State, request: StorageRequest): Promise<Reply> {
  const id = request.query["upload_id"] ?? "";
  return alone(state, { id, request }, async () => {
    await cancelUpload(state, id);
    return { status: 499 };
  });
}

/**
 * Runs `work` while no other request touches the session. A client that asks again has given up its
 * earlier request, even if that connection has not noticed: the earlier one is cut off.
 *
 * Differs: Google lets an earlier request go on and answers the later one beside it.
 */
async function alone(
  state: State,
  session: { id: string; request: StorageRequest },
  work: () => Promise<Reply>,
): Promise<Reply> {
  const { id, request } = session;
  for (;;) {
    const active = state.activeUploads.get(id);
    if (active === undefined) break;
    active.interrupt();
    await active.ended;
  }
  const { promise, resolve } = Promise.withResolvers<void>();
  state.activeUploads.set(id, { interrupt: request.disconnect, ended: promise });
  try {
    return await work();
  } finally {
    state.activeUploads.delete(id);
    resolve();
  }
}

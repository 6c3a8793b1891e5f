import type { PlacedFile, SentTree } from "../../../shared/documents/files.ts";
import { answerOf } from "../../../shared/documents/run-answer.ts";
import type { Services } from "../../services/services.ts";
import { latestWithin } from "../accept/accept-order.ts";
import { waitSecondsOf } from "../accept/prefer.ts";
import type { CallOf } from "../http/call.ts";
import { ownRun, requestOf } from "./own-run.ts";
import { queuePlaceOf } from "./queue-place.ts";

/** `GET /v1/runs/{id}`; with `Prefer: wait=N` it is held until the run is done, at most so long. */
export async function getRun(services: Services, call: CallOf<"getRun">): Promise<void> {
  const { request, response } = call;
  const seconds = waitSecondsOf(request.headers["prefer"]?.toString());
  const run = await latestWithin(services, await ownRun(services, call), { seconds, response });
  if (seconds > 0) response.set("Preference-Applied", `wait=${seconds}`);
  const queue = await queuePlaceOf(services, run);
  call.response.json({ ...answerOf(run), ...(queue && { queue }) });
}

/** `GET /v1/runs/{id}/request` */
export async function getRunRequest(
  services: Services,
  call: CallOf<"getRunRequest">,
): Promise<void> {
  const run = await ownRun(services, call);
  const { files, tree, ...asked } = await requestOf(services, run);
  call.response.json({
    ...asked,
    ...(files && { files: files.map(withoutContent) }),
    ...(tree && { tree: withoutObject(tree) }),
  });
}

const withoutObject = ({ object: _, ...tree }: SentTree) => tree;
const withoutContent = ({ content: _, encoding: __, ...file }: PlacedFile) => file;

import { lineIdOf } from "../../../shared/capacity/line.ts";
import { AppError } from "../../../shared/errors.ts";
import { counted } from "../../../shared/text.ts";
import type { Services } from "../../services/services.ts";

/** When to look again; how long others will hold their slots nobody knows. */
const RETRY_SECONDS = 60;

/**
 * Refuses one more run of an owner who has very many waiting. The count is of seconds ago, so a few
 * more than that many may be accepted.
 *
 * @throws {AppError} limit_reached
 */
export function refuseFullLine(
  { capacity, mostWaiting }: Pick<Services, "capacity" | "mostWaiting">,
  owner: string,
  machineType: string,
): void {
  const waiting = capacity.waitingIn(lineIdOf(machineType, owner));
  if (waiting < mostWaiting) return;
  const detail = `${counted(waiting, "run")} of yours wait for a build slot of ${machineType}, and no more may; wait for some, or cancel some`;
  throw new AppError("limit_reached", { detail, retryAfterSeconds: RETRY_SECONDS });
}

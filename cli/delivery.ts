import type { Command } from "commander";
import type { CreateRun, Run } from "../client/types.ts";
import { usageFault } from "./failure.ts";
import { oneLine } from "./terminal.ts";

export interface DeliveryFlags {
  deliver?: boolean;
  branch?: string;
  pullRequest?: boolean;
  title?: string;
  draft?: boolean;
  mentions?: boolean;
}

/** Gives a command the options that say how what its run changed is handed back. */
export function withDelivery(command: Command): Command {
  return command
    .optionsGroup("What becomes of its changes:")
    .option("--deliver", "commit them to a branch of the repository, once it succeeds")
    .option("--branch <NAME>", "the branch's name")
    .option("--pull-request", "open a pull request for them")
    .option("--title <TEXT>", "the pull request's title")
    .option("--draft", "the pull request is a draft")
    .option("--mentions", "comments there that are meant for it go on with the conversation")
    .optionsGroup("Options:");
}

/**
 * What these options ask for; undefined: nothing is delivered.
 *
 * @throws {Failure} if one of them means nothing beside the others
 */
export function deliverOf(flags: DeliveryFlags): CreateRun["deliver"] {
  const { branch, title, draft, mentions } = flags;
  const isPullRequest = flags.pullRequest ?? false;
  if (!isPullRequest && (title !== undefined || draft || mentions)) {
    const words = "--title, --draft and --mentions are of a pull request";
    throw usageFault(`${words}: say --pull-request with them`);
  }
  if (!(flags.deliver || isPullRequest)) {
    if (branch === undefined) return undefined;
    throw usageFault("--branch says where to: say --deliver or --pull-request with it");
  }
  const said = { ...(draft && { draft }), ...(mentions && { mentions }) };
  const wanted = { ...(title !== undefined && { title }), ...said };
  return { ...(branch !== undefined && { branch }), ...(isPullRequest && { pullRequest: wanted }) };
}

/** What became of a run's delivery, in a line. */
export function deliveryText({ delivery, why, pullRequest }: NonNullable<Run["repository"]>) {
  const where = pullRequest ? `${oneLine(pullRequest.url)} (${pullRequest.state}) ` : "";
  return delivery === "done" ? where + oneLine(why) : `${delivery}: ${oneLine(why)}`;
}

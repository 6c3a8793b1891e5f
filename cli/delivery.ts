import type { Command } from "commander";
import type { CreateRun, Run } from "../client/types.ts";
import { usageFault } from "./failure.ts";
import { gathered } from "./settings-flags.ts";
import { oneLine } from "./terminal.ts";

export interface DeliveryFlags {
  deliver?: boolean;
  branch?: string;
  pullRequest?: boolean;
  title?: string;
  draft?: boolean;
  mentions?: boolean;
  deliverFolder?: string[];
}

/** Gives a command the options that say how what its run changed is handed back. */
export function withDelivery(command: Command): Command {
  return command
    .optionsGroup("What becomes of its changes:")
    .option("--deliver", "commit them to a branch of the repository, once it succeeds")
    .option("--branch <NAME>", "the branch's name")
    .option(
      "--deliver-folder <FOLDER>",
      "of several repositories, the folder of one to deliver to; may be said several times (default: all)",
      gathered,
    )
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
  const { branch, title, draft, mentions, pullRequest = false, deliverFolder: folders } = flags;
  if (!pullRequest && (title !== undefined || draft || mentions)) {
    const words = "--title, --draft and --mentions are of a pull request";
    throw usageFault(`${words}: say --pull-request with them`);
  }
  if (!(flags.deliver || pullRequest)) return undelivered(flags);
  const said = { ...(draft && { draft }), ...(mentions && { mentions }) };
  const wanted = { ...(title !== undefined && { title }), ...said };
  return {
    ...(branch !== undefined && { branch }),
    ...(folders && { folders }),
    ...(pullRequest && { pullRequest: wanted }),
  };
}

function undelivered({ branch, deliverFolder }: DeliveryFlags): undefined {
  const flag = branch !== undefined ? "--branch" : deliverFolder && "--deliver-folder";
  if (flag === undefined) return;
  throw usageFault(`${flag} says where to: say --deliver or --pull-request with it`);
}

type Result = NonNullable<Run["repository"]> & { folder?: string };

/** What a run left in its repository, or in each of several. */
export const resultsOf = ({ repository, repositories = [] }: Run): Result[] =>
  repository === undefined ? repositories : [repository];

/** What became of a run's deliveries, a line each: of several repositories after its folder. */
export const deliveryTexts = (run: Run): string[] =>
  resultsOf(run).map(({ folder, delivery, why, pullRequest }) => {
    const at = folder === undefined ? "" : `${oneLine(folder)}: `;
    const where = pullRequest ? `${oneLine(pullRequest.url)} (${pullRequest.state}) ` : "";
    return at + (delivery === "done" ? where + oneLine(why) : `${delivery}: ${oneLine(why)}`);
  });

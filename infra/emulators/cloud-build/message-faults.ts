import { goWrong } from "../wire/fault-call.ts";
import type { ArmedFault, InjectedFaults } from "../wire/faults.ts";
import { type Overtaking, startOvertaking } from "../wire/overtaking.ts";
import type { Publish } from "./outbox.ts";

const REORDER_WITHIN_MS = 1000;

/**
 * `publish` with faults in front of it; without any for `cloud-builds`, or without `faults`, the
 * very same.
 *
 * @throws {Error} for a fault that cannot fire
 */
export function withMessageFaults(publish: Publish, faults: InjectedFaults | undefined): Publish {
  return (faults?.arm("cloud-builds", "message") ?? []).reduceRight(faultyPublish, publish);
}

function faultyPublish(publish: Publish, fault: ArmedFault): Publish {
  const { action, clock } = fault;
  const overtaking = startOvertaking(clock);
  return async (projectId, message) => {
    const run = () => publish(projectId, message);
    if (!fault.decide({ projectId, ...message })) {
      await run();
      overtaking.overtake();
      return;
    }
    if (action.type === "reorder") {
      holdBack({ fault, overtaking, publish: run, withinMs: action.withinMs ?? REORDER_WITHIN_MS });
      return;
    }
    await goWrong<void>(fault, { run, lose: async () => {}, cut: noConnection });
  };
}

interface HeldMessage {
  fault: ArmedFault;
  overtaking: Overtaking;
  publish: () => void | Promise<void>;
  withinMs: number;
}

const MAX_TRIES = 10;

/**
 * The outbox takes the message for published: it goes out later, and is lost if this process dies
 * first.
 */
function holdBack(held: HeldMessage, tries = 1): void {
  const { fault, overtaking, publish, withinMs } = held;
  overtaking.hold((isOvertaken) => {
    if (isOvertaken && tries === 1) fault.note();
    Promise.try(publish).catch(() => {
      if (tries < MAX_TRIES) holdBack(held, tries + 1);
    });
  }, withinMs);
}

function noConnection(): never {
  throw new Error("a message inside the stand-in has no connection to cut");
}

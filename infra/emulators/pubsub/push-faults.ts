import { killProcess } from "../wire/fault-call.ts";
import type { ArmedFault, InjectedFaults } from "../wire/faults.ts";
import { type Overtaking, startOvertaking } from "../wire/overtaking.ts";
import type { Push, PushOutcome, PushRequest, startPushRequest } from "./push-request.ts";

/** Posts a push and reports its outcome once, as {@link startPushRequest} does. */
export type SendPush = typeof startPushRequest;

/** A push that is to go wrong. */
interface FaultyPush {
  fault: ArmedFault;
  overtaking: Overtaking;
  /** Sends it and reports how it went. */
  send(report: (outcome: PushOutcome) => void): PushRequest;
  report(outcome: PushOutcome): void;
}

const REORDER_WITHIN_MS = 1000;
const NOTHING_SENT: PushRequest = { abort() {} };

/**
 * A sender with faults in front of it; without any for `push`, or without `faults`, the very same
 * one.
 *
 * @throws {Error} for a fault that cannot fire
 */
export function withPushFaults(send: SendPush, faults: InjectedFaults | undefined): SendPush {
  return (faults?.arm("push", "push") ?? []).reduceRight(faultySender, send);
}

function faultySender(send: SendPush, fault: ArmedFault): SendPush {
  const overtakings = new Map<string, Overtaking>();
  return (agents, push, report) => {
    const overtaking = overtakings.get(push.endpoint) ?? startOvertaking(fault.clock);
    overtakings.set(push.endpoint, overtaking);
    const sendOne: FaultyPush["send"] = (told) =>
      send(agents, push, (outcome) => {
        told(outcome);
        overtaking.overtake();
      });
    if (!fault.decide(requestOf(push))) return sendOne(report);
    return pushWrong({ fault, overtaking, send: (told) => send(agents, push, told), report });
  };
}

/** What a predicate sees: the endpoint and the body as the endpoint gets it. */
function requestOf({ endpoint, body }: Push): object {
  return { endpoint, ...JSON.parse(body) };
}

function pushWrong(push: FaultyPush): PushRequest {
  const { fault, send, report } = push;
  const { action } = fault;
  switch (action.type) {
    case "failBefore":
      return answerLater(() => report("nacked"));
    case "failAfter":
      return send(() => report("nacked"));
    case "delay":
      return action.at === "after" ? delayAnswer(push, action.ms) : delay(push, action.ms);
    case "duplicate":
      return both(
        send(report),
        send(() => {}),
      );
    case "reorder":
      return holdBack(push, action.withinMs ?? REORDER_WITHIN_MS);
    case "drop":
      return NOTHING_SENT;
    case "cut":
      if (action.at === "after") return send(() => report("unreachable"));
      return answerLater(() => report("unreachable"));
    case "kill":
      if (action.at === "after") return send(() => void killProcess());
      void killProcess();
      return NOTHING_SENT;
  }
}

/** The pusher does not expect an outcome before it knows its request. */
function answerLater(answer: () => void): PushRequest {
  const immediate = setImmediate(answer);
  return { abort: () => clearImmediate(immediate) };
}

function delay({ fault, send, report }: FaultyPush, ms: number): PushRequest {
  let request = NOTHING_SENT;
  const cancel = fault.clock.setTimeout(() => {
    request = send(report);
  }, ms);
  return both({ abort: cancel }, { abort: () => request.abort() });
}

function delayAnswer({ fault, send, report }: FaultyPush, ms: number): PushRequest {
  let cancel = () => {};
  const request = send((outcome) => {
    cancel = fault.clock.setTimeout(() => report(outcome), ms);
  });
  return both(request, { abort: () => cancel() });
}

function holdBack({ fault, overtaking, send, report }: FaultyPush, withinMs: number): PushRequest {
  let request = NOTHING_SENT;
  const cancel = overtaking.hold((isOvertaken) => {
    if (isOvertaken) fault.note();
    request = send(report);
  }, withinMs);
  return both({ abort: cancel }, { abort: () => request.abort() });
}

function both(one: PushRequest, other: PushRequest): PushRequest {
  return {
    abort() {
      one.abort();
      other.abort();
    },
  };
}

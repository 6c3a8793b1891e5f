import { invalid } from "./body.ts";

/**
 * The instants that a query's `from` and `to` name.
 *
 * @throws {AppError} invalid if one of them is none, or there is no time between them
 */
export function periodOf({ from, to }: { from?: string; to?: string }): Period {
  const period = {
    ...(from && { from: instantOf("from", from) }),
    ...(to && { to: instantOf("to", to) }),
  };
  if (period.from && period.to && period.from >= period.to) {
    throw invalid([{ pointer: "/to", detail: `is not later than from (${from})` }]);
  }
  return period;
}

/** What is at or after `from` and before `to`. */
export interface Period {
  from?: Date;
  to?: Date;
}

function instantOf(name: string, text: string): Date {
  const instant = new Date(text);
  // Of a day that the calendar does not have JavaScript makes another one.
  const isOther = text.length === 10 && instant.toISOString().slice(0, 10) !== text;
  if (Number.isNaN(instant.getTime()) || isOther) {
    throw invalid([{ pointer: `/${name}`, detail: `is no instant: ${text}` }]);
  }
  return instant;
}

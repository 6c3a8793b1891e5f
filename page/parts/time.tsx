import { now } from "../now.ts";
import { momentText, timeText, utcText } from "../words/time.ts";

/** An instant where the reader is, with UTC on hover. */
export const Time = ({ at, class: name = "" }: { at: string; class?: string }) => (
  <time class={name} dateTime={at} title={utcText(at)}>
    {timeText(at, now.value)}
  </time>
);

/** The same with the time of day, whichever day it is. */
export const Moment = ({ at, class: name = "" }: { at: string; class?: string }) => (
  <time class={name} dateTime={at} title={utcText(at)}>
    {momentText(at, now.value)}
  </time>
);

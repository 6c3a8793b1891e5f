import { pushBody } from "../../../../infra/emulators/pubsub/push-body.ts";

const message = {
  id: 1_767_323_045_678_000,
  data: Buffer.from("hi"),
  attributes: {},
  orderingKey: "",
  publishedAtMs: 1_767_323_045_000,
};
const times = { publishTime: "2026-01-02T03:04:05Z", publish_time: "2026-01-02T03:04:05Z" };
const ids = { messageId: "1767323045678000", message_id: "1767323045678000" };
const subscription = "projects/p/subscriptions/s";

test.each([
  ["data only", {}, 0, { message: { data: "aGk=", ...ids, ...times }, subscription }],
  [
    "attributes only",
    { data: Buffer.alloc(0), attributes: { a: "b" } },
    0,
    { message: { attributes: { a: "b" }, ...ids, ...times }, subscription },
  ],
  [
    "everything",
    { attributes: { a: "b" }, orderingKey: "k" },
    3,
    {
      deliveryAttempt: 3,
      message: { attributes: { a: "b" }, data: "aGk=", ...ids, orderingKey: "k", ...times },
      subscription,
    },
  ],
])("the body of a push with %s", (...[, changes, deliveryAttempt, expected]) => {
  const body = pushBody({ ...message, ...changes }, { subscription, deliveryAttempt });
  expect(JSON.parse(body)).toEqual(expected);
});

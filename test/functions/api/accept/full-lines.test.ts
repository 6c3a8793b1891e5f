import { refuseFullLine } from "../../../../functions/api/accept/full-lines.ts";
import type { Services } from "../../../../functions/services/services.ts";

const refuse = (waiting: number) => {
  const capacity = { waitingIn: () => waiting } as unknown as Services["capacity"];
  refuseFullLine({ capacity, mostWaiting: 3 }, "owner", "E2_MEDIUM");
};

test("an owner with as many waiting runs as there may be gets no more, and is told what to do", () => {
  expect(() => refuse(2)).not.toThrow();
  expect(() => refuse(3)).toThrow(
    expect.objectContaining({
      code: "limit_reached",
      message: expect.stringContaining("3 runs of yours wait for a build slot of E2_MEDIUM"),
    }),
  );
});

import { describe, expect, it } from "vitest";
import { cut, inTwoLines } from "./labels";

describe("labels", () => {
  it("are whole where they fit", () => expect([cut("67 % direct"), inTwoLines("67 % direct")]).toEqual(["67 % direct", "67 % direct"]));
  it("break after a space or an underscore", () => {
    expect(inTwoLines("78 % program_of_thought, told print(60)")).toBe("78 % program_of_\nthought, told print(6…");
    expect(inTwoLines("20 % direct, restate first, asked again")).toBe("20 % direct, restate\nfirst, asked again");
  });
  it("break anywhere where there is no such place", () => expect(inTwoLines("a".repeat(60))).toBe(`${"a".repeat(22)}\n${"a".repeat(21)}…`));
});

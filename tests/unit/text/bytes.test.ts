import { describe, expect, it } from "vitest"
import { bytesOfText, textOfBytes } from "../../../dagger/lib/text/bytes.js"
import fc from "../../support/fastCheck.js"
import { runs } from "../../support/fuzz.js"

describe("texts that need not be UTF-8", () => {
  it("come back as the same bytes", () => {
    const piece = fc.oneof(
      fc.uint8Array({ maxLength: 4 }),
      fc.string({ unit: "binary" }).map((text) => Buffer.from(text)),
    )
    fc.assert(
      fc.property(fc.array(piece), (pieces) => {
        const bytes = Buffer.concat(pieces)
        expect(Buffer.from(bytesOfText(textOfBytes(bytes))).toString("hex")).toBe(bytes.toString("hex"))
      }),
      runs(1000),
    )
  })

  it("are what they say where they are UTF-8", () => {
    expect(textOfBytes(Buffer.from("é😀\n"))).toBe("é😀\n")
    expect(textOfBytes(Buffer.from([0x61, 0xff, 0xc3]))).toBe("a\udcff\udcc3")
  })
})

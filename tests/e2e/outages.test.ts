import { afterAll, beforeAll, describe } from "vitest"
import { mendLines } from "../support/outage.js"
import { cutLines } from "./outages/cutLines.js"
import { engineOutages } from "./outages/engine.js"
import { promotionOutages } from "./outages/promotion.js"
import { publishingOutages } from "./outages/publishing.js"

// What goes wrong around a call: each time it ends soon with a word that helps, nothing half-made counts as whole, and
// the same command again does what was left. docs/faults.md has the table. The groups wait most of the time: side by side.

beforeAll(mendLines)
afterAll(mendLines)

/** Tests that take up where the one before ended, beside the other groups. */
function inOrder(name: string, tests: () => void): void {
  describe.concurrent(name, () => {
    describe("in order", { concurrent: false }, tests)
  })
}

inOrder("a run that publishes", publishingOutages)
inOrder("a promotion", promotionOutages)
inOrder("an engine", engineOutages)
describe.concurrent("a line that is cut", cutLines)

import { tagGlobalStable } from "../../dagger/lib/promote/tagGlobalStable.js"
import { RegistryClient } from "../../dagger/lib/registry/client.js"
import { contextOf, imagesIn } from "./registryWorld.js"

/*
 * A promotion to `stable` in a process of its own, for tests that kill it:
 * `tsx registryPromoter.ts <host> <organisation> <prefix>`. Prints how it ended.
 */
const [host = "", organisation = "", prefix = ""] = process.argv.slice(2)
const images = imagesIn(host, organisation)
const report = await tagGlobalStable({ prefix, images, dryRun: false }, contextOf(new RegistryClient()))
process.stdout.write(`${report.outcome.kind}\n`)

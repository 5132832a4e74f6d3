import * as z from "zod"
import type { SourceTree } from "../source/sourceTree.js"
import { durationForm, parseDuration } from "../text/quantity.js"
import { claimKinds } from "./trust.js"
import type { KeySigner, TrustedSigner, TrustSpec, WorkflowSigner } from "./trust.js"

/** Signers of GitHub Actions, where the spec names no other issuer. */
const githubIssuer = "https://token.actions.githubusercontent.com"
/** Thirty days. */
const usualGpuAge = 30 * 24 * 3600

const aText = (form: string) => z.string({ error: form }).min(1, { error: form })
const aMapping = <Shape extends z.ZodRawShape>(shape: Shape) =>
  z.strictObject(shape, {
    error: ({ code }) =>
      code === "unrecognized_keys" ? Object.keys(shape).join(" ") : "a mapping of keys to values",
  })

const anAge = (what: string) =>
  z
    .union([z.string(), z.number()], { error: durationForm })
    .refine((written) => parseDuration(written) !== undefined, { error: durationForm })
    .optional()
    .describe(what)

const signer = aMapping({
  key: aText("a public key in PEM")
    .optional()
    .describe("Public key (PEM, P-256) of who signs with `--signing-key`. Not beside the keys below."),
  issuer: aText("the URL of an OIDC issuer")
    .optional()
    .describe(`Who vouches for the identity of a workflow. Default: \`${githubIssuer}\`.`),
  repository: aText("org/name, or the URL of a repository")
    .optional()
    .describe("Repository whose workflow signs: `ucsd-ets/stack`."),
  workflow: aText("the path of a workflow")
    .optional()
    .describe("The workflow that signs: `.github/workflows/main.yml`."),
  ref: aText("a ref such as refs/heads/main")
    .optional()
    .describe("Ref that it runs on: `refs/heads/main`. `*` stands for any characters."),
  says: z
    .array(z.enum(claimKinds, { error: claimKinds.join(", ") }), { error: "a list of kinds of statements" })
    .optional()
    .describe(
      `What it is believed about: ${claimKinds.map((kind) => `\`${kind}\``).join(", ")}. Default: all.`,
    ),
  tags: z
    .array(aText("a tag"), { error: "a list of tags" })
    .optional()
    .describe('Tags that its word counts for; `*` stands for any characters: `"*-main"`. Default: all.'),
}).describe("One who is believed: a key, or a workflow.")

/** Schema of `trust`. */
export const writtenTrust = aMapping({
  signers: z
    .array(signer, { error: "a list of signers" })
    .min(1, { error: "a list of at least one signer" })
    .describe("Whose signed statements count."),
  trusted_root: aText("a path below images/")
    .optional()
    .describe(
      "File below `images/` with the certificate authorities, logs and timestamp authorities that vouch for workflows " +
        "(Sigstore's `trusted_root.json`). Needed where a signer is a workflow.",
    ),
  gpu_max_age: anAge("How old the verdict of a GPU test may be at a promotion. Default: `720 h`."),
  vulnerabilities_max_age: anAge(
    "How old a scan for vulnerabilities may be at a promotion, which then needs one that the policy (`vulnerabilities`) " +
      "has let pass. Absent: promotions ask for none.",
  ),
}).describe(
  "Whose signed statements about images are believed; then nothing else is: labels and tags such as `passed-...` are " +
    "hints, and promotions need statements. Absent: labels and tags are believed.",
)

type WrittenTrust = z.infer<typeof writtenTrust>

/** Fills in what was left out. @param tree has the file that it names */
export function resolveTrust(written: WrittenTrust, tree: SourceTree): TrustSpec {
  const trustedRoot = written.trusted_root === undefined ? undefined : tree.text(written.trusted_root)
  const [gpu, vulnerabilities] = [written.gpu_max_age, written.vulnerabilities_max_age].map((age) =>
    age === undefined ? undefined : parseDuration(age),
  )
  return {
    signers: written.signers.map(resolveSigner),
    gpuMaxAgeSeconds: gpu ?? usualGpuAge,
    ...(vulnerabilities !== undefined && { vulnerabilitiesMaxAgeSeconds: vulnerabilities }),
    ...(trustedRoot !== undefined && { trustedRoot }),
  }
}

function resolveSigner(written: WrittenTrust["signers"][number]): TrustedSigner {
  const scope = { says: written.says ?? claimKinds, tags: written.tags ?? ["*"] }
  if (written.key !== undefined) return { kind: "key", publicKey: written.key, ...scope } satisfies KeySigner
  const { repository = "", workflow = "", ref = "", issuer = githubIssuer } = written
  const url = repository.includes("://") ? repository : `https://github.com/${repository}`
  return { kind: "workflow", issuer, repository: url, workflow, ref, ...scope } satisfies WorkflowSigner
}

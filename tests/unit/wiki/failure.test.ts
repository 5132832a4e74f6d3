import { expect, test } from "vitest"
import { wikiAddress } from "../../../dagger/tools/wiki/address.js"
import { failureOf, isRace, redact } from "../../../dagger/tools/wiki/failure.js"
import type { FailureKind } from "../../../dagger/tools/wiki/failure.js"

const url = "https://github.com/org/stack.wiki.git"

/** What git and the hosts really say. */
test.each<readonly [FailureKind, boolean, string]>([
  [
    "no-wiki",
    false,
    "remote: Repository not found.\nfatal: repository 'https://github.com/org/stack.wiki.git/' not found",
  ],
  [
    "login-refused",
    false,
    "remote: Invalid username or token. Password authentication is not supported for Git operations.\nfatal: Authentication failed for 'https://github.com/org/stack.wiki.git/'",
  ],
  [
    "no-permission",
    false,
    "remote: Permission to org/stack.wiki.git denied to github-actions[bot].\nfatal: unable to access 'https://github.com/org/stack.wiki.git/': The requested URL returned error: 403",
  ],
  [
    "no-permission",
    false,
    "remote: Write access to repository not granted.\nfatal: unable to access 'x': The requested URL returned error: 403",
  ],
  ["unreachable", false, "fatal: unable to access 'x': Could not resolve host: github.com"],
  ["unreachable", true, "fatal: unable to access 'x': The requested URL returned error: 502"],
  [
    "unreachable",
    false,
    "fatal: unable to access 'x': SSL certificate problem: unable to get local issuer certificate",
  ],
  ["unreachable", false, "block timeout reached"],
  [
    "unreachable",
    false,
    "error: RPC failed; curl 28 Operation too slow. Less than 1000 bytes/sec transferred the last 60 seconds\nsend-pack: unexpected disconnect while reading sideband packet\nfatal: the remote end hung up unexpectedly",
  ],
  ["git-failed", true, "error: RPC failed; curl 56 GnuTLS recv error\nfatal: early EOF"],
  ["git-failed", false, "fatal: something new"],
])("%s (temporary: %s): %s", (kind, isTemporary, output) => {
  expect(failureOf(output, url, true)).toMatchObject({ kind, isTemporary })
})

const rejected = (why: string) => `To ${url}\n!\tHEAD:refs/heads/master\t[remote rejected] (${why})\nDone`
const forbidden = `fatal: unable to access '${url}/': The requested URL returned error: 403`
const sizeLimit = "error: File data/x.json is 120.00 MB; this exceeds GitHub's file size limit of 100.00 MB"

test.each<readonly [FailureKind, string, readonly string[]]>([
  [
    "push-refused",
    `remote: ${sizeLimit}\nremote: \nremote: error: GH001: Large files detected.\n${rejected("pre-receive hook declined")}`,
    [sizeLimit, "GH001: Large files detected."],
  ],
  [
    "push-refused",
    `remote: error: GH006: Protected branch update failed for refs/heads/master.\n${rejected("protected branch hook declined")}`,
    ["GH006: Protected branch update failed"],
  ],
  [
    "push-refused",
    `remote: error: GH013: Repository rule violations found\n${rejected("push declined due to repository rule violations")}`,
    ["GH013: Repository rule violations found"],
  ],
  ["push-refused", rejected("pre-receive hook declined"), ["pre-receive hook declined"]],
  [
    "push-refused",
    `remote: SSL certificate does not exist, error: 401\n${rejected("update hook declined")}`,
    ["SSL certificate does not exist"],
  ],
  [
    "no-permission",
    `remote: This repository was archived so it is read-only.\n${forbidden}`,
    ["contents: write", "This repository was archived so it is read-only."],
  ],
  [
    "no-permission",
    `remote: The 'o' organization has enabled or enforced SAML SSO.\n${forbidden}`,
    ["contents: write", "The 'o' organization has enabled or enforced SAML SSO."],
  ],
  ["no-permission", forbidden, ["contents: write"]],
  [
    "unreachable",
    "fatal: unable to access 'x': SSL certificate problem: unable to get local issuer certificate",
    ["SSL certificate problem: unable to get local issuer certificate"],
  ],
])("%s: the server's own words are told: %s", (kind, output, words) => {
  const failure = failureOf(output, url, true)
  expect(failure.kind).toBe(kind)
  for (const each of words) expect(failure.message).toContain(each)
  if (kind === "push-refused") expect(failure.message).not.toMatch(/contents: write|token/)
})

test("a server's words are told without what moves a terminal, and not at any length", () => {
  const words = `\u001b[2Jcleared ${"x".repeat(5000)}`
  const { message } = failureOf(`remote: ${words}\n${rejected("pre-receive hook declined")}`, url, true)
  expect(message).toContain("cleared xxx")
  expect(message).not.toContain("\u001b")
  expect(message.length).toBeLessThan(800)
})

test.each([
  ["!\tHEAD:refs/heads/master\t[rejected] (fetch first)", true],
  ["!\tHEAD:refs/heads/master\t[rejected] (non-fast-forward)", true],
  ["!\tHEAD:refs/heads/master\t[remote rejected] (failed to update ref)", true],
  ["remote: error: cannot lock ref 'refs/heads/master': is at 1 but expected 2", true],
  ["!\tHEAD:refs/heads/master\t[remote rejected] (pre-receive hook declined)", false],
])("%s is a race: %s", (output, race) => {
  expect(isRace(output)).toBe(race)
})

test("a secret is kept out in all the forms that it travels in", () => {
  const secret = "a/b+c=="
  const basic = Buffer.from(`me:${secret}`).toString("base64")
  const text = `${secret} ${encodeURIComponent(secret)} ${basic} ${Buffer.from(secret).toString("base64")}`
  expect(redact(text, secret, "me")).toBe("[secret] [secret] [secret] [secret]")
  expect(redact("aXaXa", "aXa")).toBe("[secret]")
  expect(redact(JSON.stringify({ token: 'a"b' }), 'a"b')).toBe('{"token":"[secret]"}')
})

test.each([
  [url, { url, origin: "https://github.com", repository: "https://github.com/org/stack" }],
  [
    "http://10.87.0.1:3000/org/w.git",
    { url: "http://10.87.0.1:3000/org/w.git", origin: "http://10.87.0.1:3000" },
  ],
  ["http://[fd12::1]/w.git", { url: "http://[fd12::1]/w.git", origin: "http://[fd12::1]" }],
  ["/srv/wiki.git", { url: "file:///srv/wiki.git" }],
  ["ext::sh -c evil", { url: expect.stringMatching(/^file:/) as string }],
  ["file:///srv/wiki.git", { url: "file:///srv/wiki.git" }],
])("the address %s", (text, address) => {
  expect(wikiAddress(text, true)).toEqual(address)
})

test.each([
  ["git@github.com:org/stack.wiki.git", "https"],
  ["ssh://git@github.com/org/stack.wiki.git", "http, https and file"],
  ["https://me:secret@github.com/w.git", "contains a login"],
  ["https://secret@github.com/w.git", "contains a login"],
  ["http://github.com/w.git", "use https"],
  ["http://172.32.0.1/w.git", "use https"],
  ["http://10.evil.com/w.git", "use https"],
  ["http://127.0.0.1.evil.com/w.git", "use https"],
  ["http://wiki/w.git", "use https"],
])("the address %s is refused", (text, message) => {
  expect(() => wikiAddress(text, true)).toThrow(message)
})

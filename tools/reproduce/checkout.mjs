// The commit of a report: whose it is, and a copy of it.
import { spawnSync } from "node:child_process"
import { clean, Refusal } from "./report.mjs"

/**
 * The clone that the caller stands in.
 * @throws Refusal where it is none
 */
export function cloneHere() {
  const root = git(process.cwd(), ["rev-parse", "--show-toplevel"])
  if (root === undefined)
    throw new Refusal("this is no git repository: call it in a clone of the run's repository")
  return root
}

/**
 * Checks what a report says its commit is, and fetches it where the clone does not have it.
 * @throws Refusal where it is no commit, or is nowhere
 */
export function findCommit(root, commit, say) {
  if (commit === undefined)
    throw new Refusal("the report names no commit: the run was not of a git repository")
  // Anything else could be an option of git, or a refspec that moves the caller's branches.
  if (typeof commit !== "string" || !/^[0-9a-f]{40}$/.test(commit))
    throw new Refusal(
      `the report's commit is ${clean(JSON.stringify(commit))}: accepted are 40 hexadecimal digits`,
    )
  if (!has(root, commit)) {
    say(`fetching ${commit}`)
    git(root, ["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "origin", commit], { loud: true })
  }
  if (!has(root, commit)) throw new Refusal(`commit ${commit} is neither in ${root} nor at its origin`)
}

/**
 * Why a commit may be anybody's; undefined where it is on a branch of origin, or is the merge of two such, as GitHub
 * makes it for a pull request. A hosting service gives out the commits of all forks by their ids, and a clone may have
 * fetched pull requests: so the branches are those that origin names now.
 */
export function doubtAbout(root, commit) {
  const url = git(root, ["remote", "get-url", "origin"])
  if (url === undefined) return `${root} has no remote "origin" whose branches could vouch for it`
  const origin = `origin (${clean(url.replace(/\/\/[^@/]*@/, "//"))})`
  const heads = headsOf(root)
  if (heads === undefined) return `${origin} could not be asked for its branches`
  const isOurs = (id) => heads.some((head) => succeeds(root, ["merge-base", "--is-ancestor", id, head]))
  if (isOurs(commit) || isMergeOf(root, commit, isOurs)) return undefined
  const shallow = git(root, ["rev-parse", "--is-shallow-repository"]) === "true"
  const hint = shallow ? "; this clone is shallow: `git fetch --unshallow` lets it see all of them" : ""
  return `it is on no branch of ${origin}, as the commits of forks and of deleted branches are${hint}`
}

/** Ends of origin's branches; their commits are fetched, and no ref of the clone is moved. */
function headsOf(root) {
  const listed = git(root, ["ls-remote", "--quiet", "--heads", "origin"])
  if (listed === undefined) return undefined
  const heads = listed.split("\n").flatMap((line) => (line === "" ? [] : [line.split("\t", 2)]))
  const missing = heads.flatMap(([id, name]) => (has(root, id) ? [] : [name]))
  if (missing.length > 0) {
    const quietly = ["--quiet", "--no-tags", "--no-write-fetch-head", "--refmap="]
    git(root, ["fetch", ...quietly, "--stdin", "origin"], { input: missing.join("\n") })
  }
  return heads.map(([id]) => id)
}

/** Whether a commit holds what merging its two parents gives, and both are ours: anybody can write a merge of his own. */
function isMergeOf(root, commit, isOurs) {
  const [, ...parents] = git(root, ["rev-list", "--parents", "--max-count=1", commit])?.split(" ") ?? []
  if (parents.length !== 2 || !parents.every(isOurs)) return false
  const merged = git(root, ["merge-tree", "--write-tree", ...parents])
  return merged !== undefined && merged === git(root, ["rev-parse", `${commit}^{tree}`])
}

/**
 * A repository of its own: the engine takes in a checkout with its .git, and a worktree's is only a pointer to another
 * folder, as are the objects of a `--shared` clone. Fetched by its id: no branch may lead to it any more. The branches
 * come along for what it is compared with.
 * @throws Refusal
 */
export function copyCommit(root, commit, folder) {
  const anyCommit = "--upload-pack=git -c uploadpack.allowAnySHA1InWant=true upload-pack"
  const branches = "+refs/heads/*:refs/remotes/origin/*"
  const steps = [
    ["init", "--quiet", "--template=", "--", folder],
    ["-C", folder, "fetch", "--quiet", "--update-shallow", anyCommit, "--", root, commit, branches],
    ["-C", folder, "-c", "core.hooksPath=/dev/null", "checkout", "--quiet", "--detach", commit],
  ]
  if (!steps.every((step) => git(root, step, { loud: true }) !== undefined))
    throw new Refusal(`commit ${commit} could not be checked out into ${folder}`)
}

function has(repository, id) {
  return succeeds(repository, ["cat-file", "-e", `${id}^{commit}`])
}

function succeeds(cwd, words) {
  return spawnSync("git", words, { cwd, stdio: "ignore" }).status === 0
}

/** What git printed; undefined where it failed. @param loud whether it then may say why */
function git(cwd, words, { input = "", loud = false } = {}) {
  const { status, stdout, stderr } = spawnSync("git", words, { cwd, input, encoding: "utf8" })
  if (status === 0) return stdout.trim()
  if (loud) process.stderr.write(stderr)
  return undefined
}

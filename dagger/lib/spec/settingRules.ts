import type { Problem } from "../problems.js"
import { InputError } from "../problems.js"
import { hintForImage, problemAt } from "./facts.js"
import { isTagStart } from "../promote/tags.js"
import { branchTag } from "../tag/branchTag.js"
import type { Facts } from "./facts.js"
import { tagFormOf } from "./tagForm.js"

export function tagPrefixFitsTheScheme({ file }: Facts): readonly Problem[] {
  const prefix = file.at("tag", "prefix")
  const form = tagFormOf(file)
  if (prefix?.text === undefined || isTagStart(form, prefix.text)) return []
  if (form === "version") {
    const example = "two to four numbers with dots between them, and a v before them or none: 4.6.1"
    return problemAt(prefix, `"prefix" must be a version, not "${prefix.text}"`, example)
  }
  const hint = "four digits, a dot and the quarter from 1 to 4: 2026.4"
  return problemAt(prefix, `"prefix" must be <year>.<quarter>, not "${prefix.text}"`, hint)
}

/** As `git check-ref-format` has it, without the start of a full reference. */
const branchForm = /^(?!-|refs\/)[^\s\p{Cc}~^:?*[\\]+$/u

export function mainBranchIsABranch({ file }: Facts): readonly Problem[] {
  const place = file.at("main_branch")
  if (place?.text === undefined || place.text === "") return []
  const { text } = place
  if (!branchForm.test(text))
    return problemAt(place, `"${text}" cannot name a branch`, "such as main or master")
  try {
    branchTag({ prefix: "", reserved: 0 }, text)
    return []
  } catch (error) {
    if (!(error instanceof InputError)) throw error
    return error.problems.flatMap(({ message }) => problemAt(place, message))
  }
}

export function hubVersionIsAVersion({ file }: Facts): readonly Problem[] {
  const version = file.at("hub", "version")
  if (version?.text === undefined || /^\d+(\.\d+){0,3}([a-z]+\d+)?$/.test(version.text)) return []
  return problemAt(
    version,
    `"version" must be numbers joined by dots, not "${version.text}"`,
    "such as 5.4 or 5.4.3",
  )
}

export function gpuImageIsInTheTree({ file }: Facts): readonly Problem[] {
  const image = file.at("gpu", "image")
  if (image?.text === undefined) return []
  if (file.at("images", image.text, "publish")?.value === false)
    return problemAt(image, `"gpu" names "${image.text}", which is not published`)
  if (file.at("images", image.text) !== undefined) return []
  return problemAt(
    image,
    `"gpu" names "${image.text}", which is no image here`,
    hintForImage(file, image.text),
  )
}

const placeholders = ["image", "tests"]

export function gpuLaunchUsesTheImage({ file }: Facts): readonly Problem[] {
  const launch = file.at("gpu", "launch")
  if (launch?.text === undefined || launch.text === "") return []
  // `${NAME}` is the shell's and `{a,b}` its braces; only a lone word is a placeholder.
  const used = [...launch.text.matchAll(/(?<!\$)\{(\w+)\}/g)].map((match) => match[1] ?? "")
  const unknown = used
    .filter((name) => !placeholders.includes(name))
    .flatMap((name) =>
      problemAt(launch, `"launch" has an unknown "{${name}}"`, "{image} and {tests} are replaced"),
    )
  const missing = used.includes("image") ? [] : problemAt(launch, '"launch" does not use "{image}"')
  return [...unknown, ...missing]
}

/** A password in the spec would be published with it; tokens are given on the call, as secrets. */
export function wikiIsAUrlWithoutSecrets({ file }: Facts): readonly Problem[] {
  const wiki = file.at("wiki")
  if (typeof wiki?.value !== "string" || wiki.value === "") return []
  if (/^[\w.-]+@[\w.-]+:[^/].*$/.test(wiki.value)) return []
  if (!URL.canParse(wiki.value) || !/^(https?|ssh|file):$/.test(new URL(wiki.value).protocol)) {
    return problemAt(
      wiki,
      '"wiki" must be the URL of a git repository',
      "such as https://github.com/org/name.wiki.git",
    )
  }
  const { username, password, protocol } = new URL(wiki.value)
  if (password === "" && (username === "" || protocol === "ssh:")) return []
  return problemAt(wiki, '"wiki" must not hold a user or password', "the token is given on the call")
}

import { compareDigits } from "./natural.js"

/** Orders Debian versions: Debian Policy Manual 5.6.12, "Version". */
export function compareDebian(a: string, b: string): number {
  const left = split(a)
  const right = split(b)
  return (
    compareDigits(left.epoch, right.epoch) ||
    compareParts(left.upstream, right.upstream) ||
    compareParts(left.revision, right.revision)
  )
}

function split(version: string): {
  readonly epoch: string
  readonly upstream: string
  readonly revision: string
} {
  const colon = version.indexOf(":")
  const rest = version.slice(colon + 1)
  const hyphen = rest.lastIndexOf("-")
  return {
    epoch: colon === -1 ? "0" : version.slice(0, colon),
    upstream: hyphen === -1 ? rest : rest.slice(0, hyphen),
    revision: hyphen === -1 ? "" : rest.slice(hyphen + 1),
  }
}

/** Runs of other characters and of digits take turns, the first may be empty. */
function compareParts(a: string, b: string): number {
  let left = a
  let right = b
  while (left !== "" || right !== "") {
    const [leftText, leftDigits] = leading(left)
    const [rightText, rightDigits] = leading(right)
    const order = compareText(leftText, rightText) || compareDigits(leftDigits, rightDigits)
    if (order !== 0) return order
    left = left.slice(leftText.length + leftDigits.length)
    right = right.slice(rightText.length + rightDigits.length)
  }
  return 0
}

function leading(text: string): readonly [string, string] {
  const match = /^(\D*)(\d*)/.exec(text)
  return [match?.[1] ?? "", match?.[2] ?? ""]
}

function compareText(a: string, b: string): number {
  for (let index = 0; index < Math.max(a.length, b.length); index += 1) {
    const difference = weight(a[index]) - weight(b[index])
    if (difference !== 0) return Math.sign(difference)
  }
  return 0
}

/** A tilde comes before the end, the end before letters, letters before all others. */
function weight(character: string | undefined): number {
  if (character === "~") return -1
  if (character === undefined) return 0
  const code = character.charCodeAt(0)
  return /[A-Za-z]/.test(character) ? code : code + 256
}

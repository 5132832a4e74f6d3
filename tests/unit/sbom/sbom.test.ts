import { describe, expect, test } from "vitest"
import type { Ecosystem, ImageManifest } from "../../../dagger/lib/manifest/manifestData.js"
import { componentsOf } from "../../../dagger/lib/sbom/components.js"
import { licenseExpression } from "../../../dagger/lib/sbom/license.js"
import { renderSbom, sbomPath } from "../../../dagger/lib/sbom/sbom.js"
import { digestOf, manifestOf } from "../../support/manifests.js"
import { fullManifest as full, unknownLists as unknown } from "../../support/sboms.js"

test("package URLs name source packages, distribution, channel and scope", () => {
  expect(componentsOf(full).map(({ purl }) => purl)).toEqual([
    "pkg:deb/debian/libc6@2.36-9+deb12u4?arch=amd64&distro=debian-12&upstream=glibc",
    "pkg:deb/debian/g%2B%2B@4:12.2.0-3?arch=amd64&distro=debian-12",
    "pkg:deb/debian/curl@7.88-1+b2?arch=amd64&distro=debian-12&upstream=curl%407.88-1",
    "pkg:pypi/ruamel-yaml@0.18.6",
    "pkg:cran/shiny@1.8.0",
    "pkg:bioconductor/limma@3.58.1",
    undefined,
    "pkg:conda/numpy@1.26.4?build=py311_0&channel=conda-forge",
    "pkg:npm/%40jupyterlab/git@0.50.1",
  ])
})

test.each<readonly [Ecosystem, string, string | undefined]>([
  ["pip", "MIT", "MIT"],
  ["pip", "Apache 2.0", "Apache-2.0"],
  ["pip", "BSD 3-Clause", "BSD-3-Clause"],
  ["pip", "BSD License", undefined],
  ["pip", "GPLv3", undefined],
  ["pip", "MIT AND Apache-2.0", "MIT AND Apache-2.0"],
  ["pip", "see the file that comes with it, please", undefined],
  ["r", "GPL-2 | GPL-3", "GPL-2.0-only OR GPL-3.0-only"],
  ["r", "GPL (>= 2)", "GPL-2.0-or-later"],
  ["r", "LGPL (>= 2.1)", "LGPL-2.1-or-later"],
  ["r", "GPL (>= 2.1)", undefined],
  ["r", "GPL", "GPL-1.0-or-later"],
  ["r", "LGPL-2.1", "LGPL-2.1-only"],
  ["r", "MIT + file LICENSE", "MIT"],
  ["r", "BSD_3_clause + file LICENSE", "BSD-3-Clause"],
  ["r", "Part of R 4.2.2", undefined],
])("the license of %s that says %j", (ecosystem, words, expression) => {
  expect(licenseExpression(ecosystem, words)).toBe(expression)
})

describe.each<readonly [string, ImageManifest]>([
  ["full", full],
  ["of unknown lists", unknown],
  ["not published", manifestOf("base", "2026.4-main", { digest: undefined })],
  ["without a system", manifestOf()],
])("an image %s", (_name, manifest) => {
  test.each(["spdx", "cyclonedx"] as const)("has the same bytes each time: %s", (format) => {
    expect(renderSbom(structuredClone(manifest), format)).toBe(renderSbom(manifest, format))
  })
})

test("what could not be listed is said in the document", () => {
  for (const format of ["spdx", "cyclonedx"] as const)
    expect(renderSbom(unknown, format)).toContain("the packages of pip could not be listed: exit status 1")
})

test("files are named as the pages are", () => {
  expect(sbomPath(full, "spdx")).toBe("sbom/ghcr-io-example-base-2026.4-main.spdx.json")
  expect(sbomPath(full, "cyclonedx")).toBe("sbom/ghcr-io-example-base-2026.4-main.cdx.json")
})

test("another digest is another document", () => {
  const other = { ...full, digest: digestOf("c") }
  const namespaceOf = (text: string) => (JSON.parse(text) as { documentNamespace: string }).documentNamespace
  expect(namespaceOf(renderSbom(other, "spdx"))).not.toBe(namespaceOf(renderSbom(full, "spdx")))
})

import type { Ecosystem, InstalledPackage } from "../../dagger/lib/manifest/manifestData.js"
import { manifestOf } from "./manifests.js"

const debian = { id: "debian", version: "12", name: "Debian GNU/Linux 12 (bookworm)" }

/** An image with a package of each kind, and what is odd about them. */
const listed: Readonly<Record<Ecosystem, readonly InstalledPackage[]>> = {
  apt: [
    {
      ...{ name: "libc6", version: "2.36-9+deb12u4", architecture: "amd64" },
      source: { name: "glibc", version: "2.36-9+deb12u4" },
    },
    { name: "g++", version: "4:12.2.0-3", architecture: "amd64" },
    {
      name: "curl",
      version: "7.88-1+b2",
      architecture: "amd64",
      source: { name: "curl", version: "7.88-1" },
    },
  ],
  pip: [{ name: "Ruamel.YAML", version: "0.18.6", license: "MIT license" }],
  r: [
    { name: "shiny", version: "1.8.0", license: "GPL-3 | file LICENSE", repository: "CRAN" },
    { name: "limma", version: "3.58.1", license: "GPL (>= 2)", repository: "Bioconductor" },
    { name: "base", version: "4.2.2", license: "Part of R 4.2.2", repository: "R" },
  ],
  conda: [{ name: "numpy", version: "1.26.4", channel: "conda-forge", build: "py311_0" }],
  npm: [{ name: "@jupyterlab/git", version: "0.50.1", license: "BSD-3-Clause" }],
}

/** All of it, published. */
export const fullManifest = manifestOf("base", "2026.4-main", {
  os: debian,
  packages: Object.fromEntries(
    Object.entries(listed).map(([ecosystem, packages]) => [
      ecosystem,
      { kind: "listed", packages: [...packages] },
    ]),
  ),
})

/** An image whose packages nobody could list. */
export const unknownLists = manifestOf("base", "2026.4-main", {
  packages: { pip: { kind: "failed", reason: "exit status 1" }, apt: { kind: "absent" } },
})

/**
 * Builds, tests, publishes and promotes a tree of Docker images for a JupyterHub.
 *
 * The tree is described by spec.yml; every image has a folder below images/ with a Dockerfile and tests. Start with
 * "dagger call build-stack --source=." on a laptop: it builds and tests everything and publishes nothing.
 */
import {
  argument,
  Container,
  Directory,
  File,
  func,
  object,
  Secret,
  Service,
  Socket,
} from "@dagger.io/dagger"
import { ActionResult, actionResult } from "./actionResult.js"
import { buildSecrets } from "#lib/engine/buildSecrets.js"
import { screenOf } from "#lib/calls/screenFiles.js"
import { publishingOf } from "#lib/gather/request.js"
import { loginForImage } from "#lib/gather/secretHosts.js"
import { StackPlan, stackPlan } from "./stackPlan.js"
import { StackRun, stackRun } from "./stackRun.js"
import { sshAgent } from "#lib/text/shell.js"

/** The images of a JupyterHub, from their source to production. */
// The SDK reads arguments of decorators and default values as text: only literals work there. It loads and reads every file
// of this folder at each call: what a call does is in ../lib, which it loads by itself, and behind names (#lib, package.json)
// that the SDK's scan does not follow.
@object()
export class JupyterStack {
  /**
   * Plans, builds, tests and, if asked, publishes the images; fails if one of them fails.
   *
   * Add "artifacts export --path=out" for reports and logs (which never fails for an image), or "summary".
   * @param source The checkout: spec.yml, images/ and .git.
   * @param only Images to build, with what they are built on; all where none is named.
   * @param platform Platforms to build for, such as linux/arm64; all of the spec where none is named.
   * @param set Build arguments over those of the spec, as image.ARG=value.
   * @param registry Registry and organisation instead of those of the spec, such as localhost:5000/me.
   * @param registryUsername Login to the registry that --registry names; no other one gets it.
   * @param registryPassword Password or token of the login, such as env://REGISTRY_TOKEN.
   * @param publish Push the images that pass, as <prefix>-<branch>.
   * @param publishEach Tag each image as soon as it passes, not all together at the end.
   * @param candidatesOnly With --publish: push and remember what passes, and leave all tags to a later run without this.
   * @param branch Branch of the run, where the checkout does not say it.
   * @param base What to compare with to see what changed; the main branch of origin, or here, where not given.
   * @param previous Commit that the branch was at before the push, for runs on main.
   * @param pullRequestTitle Title of the pull request, looked at for "skip ci".
   * @param origin Address of the source's repository, for labels and pages; where it was cloned from, if not given.
   * @param target Branch that a pull request goes into: the report tells what changes against its published images.
   * @param fullRebuild Build every image asked for, whatever is published, and run every RUN of it again.
   * @param parallel Steps that run at once; fewer where memory is short.
   * @param plan A plan document (plan.json of an earlier run) to repeat.
   * @param secretId The id by which a RUN mounts a secret (type=secret,id=ID); one for each secret, in order.
   * @param secret The secret itself, such as env://TOKEN; it is in no layer and no key.
   * @param ssh Socket of the ssh agent for a RUN that mounts one (type=ssh), such as $SSH_AUTH_SOCK.
   * @param signingKey Private key (PEM, P-256) that signs what the run says of its images, before their tags move.
   * @param vulnerabilityDatabase Database of vulnerabilities as grype imports it: an image that the spec's policy does not let pass fails.
   * @param scanner Image of grype with its digest; the spec's where not given. ./stack gives that of its own engine.
   * @param screen Where ./stack shows the result; it gives this by itself.
   */
  @func({ cache: "never" })
  async buildStack(
    @argument({
      defaultPath: "/",
      ignore: [
        "**/node_modules",
        "**/.venv",
        "**/__pycache__",
        "out",
        "!images/**",
        "**/.git/config",
        "**/.git/config.worktree",
        "**/.git/modules/**/config",
      ],
    })
    source: Directory,
    only: string[] = [],
    platform: string[] = [],
    set: string[] = [],
    registry?: string,
    registryUsername?: string,
    registryPassword?: Secret,
    publish = false,
    publishEach = false,
    candidatesOnly = false,
    branch?: string,
    base?: string,
    previous?: string,
    pullRequestTitle?: string,
    origin?: string,
    target?: string,
    fullRebuild = false,
    parallel = 4,
    plan?: File,
    secretId: string[] = [],
    secret?: Secret[],
    ssh?: Socket,
    signingKey?: Secret,
    vulnerabilityDatabase?: File,
    scanner?: string,
    screen?: string,
  ): Promise<StackRun> {
    const { buildStack } = await import("#lib/calls/buildStack.js")
    const shown = screenOf(screen)
    const login = { registry, registryUsername, registryPassword }
    const git = { branch, base, previous, pullRequestTitle, origin, target }
    const evidence = { signingKey, vulnerabilityDatabase, scanner }
    const publishing = publishingOf({ publish, publishEach, candidatesOnly })
    const secrets = await buildSecrets(secretId, secret ?? [], ssh)
    const asked = { source, only, platforms: platform, set, secrets, publishing, fullRebuild, parallel }
    const request = { ...asked, ...login, ...git, ...evidence, plan: await plan?.contents() }
    return stackRun(await buildStack(request), shown)
  }

  /**
   * What build-stack would do for each image, and why; builds and writes nothing.
   * @param source The checkout: spec.yml, images/ and .git.
   * @param only Images to build, with what they are built on; all where none is named.
   * @param platform Platforms to build for, such as linux/arm64; all of the spec where none is named.
   * @param set Build arguments over those of the spec, as image.ARG=value.
   * @param registry Registry and organisation instead of those of the spec.
   * @param registryUsername Login to the registry that --registry names; no other one gets it.
   * @param registryPassword Password or token of the login, such as env://REGISTRY_TOKEN.
   * @param publish Plan a run that publishes: for each platform of the spec, also those that this engine cannot run.
   * @param branch Branch of the run, where the checkout does not say it.
   * @param base What to compare with to see what changed; the main branch of origin, or here, where not given.
   * @param previous Commit that the branch was at before the push, for runs on main.
   * @param pullRequestTitle Title of the pull request, looked at for "skip ci".
   * @param fullRebuild Plan to build every image asked for, whatever is published.
   * @param secretId Secrets that build-stack will be given, as Dockerfiles call them: one that it could not do without is asked for here.
   * @param ssh Socket of the ssh agent that build-stack will be given.
   * @param screen Where ./stack shows the plan; it gives this by itself.
   */
  @func({ cache: "never" })
  async plan(
    @argument({
      defaultPath: "/",
      ignore: [
        "**/node_modules",
        "**/.venv",
        "**/__pycache__",
        "out",
        "!images/**",
        "**/.git/config",
        "**/.git/config.worktree",
        "**/.git/modules/**/config",
      ],
    })
    source: Directory,
    only: string[] = [],
    platform: string[] = [],
    set: string[] = [],
    registry?: string,
    registryUsername?: string,
    registryPassword?: Secret,
    publish = false,
    branch?: string,
    base?: string,
    previous?: string,
    pullRequestTitle?: string,
    fullRebuild = false,
    secretId: string[] = [],
    ssh?: Socket,
    screen?: string,
  ): Promise<StackPlan> {
    const { planOnly } = await import("#lib/calls/buildStack.js")
    const shown = screenOf(screen)
    const choices = { registry, registryUsername, registryPassword, branch, base, previous, pullRequestTitle }
    const request = {
      source,
      only,
      platforms: platform,
      set,
      secrets: { values: new Map() },
      fullRebuild,
      publishing: publishingOf({ publish, publishEach: false, candidatesOnly: false }),
      parallel: 1,
      ...choices,
    }
    const ids = new Set([...secretId, ...(ssh === undefined ? [] : [sshAgent])])
    return stackPlan(await planOnly(request, ids), shown)
  }

  /**
   * Runs all tests of one image, built from source or taken from a registry; fails if one fails.
   *
   * Add "junit export --path=out" or "logs export --path=out" for what the tests left.
   * @param source The checkout: spec.yml and images/.
   * @param image Name of the image in the spec.
   * @param platform Which of its platforms, such as linux/arm64; the engine's own, else its first, where none is named.
   * @param ref Published image to test instead of building one, such as ghcr.io/org/image:2026.4-main.
   * @param filter Run only tests whose names match, as pytest's -k.
   * @param remembered Take what passed before, of the same image and tests, as build-stack does; else all tests run.
   * @param set Build arguments over those of the spec, as image.ARG=value.
   * @param registryUsername Login to the registry of --ref.
   * @param registryPassword Password or token of the login, such as env://REGISTRY_TOKEN.
   * @param secretId The id by which a RUN mounts a secret (type=secret,id=ID); one for each secret, in order.
   * @param secret The secret itself, such as env://TOKEN; it is in no layer and no key.
   * @param ssh Socket of the ssh agent for a RUN that mounts one (type=ssh), such as $SSH_AUTH_SOCK.
   * @param screen Where ./stack shows the result; it gives this by itself.
   */
  @func({ cache: "never" })
  async testImage(
    @argument({
      defaultPath: "/",
      ignore: [
        "**/node_modules",
        "**/.venv",
        "**/__pycache__",
        "out",
        "!images/**",
        "**/.git/config",
        "**/.git/config.worktree",
        "**/.git/modules/**/config",
      ],
    })
    source: Directory,
    image: string,
    platform?: string,
    ref?: string,
    filter = "",
    remembered = false,
    set: string[] = [],
    registryUsername?: string,
    registryPassword?: Secret,
    secretId: string[] = [],
    secret?: Secret[],
    ssh?: Socket,
    screen?: string,
  ): Promise<StackRun> {
    const { testImage } = await import("#lib/calls/testImage.js")
    const shown = screenOf(screen)
    const secrets = await buildSecrets(secretId, secret ?? [], ssh)
    const login = loginForImage({ registryUsername, registryPassword }, ref)
    const tested = { filter, remembered }
    return stackRun(await testImage({ source, image, platform, set, secrets, ref, login }, tested), shown)
  }

  /**
   * A container of one image, to look into: add "terminal".
   *
   * Its tests are in /stack/tests; it opens for an image whose tests fail, too.
   * @param source The checkout: spec.yml and images/.
   * @param image Name of the image in the spec.
   * @param platform Which of its platforms, such as linux/arm64; the engine's own, else its first, where none is named.
   * @param ref Published image to open instead of building one.
   * @param set Build arguments over those of the spec, as image.ARG=value.
   * @param registryUsername Login to the registry of --ref.
   * @param registryPassword Password or token of the login, such as env://REGISTRY_TOKEN.
   * @param secretId The id by which a RUN mounts a secret (type=secret,id=ID); one for each secret, in order.
   * @param secret The secret itself, such as env://TOKEN; it is in no layer and no key.
   * @param ssh Socket of the ssh agent for a RUN that mounts one (type=ssh), such as $SSH_AUTH_SOCK.
   */
  @func({ cache: "never" })
  async shell(
    @argument({
      defaultPath: "/",
      ignore: [
        "**/node_modules",
        "**/.venv",
        "**/__pycache__",
        "out",
        "!images/**",
        "**/.git/config",
        "**/.git/config.worktree",
        "**/.git/modules/**/config",
      ],
    })
    source: Directory,
    image: string,
    platform?: string,
    ref?: string,
    set: string[] = [],
    registryUsername?: string,
    registryPassword?: Secret,
    secretId: string[] = [],
    secret?: Secret[],
    ssh?: Socket,
  ): Promise<Container> {
    const { openShell } = await import("#lib/calls/openShell.js")
    const secrets = await buildSecrets(secretId, secret ?? [], ssh)
    const login = loginForImage({ registryUsername, registryPassword }, ref)
    return openShell({ source, image, platform, set, secrets, ref, login })
  }

  /**
   * The server of one image: add "up --ports=8888:8888" and open http://localhost:8888/?token=<--token>.
   * @param source The checkout: spec.yml and images/.
   * @param image Name of the image in the spec.
   * @param platform Which of its platforms, such as linux/arm64; the engine's own, else its first, where none is named.
   * @param ref Published image to serve instead of building one.
   * @param set Build arguments over those of the spec, as image.ARG=value.
   * @param token What the server asks for: whoever knows it has a shell in the image, from every machine that reaches this one. A random one, which the progress tells, where none is given.
   * @param registryUsername Login to the registry of --ref.
   * @param registryPassword Password or token of the login, such as env://REGISTRY_TOKEN.
   * @param secretId The id by which a RUN mounts a secret (type=secret,id=ID); one for each secret, in order.
   * @param secret The secret itself, such as env://TOKEN; it is in no layer and no key.
   * @param ssh Socket of the ssh agent for a RUN that mounts one (type=ssh), such as $SSH_AUTH_SOCK.
   */
  @func({ cache: "never" })
  async serve(
    @argument({
      defaultPath: "/",
      ignore: [
        "**/node_modules",
        "**/.venv",
        "**/__pycache__",
        "out",
        "!images/**",
        "**/.git/config",
        "**/.git/config.worktree",
        "**/.git/modules/**/config",
      ],
    })
    source: Directory,
    image: string,
    platform?: string,
    ref?: string,
    set: string[] = [],
    token?: string,
    registryUsername?: string,
    registryPassword?: Secret,
    secretId: string[] = [],
    secret?: Secret[],
    ssh?: Socket,
  ): Promise<Service> {
    const { serveImage } = await import("#lib/calls/openShell.js")
    const secrets = await buildSecrets(secretId, secret ?? [], ssh)
    const login = loginForImage({ registryUsername, registryPassword }, ref)
    return serveImage({ source, image, platform, set, secrets, ref, login }, token)
  }

  /**
   * Writes the manifest pages of a run, their data and a row of Home.md into the wiki, as one commit.
   *
   * The same again writes nothing. Refuses failed runs, and runs that published nothing.
   *
   * Add "artifacts export --path=out" for the pages that it wrote, or would write.
   * @param artifacts The folder that the artifacts of build-stack were exported to; those of runs that built single images may lie in folders of it.
   * @param wiki URL of the wiki's git repository, such as https://github.com/org/repo.wiki.git.
   * @param wikiUsername Login to the wiki; GitHub takes any with a token.
   * @param wikiToken Token of the login, such as env://WIKI_TOKEN.
   * @param dryRun Say what would be written, and write nothing.
   * @param anyBranch Publish pages of other branches than main, too.
   */
  @func({ cache: "never" })
  async publishManifests(
    artifacts: Directory,
    wiki: string,
    wikiUsername?: string,
    wikiToken?: Secret,
    dryRun = false,
    anyBranch = false,
  ): Promise<ActionResult> {
    const { publishManifests } = await import("#lib/calls/publishManifests.js")
    return actionResult(
      await publishManifests({ artifacts, wiki, dryRun, anyBranch, wikiUsername, wikiToken }),
    )
  }

  /**
   * What differs between two sets of images: packages that came, went, and have other versions, and sizes.
   *
   * Each side is a tag, whose manifests are looked up in the wiki, a published image, which is looked into, or the artifacts of a run.
   * @param source The checkout: spec.yml and images/.
   * @param from Tag of the older images, such as 2026.3-stable, or one image, such as ghcr.io/org/image:2026.3-stable.
   * @param to Tag of the newer images, such as 2026.4-main, or one image.
   * @param fromArtifacts Artifacts of the run that built the older images, instead of a tag.
   * @param toArtifacts Artifacts of the run that built the newer images, instead of a tag.
   * @param wiki URL of the wiki's git repository; the spec's where not given.
   * @param wikiUsername Login to the wiki that --wiki names, where only members may read it.
   * @param wikiToken Token of the login, such as env://WIKI_TOKEN.
   * @param registry Registry and organisation instead of those of the spec.
   * @param registryUsername Login to the registry that --registry names, for images that are looked into.
   * @param registryPassword Password or token of the login, such as env://REGISTRY_TOKEN.
   */
  @func({ cache: "never" })
  async diff(
    @argument({
      defaultPath: "/",
      ignore: [
        "**/node_modules",
        "**/.venv",
        "**/__pycache__",
        "out",
        "!images/**",
        "**/.git/config",
        "**/.git/config.worktree",
        "**/.git/modules/**/config",
      ],
    })
    source: Directory,
    from?: string,
    to?: string,
    fromArtifacts?: Directory,
    toArtifacts?: Directory,
    wiki?: string,
    wikiUsername?: string,
    wikiToken?: Secret,
    registry?: string,
    registryUsername?: string,
    registryPassword?: Secret,
  ): Promise<ActionResult> {
    const { diffImages } = await import("#lib/calls/diffImages.js")
    const sides = { from, to, fromArtifacts, toArtifacts }
    const logins = { wiki, wikiUsername, wikiToken, registry, registryUsername, registryPassword }
    return actionResult(await diffImages({ source, ...sides, ...logins }))
  }

  /**
   * A software bill of materials of each image: what is in it, with versions, licenses and package URLs for scanners.
   *
   * The images are those of a tag, whose manifests are looked up in the wiki, or of the artifacts of a run (which have SPDX ones already). Export them with "artifacts export --path=sbom".
   * @param source The checkout: spec.yml and images/.
   * @param tag Tag of the images, such as 2026.4-stable.
   * @param artifacts Artifacts of the run that built the images, instead of a tag.
   * @param format spdx (SPDX 2.3) or cyclonedx (CycloneDX 1.6), both in JSON.
   * @param wiki URL of the wiki's git repository; the spec's where not given.
   * @param wikiUsername Login to the wiki that --wiki names, where only members may read it.
   * @param wikiToken Token of the login, such as env://WIKI_TOKEN.
   * @param registry Registry and organisation instead of those of the spec.
   */
  @func({ cache: "never" })
  async sbom(
    @argument({
      defaultPath: "/",
      ignore: [
        "**/node_modules",
        "**/.venv",
        "**/__pycache__",
        "out",
        "!images/**",
        "**/.git/config",
        "**/.git/config.worktree",
        "**/.git/modules/**/config",
      ],
    })
    source: Directory,
    tag?: string,
    artifacts?: Directory,
    format = "spdx",
    wiki?: string,
    wikiUsername?: string,
    wikiToken?: Secret,
    registry?: string,
  ): Promise<ActionResult> {
    const { billsOfMaterials } = await import("#lib/calls/billsOfMaterials.js")
    const images = { tag, artifacts, format }
    return actionResult(
      await billsOfMaterials({ source, ...images, wiki, wikiUsername, wikiToken, registry }),
    )
  }

  /**
   * Known vulnerabilities of the packages in each image: what a plain rebuild fixes, what a change, what nothing; fails where the spec's policy does.
   *
   * The images are those of a tag, of the artifacts of a run, or what the stable tags name. A scan fetches nothing by itself.
   * @param source The checkout: spec.yml with the policy, and images/.
   * @param tag Tag of the images, such as 2026.4-main; stable and the quarter's stable where neither this nor artifacts are given.
   * @param artifacts Artifacts of the run that built the images, instead of a tag.
   * @param database Database of vulnerabilities as grype imports it, such as vulnerability-db_v6.1.4.tar.zst.
   * @param databaseImage Image with such a file in its root folder, instead of it; with its digest.
   * @param databaseUrl Where grype fetches its newest database from instead, such as https://grype.anchore.io/databases.
   * @param scanner Image of grype with its digest; the spec's where not given. ./stack gives that of its own engine.
   * @param wiki URL of the wiki's git repository; the spec's where not given.
   * @param wikiUsername Login to the wiki that --wiki names, where only members may read it.
   * @param wikiToken Token of the login, such as env://WIKI_TOKEN.
   * @param registry Registry and organisation instead of those of the spec.
   * @param registryUsername Login to the registry that --registry names; no other one gets it.
   * @param registryPassword Password or token of the login, such as env://REGISTRY_TOKEN.
   * @param signingKey Private key (PEM, P-256) that signs what the scan says of each image, which is then attached to it.
   * @param oidcUrl Where a workflow asks for its identity to sign with instead: env ACTIONS_ID_TOKEN_REQUEST_URL.
   * @param oidcToken What it asks with: env://ACTIONS_ID_TOKEN_REQUEST_TOKEN; goes to --oidc-url alone.
   * @param fulcio Certificate authority that hears the identity; https://fulcio.sigstore.dev where not given.
   * @param rekor Transparency log; https://rekor.sigstore.dev where neither this nor a timestamp authority is given.
   * @param timestampAuthority Timestamp authority (RFC 3161), instead of the log or beside it.
   */
  @func({ cache: "never" })
  async scan(
    @argument({
      defaultPath: "/",
      ignore: [
        "**/node_modules",
        "**/.venv",
        "**/__pycache__",
        "out",
        "!images/**",
        "**/.git/config",
        "**/.git/config.worktree",
        "**/.git/modules/**/config",
      ],
    })
    source: Directory,
    tag?: string,
    artifacts?: Directory,
    database?: File,
    databaseImage?: string,
    databaseUrl?: string,
    scanner?: string,
    wiki?: string,
    wikiUsername?: string,
    wikiToken?: Secret,
    registry?: string,
    registryUsername?: string,
    registryPassword?: Secret,
    signingKey?: Secret,
    oidcUrl?: string,
    oidcToken?: Secret,
    fulcio?: string,
    rekor?: string,
    timestampAuthority?: string,
  ): Promise<ActionResult> {
    const { scanImages } = await import("#lib/calls/scanImages.js")
    // Loaded only here, as every call waits for what stands at the top.
    const known = { database, databaseImage, databaseUrl, scanner }
    const login = { wiki, wikiUsername, wikiToken, registry, registryUsername, registryPassword }
    const signing = { signingKey, oidcUrl, oidcToken, fulcio, rekor, timestampAuthority }
    return actionResult(await scanImages({ source, tag, artifacts, ...known, ...login, ...signing }))
  }

  /**
   * Makes the lock files of the images' packages anew, and tells what differs: package, from, to. Changes nothing here.
   *
   * Add "artifacts export --path=out": out/files has the files that differ.
   * @param source The checkout: spec.yml and images/.
   * @param script Program below images/ that makes them, in a container with Python and uv; it gets --upgrade and --exclude-newer.
   * @param cooldown Versions that are younger are not taken, such as "7 d" or "36 h".
   */
  @func({ cache: "never" })
  async updateLocks(
    @argument({
      defaultPath: "/",
      ignore: [
        "**/node_modules",
        "**/.venv",
        "**/__pycache__",
        "out",
        "!images/**",
        "**/.git/config",
        "**/.git/config.worktree",
        "**/.git/modules/**/config",
      ],
    })
    source: Directory,
    script = "images/update-python.sh",
    cooldown = "7 d",
  ): Promise<ActionResult> {
    const { updateLocks } = await import("#lib/calls/updateLocks.js")
    return actionResult(await updateLocks({ source, script, cooldown }))
  }

  /**
   * Promotes the images of a branch to their quarter's stable ones: 2026.4-main becomes 2026.4-stable, by digest.
   *
   * Runs the GPU test on what is promoted first. All images or none: a failure on the way is taken back.
   * @param source The checkout: spec.yml and images/.
   * @param tag <year>.<quarter>-<branch>, or <version>-<branch>, used as it is.
   * @param dryRun Say what would be done, and write nothing.
   * @param skipGpuTest Promote without the GPU test.
   * @param registry Registry and organisation instead of those of the spec.
   * @param registryUsername Login to the registry that --registry names; no other one gets it.
   * @param registryPassword Password or token of the login, such as env://REGISTRY_TOKEN.
   * @param wiki URL of the wiki's git repository; the spec's where not given.
   * @param wikiUsername Login to the wiki that --wiki names.
   * @param wikiToken Token of the login, such as env://WIKI_TOKEN.
   * @param artifacts Artifacts of the run that built the images, for their pages, where there is no wiki.
   * @param gpuHost Login host of the cluster; the spec's where no password or key is given.
   * @param gpuPort Its SSH port; the spec's where not given.
   * @param gpuUser Account there; the spec's where not given.
   * @param gpuPassword Password of the account, such as env://GPU_PASSWORD.
   * @param gpuPrivateKey Private key of the account instead, such as file:///home/me/.ssh/id_ed25519.
   * @param gpuHostKey Key of the host: a line of known_hosts or a fingerprint SHA256:...; needed with a password or key.
   * @param signingKey Private key (PEM, P-256) that signs the verdict of the GPU test.
   */
  @func({ cache: "never" })
  async tagStable(
    @argument({
      defaultPath: "/",
      ignore: [
        "**/node_modules",
        "**/.venv",
        "**/__pycache__",
        "out",
        "!images/**",
        "**/.git/config",
        "**/.git/config.worktree",
        "**/.git/modules/**/config",
      ],
    })
    source: Directory,
    tag: string,
    dryRun = false,
    skipGpuTest = false,
    registry?: string,
    registryUsername?: string,
    registryPassword?: Secret,
    wiki?: string,
    wikiUsername?: string,
    wikiToken?: Secret,
    artifacts?: Directory,
    gpuHost?: string,
    gpuPort?: number,
    gpuUser?: string,
    gpuPassword?: Secret,
    gpuPrivateKey?: Secret,
    gpuHostKey?: string,
    signingKey?: Secret,
  ): Promise<ActionResult> {
    const { promoteToStable } = await import("#lib/calls/promotion.js")
    const logins = { registry, registryUsername, registryPassword, wiki, wikiUsername, wikiToken, artifacts }
    const gpu = { gpuHost, gpuPort, gpuUser, gpuPassword, gpuPrivateKey, gpuHostKey }
    return actionResult(
      await promoteToStable({ source, tag, dryRun, skipGpuTest, ...logins, ...gpu, signingKey }),
    )
  }

  /**
   * Promotes the stable images of a quarter to those in production: 2026.4-stable becomes stable, by digest.
   * @param source The checkout: spec.yml and images/.
   * @param prefix <year>.<quarter>, or a version
   * @param dryRun Say what would be done, and write nothing.
   * @param registry Registry and organisation instead of those of the spec.
   * @param registryUsername Login to the registry that --registry names; no other one gets it.
   * @param registryPassword Password or token of the login, such as env://REGISTRY_TOKEN.
   * @param wiki URL of the wiki's git repository; the spec's where not given.
   * @param wikiUsername Login to the wiki that --wiki names.
   * @param wikiToken Token of the login, such as env://WIKI_TOKEN.
   * @param artifacts Artifacts of the run that built the images, for their pages, where there is no wiki.
   */
  @func({ cache: "never" })
  async tagGlobalStable(
    @argument({
      defaultPath: "/",
      ignore: [
        "**/node_modules",
        "**/.venv",
        "**/__pycache__",
        "out",
        "!images/**",
        "**/.git/config",
        "**/.git/config.worktree",
        "**/.git/modules/**/config",
      ],
    })
    source: Directory,
    prefix: string,
    dryRun = false,
    registry?: string,
    registryUsername?: string,
    registryPassword?: Secret,
    wiki?: string,
    wikiUsername?: string,
    wikiToken?: Secret,
    artifacts?: Directory,
  ): Promise<ActionResult> {
    const { promoteToGlobalStable } = await import("#lib/calls/promotion.js")
    const logins = { registry, registryUsername, registryPassword, wiki, wikiUsername, wikiToken, artifacts }
    return actionResult(await promoteToGlobalStable({ source, prefix, dryRun, ...logins }))
  }

  /**
   * Takes the last promotion to a tag back: every image gets the tag that it had before.
   * @param source The checkout: spec.yml and images/.
   * @param tag stable, or <year>.<quarter>-stable, or a version.
   * @param journal Journal of the promotion to take back (journal.json of its artifacts), where it is not the last.
   * @param force Also move tags that somebody else has written since.
   * @param dryRun Say what would be done, and write nothing.
   * @param registry Registry and organisation instead of those of the spec.
   * @param registryUsername Login to the registry that --registry names; no other one gets it.
   * @param registryPassword Password or token of the login, such as env://REGISTRY_TOKEN.
   * @param wiki URL of the wiki's git repository; the spec's where not given.
   * @param wikiUsername Login to the wiki that --wiki names.
   * @param wikiToken Token of the login, such as env://WIKI_TOKEN.
   * @param artifacts Artifacts of the run that built the images, for their pages, where there is no wiki.
   */
  @func({ cache: "never" })
  async rollback(
    @argument({
      defaultPath: "/",
      ignore: [
        "**/node_modules",
        "**/.venv",
        "**/__pycache__",
        "out",
        "!images/**",
        "**/.git/config",
        "**/.git/config.worktree",
        "**/.git/modules/**/config",
      ],
    })
    source: Directory,
    tag: string,
    journal?: File,
    force = false,
    dryRun = false,
    registry?: string,
    registryUsername?: string,
    registryPassword?: Secret,
    wiki?: string,
    wikiUsername?: string,
    wikiToken?: Secret,
    artifacts?: Directory,
  ): Promise<ActionResult> {
    const { takeBack } = await import("#lib/calls/promotion.js")
    const logins = { registry, registryUsername, registryPassword, wiki, wikiUsername, wikiToken, artifacts }
    const text = await journal?.contents()
    return actionResult(await takeBack({ source, tag, force, dryRun, ...logins, journal: text }))
  }

  /**
   * What stable and the quarter's stable are now: digest, since when, from which commit.
   * @param source The checkout: spec.yml and images/.
   * @param prefix <year>.<quarter>, or a version; the spec's where not given.
   * @param registry Registry and organisation instead of those of the spec.
   * @param registryUsername Login to the registry that --registry names; no other one gets it.
   * @param registryPassword Password or token of the login, such as env://REGISTRY_TOKEN.
   */
  @func({ cache: "never" })
  async status(
    @argument({
      defaultPath: "/",
      ignore: [
        "**/node_modules",
        "**/.venv",
        "**/__pycache__",
        "out",
        "!images/**",
        "**/.git/config",
        "**/.git/config.worktree",
        "**/.git/modules/**/config",
      ],
    })
    source: Directory,
    prefix?: string,
    registry?: string,
    registryUsername?: string,
    registryPassword?: Secret,
  ): Promise<ActionResult> {
    const { promotionStatus } = await import("#lib/calls/promotion.js")
    return actionResult(
      await promotionStatus({ source, prefix, registry, registryUsername, registryPassword }),
    )
  }

  /**
   * What nothing needs any more in the registry: candidates, memories of runs, images of branches that are gone. Deletes it with --confirm.
   *
   * Kept is whatever stable tags, their journals, tags of existing branches and tags of others lead to, and what is young.
   * @param source The checkout: spec.yml, images/ and .git.
   * @param olderThan Only what is older, such as "30 d" or "36 h".
   * @param keep Tags that stay, whatever they are.
   * @param branch Branches that exist, where the checkout does not know them all.
   * @param confirm Delete; without it nothing is written.
   * @param registry Registry and organisation instead of those of the spec.
   * @param registryUsername Login to the registry that --registry names; no other one gets it.
   * @param registryPassword Password or token of the login, such as env://REGISTRY_TOKEN.
   */
  @func({ cache: "never" })
  async prune(
    @argument({
      defaultPath: "/",
      ignore: [
        "**/node_modules",
        "**/.venv",
        "**/__pycache__",
        "out",
        "!images/**",
        "**/.git/config",
        "**/.git/config.worktree",
        "**/.git/modules/**/config",
      ],
    })
    source: Directory,
    olderThan = "30 d",
    keep: string[] = [],
    branch: string[] = [],
    confirm = false,
    registry?: string,
    registryUsername?: string,
    registryPassword?: Secret,
  ): Promise<ActionResult> {
    const { pruneRegistry } = await import("#lib/calls/pruneRegistry.js")
    const login = { registry, registryUsername, registryPassword }
    return actionResult(await pruneRegistry({ source, olderThan, keep, branch, confirm, ...login }))
  }

  /**
   * Runs the tests that need a GPU: logs in to the cluster, launches the image there, and judges pytest's output.
   * @param source The checkout: spec.yml and images/.
   * @param tag Tag of the image to test; what it names now is tested.
   * @param dryRun Connect to nothing, and print what would be run.
   * @param registry Registry and organisation instead of those of the spec.
   * @param registryUsername Login to the registry that --registry names; no other one gets it.
   * @param registryPassword Password or token of the login, such as env://REGISTRY_TOKEN.
   * @param host Login host of the cluster; the spec's where no password or key is given.
   * @param port Its SSH port; the spec's where not given.
   * @param user Account there; the spec's where not given.
   * @param password Password of the account, such as env://GPU_PASSWORD.
   * @param privateKey Private key of the account instead, such as file:///home/me/.ssh/id_ed25519.
   * @param hostKey Key of the host: a line of known_hosts or a fingerprint SHA256:...; needed with a password or key.
   * @param signingKey Private key (PEM, P-256) that signs the verdict, which is then attached to the image.
   * @param oidcUrl Where a workflow asks for its identity to sign with instead: env ACTIONS_ID_TOKEN_REQUEST_URL.
   * @param oidcToken What it asks with: env://ACTIONS_ID_TOKEN_REQUEST_TOKEN; goes to --oidc-url alone.
   * @param fulcio Certificate authority that hears the identity; https://fulcio.sigstore.dev where not given.
   * @param rekor Transparency log; https://rekor.sigstore.dev where neither this nor a timestamp authority is given.
   * @param timestampAuthority Timestamp authority (RFC 3161), instead of the log or beside it.
   */
  @func({ cache: "never" })
  async gpuTest(
    @argument({
      defaultPath: "/",
      ignore: [
        "**/node_modules",
        "**/.venv",
        "**/__pycache__",
        "out",
        "!images/**",
        "**/.git/config",
        "**/.git/config.worktree",
        "**/.git/modules/**/config",
      ],
    })
    source: Directory,
    tag: string,
    dryRun = false,
    registry?: string,
    registryUsername?: string,
    registryPassword?: Secret,
    host?: string,
    port?: number,
    user?: string,
    password?: Secret,
    privateKey?: Secret,
    hostKey?: string,
    signingKey?: Secret,
    oidcUrl?: string,
    oidcToken?: Secret,
    fulcio?: string,
    rekor?: string,
    timestampAuthority?: string,
  ): Promise<ActionResult> {
    const { gpuTest } = await import("#lib/calls/gpuTest.js")
    const signing = { signingKey, oidcUrl, oidcToken, fulcio, rekor, timestampAuthority }
    const registryLogin = { registry, registryUsername, registryPassword }
    const gpu = {
      gpuHost: host,
      gpuPort: port,
      gpuUser: user,
      gpuPassword: password,
      gpuPrivateKey: privateKey,
      gpuHostKey: hostKey,
    }
    return actionResult(await gpuTest({ source, tag, dryRun, ...registryLogin, ...gpu, ...signing }))
  }

  /**
   * Signs what runs say of their images, and attaches it to them: from what each was built, and that its tests passed.
   *
   * Runs nothing of an image, and asks the registry before it believes the artifacts: for a job that has an identity.
   * @param source The checkout: spec.yml and images/.
   * @param artifacts The folder that the artifacts of build-stack were exported to; those of runs that built single images may lie in folders of it.
   * @param registry Registry and organisation instead of those of the spec.
   * @param registryUsername Login to the registry that --registry names; no other one gets it.
   * @param registryPassword Password or token of the login, such as env://REGISTRY_TOKEN.
   * @param origin Address of the source's repository, for the statements.
   * @param signingKey Private key (PEM, P-256) that signs, such as file:///home/me/signing.pem.
   * @param oidcUrl Where a workflow asks for its identity instead: env ACTIONS_ID_TOKEN_REQUEST_URL.
   * @param oidcToken What it asks with: env://ACTIONS_ID_TOKEN_REQUEST_TOKEN; goes to --oidc-url alone.
   * @param fulcio Certificate authority that hears the identity; https://fulcio.sigstore.dev where not given.
   * @param rekor Transparency log; https://rekor.sigstore.dev where neither this nor a timestamp authority is given.
   * @param timestampAuthority Timestamp authority (RFC 3161), instead of the log or beside it.
   */
  @func({ cache: "never" })
  async attest(
    @argument({
      defaultPath: "/",
      ignore: [
        "**/node_modules",
        "**/.venv",
        "**/__pycache__",
        "out",
        "!images/**",
        "**/.git/config",
        "**/.git/config.worktree",
        "**/.git/modules/**/config",
      ],
    })
    source: Directory,
    artifacts: Directory,
    registry?: string,
    registryUsername?: string,
    registryPassword?: Secret,
    origin?: string,
    signingKey?: Secret,
    oidcUrl?: string,
    oidcToken?: Secret,
    fulcio?: string,
    rekor?: string,
    timestampAuthority?: string,
  ): Promise<ActionResult> {
    const { attest } = await import("#lib/calls/attest.js")
    const signing = { signingKey, oidcUrl, oidcToken, fulcio, rekor, timestampAuthority }
    return actionResult(
      await attest({ source, artifacts, registry, registryUsername, registryPassword, origin, ...signing }),
    )
  }

  /**
   * What is claimed of a published image, by whom, and whether it holds; fails where provenance or tests do not.
   * @param source The checkout: its spec.yml says who is trusted.
   * @param ref Published image, such as ghcr.io/org/image:2026.4-main.
   * @param registryUsername Login to the registry of --ref.
   * @param registryPassword Password or token of the login, such as env://REGISTRY_TOKEN.
   */
  @func({ cache: "never" })
  async verify(
    @argument({
      defaultPath: "/",
      ignore: [
        "**/node_modules",
        "**/.venv",
        "**/__pycache__",
        "out",
        "!images/**",
        "**/.git/config",
        "**/.git/config.worktree",
        "**/.git/modules/**/config",
      ],
    })
    source: Directory,
    ref: string,
    registryUsername?: string,
    registryPassword?: Secret,
  ): Promise<ActionResult> {
    const { verifyImage } = await import("#lib/calls/verify.js")
    return actionResult(await verifyImage({ source, ref, registryUsername, registryPassword }))
  }

  /**
   * The stack as one Dockerfile with a .dockerignore, to build its images with plain docker.
   *
   * Use it as "docker build --file=stack.Dockerfile --target=..." in the checkout; the targets stand at its top.
   * @param source The checkout: spec.yml and images/.
   * @param only Images to link, with what they are built on; all where none is named.
   * @param platform Platform to link for, such as linux/arm64; the first of the spec where none is named.
   * @param set Build arguments over those of the spec, as image.ARG=value.
   */
  @func({ cache: "never" })
  async dockerfile(
    @argument({
      defaultPath: "/",
      ignore: [
        "**/node_modules",
        "**/.venv",
        "**/__pycache__",
        "out",
        "!images/**",
        "**/.git/config",
        "**/.git/config.worktree",
        "**/.git/modules/**/config",
      ],
    })
    source: Directory,
    only: string[] = [],
    set: string[] = [],
    platform?: string,
  ): Promise<Directory> {
    const { linkedDirectory } = await import("#lib/calls/linkedDirectory.js")
    return linkedDirectory(source, only, set, platform)
  }
  /**
   * The files of a new small stack, which passes as it is: add "export --path=." in an empty folder.
   *
   * It has a spec, a root image with JupyterLab, one on top of it, and tests of each kind. Files of the same names are overwritten.
   * @param name Name of the stack, such as physics: its own image is physics-notebook.
   * @param registry Registry and organisation that the spec publishes the images to.
   * @param mainBranch The branch whose images go to production: on GitHub the default one.
   * @param module owner/name@commit of this module on GitHub, for workflows that call its; without it there are none.
   */
  @func({ cache: "never" })
  async newStack(
    name: string,
    registry = "ghcr.io/example",
    mainBranch = "main",
    module?: string,
  ): Promise<Directory> {
    const { newStack } = await import("#lib/calls/newStack.js")
    return newStack(name, registry, mainBranch, module)
  }
  /**
   * Proposes a spec.yml for a repository that has Dockerfiles and none, and says what a person has to decide.
   *
   * It reads FROM, COPY and ADD, and tries the spec that it proposes; nothing is built or written.
   * @param source The checkout.
   */
  @func({ cache: "never" })
  async adopt(
    @argument({
      defaultPath: "/",
      ignore: [
        "**/node_modules",
        "**/.venv",
        "**/__pycache__",
        "out",
        "!images/**",
        "**/.git/config",
        "**/.git/config.worktree",
        "**/.git/modules/**/config",
      ],
    })
    source: Directory,
  ): Promise<ActionResult> {
    const { adoptStack } = await import("#lib/calls/adoptStack.js")
    return actionResult(await adoptStack(source))
  }
}

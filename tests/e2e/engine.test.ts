import { existsSync } from "node:fs"
import { cp, readFile } from "node:fs/promises"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { stateFolder } from "../support/engineShell.js"
import { probeModule } from "../support/probeModule.js"
import { SecondEngine } from "../support/secondEngine.js"
import { checkout, run, start, workspace } from "../support/stack.js"

let second: SecondEngine
const engine: SecondEngine["command"] = (...args) => second.command(...args)
const shell: SecondEngine["shell"] = (script) => second.shell(script)

/** What the host sees of an engine's network, and of what an engine writes where it should not; its disk is the test's. */
const traces = () =>
  shell(`ip link show second0 2>/dev/null; iptables-save | grep -F -e 10.89. -e second
    mount | grep -F "$STACK_ENGINE_HOME" | grep -v -F "on $STACK_ENGINE_HOME/state type tmpfs"; pgrep --full --list-full -- "$STACK_ENGINE_HOME"; true`)
const hostFiles = () => shell("sha256sum /etc/resolv.conf /etc/hosts /etc/ssl/certs/ca-certificates.crt")

beforeAll(async () => {
  // A disk of its own: how much its cache has grown is told by what the disk holds, and other tests write and remove there.
  second = await SecondEngine.make({ name: "second", prefix: "10.89", registryPort: 5091, disk: "16g" })
})

afterAll(() => second.remove())

describe("up and down", () => {
  it("start an engine and a registry beside another, and leave nothing on the host", async () => {
    const before = await hostFiles()
    const up = await engine("up")
    expect(up).toMatchObject({ status: 0, stdout: "" })
    expect(up.stderr).toMatch(/^\d\d:\d\d:\d\d {2}engine v[\d.]+ and registry are up \(\d+ s\)$/m)
    expect((await engine("status")).stdout).toMatch(
      /^engine +running, pid \d+[^]*^registry +running, pid \d+[^]*^cache +about \d+ MB, limit 40960 MB$/m,
    )
    const debian = await shell("curl -fsS http://127.0.0.1:5101/v2/docker.io/library/debian/tags/list")
    expect(debian).toContain("bookworm-slim")
    expect(debian).toContain("trixie-slim")

    const down = await engine("down")
    expect(down).toMatchObject({ status: 0, stdout: "" })
    expect((await engine("status")).status).not.toBe(0)
    expect(await traces()).toBe("")
    expect(await hostFiles()).toBe(before)
  })

  it("do nothing when there is nothing to do", async () => {
    await engine("up")
    const pid = await engine("pid")
    expect(await engine("up")).toEqual({ status: 0, stdout: "", stderr: "" })
    expect(await engine("pid")).toEqual(pid)
    await engine("down")
    expect(await engine("down")).toEqual({ status: 0, stdout: "", stderr: "" })
  })

  it("share an engine between two checkouts", async () => {
    const other = await workspace({}, { git: false })
    await cp(join(checkout, "engine"), join(other, "engine"), { recursive: true })
    await engine("up")
    const pid = await engine("pid")
    expect(await engine("up", other)).toEqual({ status: 0, stdout: "", stderr: "" })
    expect(await engine("pid", other)).toEqual(pid)
  })

  it("replace an engine that another version has started", async () => {
    await engine("up")
    const pid = await engine("pid")
    const up = await engine("up", checkout, { STACK_ENGINE_LOG_LEVEL: "warn" })
    expect(up.stderr).toContain("the engine's parts have changed: restarting it")
    expect((await engine("pid")).stdout).not.toBe(pid.stdout)
  })
})

describe("what containers start from", () => {
  /** Says what a request that writes is answered, by a registry that is spoken to by bash alone. */
  const attack = `
    ask() {
      exec 3<>/dev/tcp/$1/$2 || { echo "$1 $2 $3 refused"; return; }
      printf '%s %s HTTP/1.1\\r\\nHost: x\\r\\nContent-Length: 2\\r\\nContent-Type: application/vnd.oci.image.manifest.v1+json\\r\\nConnection: close\\r\\n\\r\\n{}' "$3" "$4" >&3
      read -r _ status _ <&3; echo "$1 $2 $3 $status"; exec 3<&-
    }
    for image in debian node; do
      for port in 5101 5091; do
        for method in PUT DELETE; do ask 10.89.0.1 $port $method /v2/docker.io/library/$image/manifests/bookworm-slim; done
        ask 10.89.0.1 $port POST /v2/docker.io/library/$image/blobs/uploads/
      done
    done 2>/dev/null`

  it("is changed by no container: the mirror takes nothing, the registry asks for a login", async () => {
    await engine("up")
    const digest = () =>
      shell(
        "curl -fsSI -H 'Accept: application/vnd.oci.image.manifest.v1+json' http://127.0.0.1:5101/v2/docker.io/library/debian/manifests/bookworm-slim | grep -i digest",
      )
    const before = await digest()
    const words = `container from --address=debian:bookworm-slim with-user --name=1000 with-env-variable --name=FRESH --value=${String(Date.now())}`
    const script = `eval "$('${checkout}/engine/engine.sh' env)"; dagger --silent core ${words} with-exec --args=bash,-c,"$ATTACK" stdout`
    const csv = `"${attack.replaceAll('"', '""')}"`
    const ended = await run("bash", ["-c", script], { cwd: tmpdir(), env: { ...second.env, ATTACK: csv } })
    expect(ended).toMatchObject({ status: 0 })
    const answers = new Set(ended.stdout.trim().split("\n"))
    expect([...answers].sort()).toEqual([
      "10.89.0.1 5091 DELETE 401",
      "10.89.0.1 5091 POST 401",
      "10.89.0.1 5091 PUT 401",
      "10.89.0.1 5101 DELETE 405",
      "10.89.0.1 5101 POST 405",
      "10.89.0.1 5101 PUT 405",
    ])
    expect(await digest()).toBe(before)
  })

  it("has neither triggers nor a SHELL: nobody can ask the mirror but the engine, which does not tell", async () => {
    await engine("up")
    const configs = await shell(`
      for image in $(curl -fsS http://127.0.0.1:5101/v2/_catalog | grep -o 'docker.io/[^"]*'); do
        for tag in $(curl -fsS "http://127.0.0.1:5101/v2/$image/tags/list" | grep -o '"tags":.*' | grep -o '[a-z0-9][^"]*' | grep -v '^tags$'); do
          for architecture in amd64 arm64; do
            skopeo inspect --tls-verify=false --raw --config --override-os linux --override-arch $architecture \\
              "docker://127.0.0.1:5101/$image:$tag"
            echo
          done
        done
      done`)
    expect(configs.split("\n").length).toBeGreaterThan(1)
    expect(configs).toContain('"Cmd"')
    expect(configs).not.toMatch(/"(?:OnBuild|Shell|Healthcheck)"/)
  })

  it("nothing of it listens but on loopback and the bridge, and its files are root's alone", async () => {
    await engine("up")
    const listening = await shell(`
      for pid in $(cat "$STACK_ENGINE_HOME"/run/*.pid | cut -d ' ' -f 1); do
        for each in $pid $(pgrep --parent $pid) $(pgrep --parent $(pgrep --parent $pid | paste -sd,)); do
          ss --no-header --listening --numeric --tcp --udp --processes | grep -F "pid=$each," | awk '{ print $5 }'
        done
      done | sort -u`)
    expect(
      listening
        .split("\n")
        .filter((address) => !/^(127\.0\.0\.1|10\.89\.0\.1|\[fe80:[^\]]*\]%second0):/.test(address)),
    ).toEqual([])
    expect(listening).toContain("10.89.0.1:5091")
    expect(await shell('stat -c %a "$STACK_ENGINE_HOME" "$STACK_ENGINE_HOME/registry-password"')).toBe(
      "700\n600",
    )
  })
})

describe("the cache", () => {
  const debian = "container from --address=debian:bookworm-slim"
  const withEngine = (command: string) => `eval "$('${checkout}/engine/engine.sh' env)"; ${command}`
  const coreScript = (words: string) => withEngine(`dagger --silent core ${words}`)
  const core = async (words: string) => {
    const ended = await run("bash", ["-c", coreScript(words)], { cwd: tmpdir(), env: second.env })
    expect(ended).toMatchObject({ status: 0 })
    return ended.stdout
  }
  /** When the engine has executed this: later calls get it from the cache. */
  const time = () => core(`${debian} with-exec --args=date,+%s.%N stdout`)
  const cacheBytes = async () => Number(await core("engine local-cache entry-set disk-space-bytes"))

  it("survives a restart, and an engine that was killed", async () => {
    const module = await workspace(probeModule)
    const made = async () => {
      await engine("up")
      const script = withEngine("dagger call --silent made --key=1")
      return (await run("bash", ["-c", script], { cwd: module, env: second.env })).stdout
    }
    const first = await made()
    expect(first).toMatch(/^\d+\.\d+\n$/)
    await engine("down")
    expect(await made()).toBe(first)

    process.kill(Number((await engine("pid")).stdout), "SIGKILL")
    await expect.poll(async () => (await engine("pid")).status).not.toBe(0)
    // What the engine had started ended with it: its name server, and the containers.
    await expect.poll(() => shell("ss --no-header -lnut src 10.89.0.1 sport = 53")).toBe("")
    expect(await made()).toBe(first)
  })

  it("is emptied by the command that the documentation names", async () => {
    await engine("up")
    const [first, before] = [await time(), await cacheBytes()]
    expect(await time()).toBe(first)

    await core("engine local-cache prune")
    expect(await cacheBytes()).toBeLessThan(before / 10)
    expect(await time()).not.toBe(first)
  })

  it("is cut down to its limit, but not while a call uses it", async () => {
    await engine("up")
    const pid = await engine("pid")
    const megabytes = Math.ceil((await cacheBytes()) / 1024 ** 2) + 100
    const limit = { STACK_ENGINE_CACHE: `${String(megabytes)}MB` }
    const onDisk = async () => Number(await shell(`du -sm '${second.cache}' | cut -f 1`))
    const before = await onDisk()

    // Fresh: a second try would have it from the cache.
    const fill = `: ${String(Date.now())}; head -c 300000000 /dev/urandom > /random; sleep 20`
    const call = start("bash", ["-c", coreScript(`${debian} with-exec --args='sh,-c,"${fill}"' sync`)], {
      cwd: tmpdir(),
      env: second.env,
    })
    await expect.poll(onDisk, { timeout: 60_000, interval: 500 }).toBeGreaterThan(before + 250)
    expect(await engine("up", checkout, limit)).toEqual({ status: 0, stdout: "", stderr: "" })
    expect(await engine("pid")).toEqual(pid)
    expect((await call.ended).status).toBe(0)

    const up = await engine("up", checkout, limit)
    expect(up.stderr).toContain(`clearing away what the cache has beyond ${String(megabytes)} MB`)
    expect(await cacheBytes()).toBeLessThan(megabytes * 1024 ** 2)
    expect(await onDisk()).toBeLessThan(before + 150)
    expect(await time()).toMatch(/^\d+\.\d+\n$/)
    expect(await engine("up", checkout, limit)).toEqual({ status: 0, stdout: "", stderr: "" })
  })
})

describe("a failed start", () => {
  it("names the process that has taken the port, before it builds anything", async () => {
    await engine("down")
    const server = createServer().listen(5101, "127.0.0.1")
    await new Promise((done) => server.once("listening", done))
    const empty = await stateFolder()
    const up = await engine("up", checkout, { STACK_ENGINE_HOME: empty })
    server.close()
    expect(up.status).toBe(1)
    expect(up.stderr).toMatch(
      new RegExp(`stack: port 5101, needed for the mirror, is taken by \\S+, pid ${String(process.pid)}: `),
    )
    expect(existsSync(join(empty, "bin.part"))).toBe(false)
  })

  it("says what the cache's limit may be", async () => {
    const up = await engine("up", checkout, { STACK_ENGINE_CACHE: "40 GB" })
    expect(up.status).toBe(1)
    expect(up.stderr).toBe(
      'stack: STACK_ENGINE_CACHE must be a whole number with GB or MB behind it, such as 40GB, not "40 GB"\n',
    )
  })

  it("says what a network is, and leaves no bridge", async () => {
    await engine("down")
    const up = await engine("up", checkout, { STACK_ENGINE_NETWORK: "10.89.0.0/99" })
    expect(up.status).toBe(1)
    expect(up.stderr).toContain(
      "stack: the network 10.89.0.0/99 is none: STACK_ENGINE_NETWORK must be like 10.87.0.0/16",
    )
    expect(await traces()).toBe("")
  })

  it("stops what it has started, and shows the engine's last words", async () => {
    await engine("down")
    const up = await engine("up", checkout, { STACK_ENGINE_LOG_LEVEL: "nonsense" })
    expect(up.status).toBe(1)
    expect(up.stderr).toContain("stack: the engine did not come up")
    expect(up.stderr).toContain('unknown log level "nonsense"')
    expect((await engine("status")).stdout).toMatch(/^registry +stopped/m)
    expect(await traces()).toBe("")
    expect(await readFile(join(second.home, "run/engine.log"), "utf8")).toContain("nonsense")
  })
})

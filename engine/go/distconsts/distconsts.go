// Package distconsts stands for the package that Dagger's release build generates.
//
// Three paths are variables here, read from the environment, so that everything the engine needs lies in its state
// directory and nothing in /usr/local.
package distconsts

import "os"

const (
	EngineContainerName   = "dagger-engine.dev"
	DefaultEngineSockAddr = "unix:///run/dagger/engine.sock"
	EngineDefaultStateDir = "/var/lib/dagger"
	TiniPath              = "/usr/local/bin/tini"

	GoSDKManifestDigestEnvName         = "DAGGER_GO_SDK_MANIFEST_DIGEST"
	PythonSDKManifestDigestEnvName     = "DAGGER_PYTHON_SDK_MANIFEST_DIGEST"
	TypescriptSDKManifestDigestEnvName = "DAGGER_TYPESCRIPT_SDK_MANIFEST_DIGEST"

	AlpineVersion  = "3.22.1"
	AlpineImage    = "alpine:" + AlpineVersion
	GolangVersion  = "1.26"
	GolangImage    = "golang:" + GolangVersion + "-alpine"
	BusyboxVersion = "1.37.0"
	BusyboxImage   = "busybox:" + BusyboxVersion

	OCIVersionAnnotation   = "org.opencontainers.image.version"
	EngineCustomCACertsDir = "/usr/local/share/ca-certificates"
)

var (
	RuncPath                         = fromEnv("STACK_ENGINE_RUNC", "/usr/local/bin/runc")
	DaggerInitPath                   = fromEnv("STACK_ENGINE_INIT", "/usr/local/bin/dagger-init")
	EngineContainerBuiltinContentDir = fromEnv("STACK_ENGINE_CONTENT", "/usr/local/share/dagger/content")
)

func fromEnv(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}

module stack-engine

go 1.24.4

require github.com/dagger/dagger v0.19.10

// Constants that Dagger's release build generates and its module does not carry.
replace github.com/dagger/dagger/engine/distconsts => ./distconsts

// As in the go.mod of dagger v0.19.10: replacements of a dependency do not count here by themselves.
replace (
	dagger.io/dagger => dagger.io/dagger v0.19.10
	go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploggrpc => go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploggrpc v0.14.0
	go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploghttp => go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploghttp v0.14.0
	go.opentelemetry.io/otel/log => go.opentelemetry.io/otel/log v0.14.0
	go.opentelemetry.io/otel/sdk/log => go.opentelemetry.io/otel/sdk/log v0.14.0
)
